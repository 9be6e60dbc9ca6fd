package regress

import (
	"regexp"
	"strings"
)

// lexer takes a script apart as psql does: into statements, and commands that begin with a backslash. The statement so far
// outlives a command, since a command may stand inside of one.
type lexer struct {
	rest string // what is still to be read, with the values of variables spliced in
	vars variables
	// escapes tells whether a backslash in a plain literal is an escape just now.
	escapes func() bool
	// idle is set where nothing is carried out: variables are left alone there.
	idle bool

	statement []byte
	several   bool // \; joined statements into one text
	parens    int
	words     []byte // initials of the statement's first words
	atomic    int    // how deep in BEGIN ATOMIC ... END
}

// token is a statement or a command.
type token struct {
	text    string // of a statement; empty for a command
	several bool
	command string // without its backslash
	args    []string
}

// next gives the next token, or false at the end.
func (l *lexer) next() (token, bool) {
	for l.rest != "" {
		switch c := l.rest[0]; {
		case c == ';' && l.parens == 0 && l.atomic == 0:
			l.rest = l.rest[1:]
			if t, ok := l.finish(); ok {
				return t, true
			}
		case c == '\\' && strings.HasPrefix(l.rest[1:], ";"), c == '\\' && strings.HasPrefix(l.rest[1:], ":"):
			l.several = l.several || l.rest[1] == ';'
			l.rest = l.rest[1:]
			l.take(1)
		case c == '\\':
			return l.readCommand(), true
		case c == ':':
			l.readVariable()
		default:
			l.readPart(c)
		}
	}
	return l.finish()
}

// finish ends the statement so far. It reports false when there is none.
func (l *lexer) finish() (token, bool) {
	t := token{text: strings.TrimSpace(string(l.statement)), several: l.several}
	l.reset()
	return t, keyword(t.text) != ""
}

// reset forgets the statement so far.
func (l *lexer) reset() {
	l.statement, l.several, l.parens, l.words, l.atomic = nil, false, 0, nil, 0
}

// take moves n bytes into the statement.
func (l *lexer) take(n int) {
	l.statement = append(l.statement, l.rest[:n]...)
	l.rest = l.rest[n:]
}

// readPart reads a word, a literal, a comment, or a single character.
func (l *lexer) readPart(c byte) {
	switch {
	case strings.HasPrefix(l.rest, "--"):
		l.take(until(l.rest, 0, "\n"))
	case strings.HasPrefix(l.rest, "/*"):
		l.take(comment(l.rest))
	case c == '\'':
		l.take(literal(l.rest, l.escapes != nil && l.escapes()))
	case c == '"':
		l.take(until(l.rest, 1, `"`))
	case c == '$':
		l.take(dollarQuoted(l.rest))
	case wordStart(c):
		l.readWord()
	default:
		l.parens += parenthesis(c)
		l.parens = max(l.parens, 0)
		l.take(1)
	}
}

func parenthesis(c byte) int {
	switch c {
	case '(':
		return 1
	case ')':
		return -1
	default:
		return 0
	}
}

func wordStart(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c >= 0x80
}

func wordPart(c byte) bool { return wordStart(c) || '0' <= c && c <= '9' || c == '$' }

// readWord reads a word, and the literal that belongs to it in E'...'.
func (l *lexer) readWord() {
	n := 1
	for n < len(l.rest) && wordPart(l.rest[n]) {
		n++
	}
	word := strings.ToLower(l.rest[:n])
	l.take(n)
	if word == "e" && strings.HasPrefix(l.rest, "'") {
		l.take(literal(l.rest, true))
		return
	}
	l.follow(word)
}

// follow keeps count of BEGIN and END in the body of a function that is written in plain SQL: a semicolon there does not end
// the statement.
func (l *lexer) follow(word string) {
	if len(l.words) < 4 {
		initial := byte('?')
		switch word {
		case "create", "or", "replace", "function", "procedure":
			initial = word[0]
		}
		l.words = append(l.words, initial)
	}
	if l.parens > 0 || !functionStart.Match(l.words) {
		return
	}
	switch {
	case word == "begin", word == "case" && l.atomic > 0:
		l.atomic++
	case word == "end" && l.atomic > 0:
		l.atomic--
	}
}

var functionStart = regexp.MustCompile(`^c(or)?[fp]`)

// until gives the length of what ends with the mark, or with the text. The mark is looked for from a place on.
func until(text string, from int, mark string) int {
	if i := strings.Index(text[from:], mark); i >= 0 {
		return from + i + len(mark)
	}
	return len(text)
}

// comment gives the length of a comment, which may hold others.
func comment(text string) int {
	depth := 0
	for i := 0; i < len(text); {
		switch {
		case strings.HasPrefix(text[i:], "/*"):
			depth++
			i += 2
		case strings.HasPrefix(text[i:], "*/"):
			depth--
			i += 2
			if depth == 0 {
				return i
			}
		default:
			i++
		}
	}
	return len(text)
}

// literal gives the length of a literal in single quotes. Doubled quotes look like two literals, which is as good.
func literal(text string, escapes bool) int {
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && escapes:
			i++
		case text[i] == '\'':
			return i + 1
		}
	}
	return len(text)
}

var dollarTag = regexp.MustCompile(`^\$(?:[A-Za-z_\x{80}-\x{10ffff}][A-Za-z_0-9\x{80}-\x{10ffff}]*)?\$`)

// dollarQuoted gives the length of a literal in dollar quotes, or of the dollar.
func dollarQuoted(text string) int {
	tag := dollarTag.FindString(text)
	if tag == "" {
		return 1
	}
	return until(text, len(tag), tag)
}

var firstWord = regexp.MustCompile(`^[A-Za-z_]+`)

// keyword gives the first word of a statement in lower case, past comments and parentheses; what else stands there, if no
// word does; and nothing for a text without a statement.
func keyword(text string) string {
	for text != "" {
		switch {
		case strings.HasPrefix(text, "--"):
			text = text[until(text, 0, "\n"):]
		case strings.HasPrefix(text, "/*"):
			text = text[comment(text):]
		case strings.ContainsRune(" \t\r\n\f\v(", rune(text[0])):
			text = text[1:]
		default:
			if word := firstWord.FindString(text); word != "" {
				return strings.ToLower(word)
			}
			return text[:1]
		}
	}
	return ""
}
