package regress

import (
	"slices"
	"strings"
)

// wholeLine are the commands that take the rest of their line as it is.
var wholeLine = []string{"copy", "!", "sf", "sf+", "sv", "sv+", "ef", "ev", "h", "help"}

// readCommand reads a command that begins with a backslash.
func (l *lexer) readCommand() token {
	end := 1
	for end < len(l.rest) && !strings.ContainsRune(" \t\r\n\f\v\\", rune(l.rest[end])) {
		end++
	}
	t := token{command: l.rest[1:end]}
	l.rest = l.rest[end:]
	if slices.Contains(wholeLine, t.command) {
		t.args = []string{l.readLine()}
		return t
	}
	for {
		arg, ok := l.readArgument()
		if !ok {
			break
		}
		t.args = append(t.args, arg)
	}
	l.rest = strings.TrimPrefix(l.rest, `\\`) // ends a command, so that SQL may follow on its line
	return t
}

// readLine reads what is left of the line.
func (l *lexer) readLine() string {
	line, _, _ := strings.Cut(l.rest, "\n")
	l.rest = l.rest[len(line):]
	return strings.TrimSpace(line)
}

// readArgument reads one argument of a command: up to a blank, the end of the line, or the next command.
func (l *lexer) readArgument() (string, bool) {
	l.rest = strings.TrimLeft(l.rest, " \t\r\f\v")
	if l.rest == "" || l.rest[0] == '\n' || l.rest[0] == '\\' {
		return "", false
	}
	if l.rest[0] == '|' { // a program to write to takes the line
		return l.readLine(), true
	}
	var arg strings.Builder
	for l.rest != "" && !strings.ContainsRune(" \t\r\n\f\v\\", rune(l.rest[0])) {
		arg.WriteString(l.readArgumentPart())
	}
	return arg.String(), true
}

// readArgumentPart reads a quoted piece, a variable, or one character.
func (l *lexer) readArgumentPart() string {
	n, value := 1, l.rest[:1]
	switch l.rest[0] {
	case '\'':
		n = quotedArgument(l.rest)
		value = unquoteArgument(l.rest[:n])
	case '"', '`':
		n = until(l.rest, 1, l.rest[:1])
		value = l.rest[:n]
	case ':':
		if v, length, _ := l.vars.expand(l.rest); length > 0 && !l.idle {
			n, value = length, v
		}
	}
	l.rest = l.rest[n:]
	return value
}

// quotedArgument gives the length of an argument in single quotes, where both a doubled quote and one after a backslash
// stand for a quote.
func quotedArgument(text string) int {
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '\\', strings.HasPrefix(text[i:], "''"):
			i++
		case text[i] == '\'':
			return i + 1
		case text[i] == '\n':
			return i
		}
	}
	return len(text)
}

var argumentEscapes = strings.NewReplacer(
	"''", "'", `\n`, "\n", `\t`, "\t", `\r`, "\r", `\b`, "\b", `\f`, "\f", `\\`, `\`, `\'`, "'",
)

func unquoteArgument(quoted string) string {
	return argumentEscapes.Replace(strings.TrimSuffix(strings.TrimPrefix(quoted, "'"), "'"))
}

// inline gives the lines that follow the one at hand, up to the line \. that ends the data of a COPY, and a function that
// takes them out of the script.
func (l *lexer) inline() (data string, remove func()) {
	before := until(l.rest, 0, "\n")
	lines := l.rest[before:]
	end, after := len(lines), len(lines)
	for i := 0; i < len(lines); {
		n := until(lines, i, "\n")
		if strings.TrimRight(lines[i:n], "\r\n") == `\.` {
			end, after = i, n
			break
		}
		i = n
	}
	return lines[:end], func() { l.rest = l.rest[:before] + lines[after:] }
}
