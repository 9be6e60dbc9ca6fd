package catalog

import "strings"

// tokenKind tells the pieces of SQL apart.
type tokenKind byte

const (
	word    tokenKind = iota // an identifier or keyword, in lower case
	quoted                   // an identifier in double quotes
	number                   // begins with a digit
	text                     // a string in single quotes that means what it says
	oddText                  // any other string: with a prefix, a backslash, or in dollars
	sign                     // an operator, or any single character
)

// token is one piece of SQL without blanks and comments.
type token struct {
	kind tokenKind
	text string // of strings and quoted identifiers what is inside
}

// lex cuts SQL or PL/pgSQL into tokens as PostgreSQL does, and tells whether it could.
func lex(sql string) ([]token, bool) {
	l := lexer{rest: sql}
	for l.skipBlanks() && l.rest != "" && !l.broken {
		l.next()
	}
	return l.tokens, !l.broken
}

// lexer holds what is left to cut.
type lexer struct {
	rest   string
	tokens []token
	broken bool
}

func (l *lexer) emit(kind tokenKind, text string, length int) {
	l.tokens = append(l.tokens, token{kind, text})
	l.rest = l.rest[length:]
}

// skipBlanks skips blanks and comments. A comment that doesn't end breaks it.
func (l *lexer) skipBlanks() bool {
	for {
		l.rest = strings.TrimLeft(l.rest, " \t\n\r\f\v")
		switch {
		case strings.HasPrefix(l.rest, "--"):
			end := strings.IndexAny(l.rest, "\n\r")
			if end < 0 {
				end = len(l.rest)
			}
			l.rest = l.rest[end:]
		case strings.HasPrefix(l.rest, "/*"):
			end := commentEnd(l.rest)
			if end < 0 {
				l.broken = true
				return false
			}
			l.rest = l.rest[end:]
		default:
			return true
		}
	}
}

// commentEnd gives the length of the comment that s begins with, those inside it included, or -1.
func commentEnd(s string) int {
	depth := 0
	for i := 0; i+1 < len(s); i++ {
		switch s[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
			if depth == 0 {
				return i + 1
			}
		}
	}
	return -1
}

func (l *lexer) next() {
	switch c := l.rest[0]; {
	case wordBegins(c):
		l.word()
	case digit(c) || c == '.' && len(l.rest) > 1 && digit(l.rest[1]):
		l.emit(number, l.rest[:numberEnd(l.rest)], numberEnd(l.rest))
	case c == '\'':
		l.string(text, 0, false)
	case c == '"':
		l.string(quoted, 0, false)
	case c == '$':
		l.dollar()
	default:
		l.sign()
	}
}

func wordBegins(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c >= 0x80
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// word takes an identifier, or a string with a letter before it, as in E'\n'.
func (l *lexer) word() {
	end := 1
	for end < len(l.rest) && (wordBegins(l.rest[end]) || digit(l.rest[end]) || l.rest[end] == '$') {
		end++
	}
	name := lowerASCII(l.rest[:end])
	after := l.rest[end:]
	switch {
	case strings.Contains("bexn", name) && strings.HasPrefix(after, "'"):
		l.string(oddText, end, name == "e")
	case name == "u" && (strings.HasPrefix(after, "&'") || strings.HasPrefix(after, `&"`)):
		l.string(oddText, end+1, false)
	default:
		l.emit(word, name, end)
	}
}

// string takes what is between two quotes, the first of which stands at from. A quote inside is written twice, or with a
// backslash before it where that escapes.
func (l *lexer) string(kind tokenKind, from int, escapes bool) {
	quote := l.rest[from]
	for i := from + 1; i < len(l.rest); i++ {
		switch c := l.rest[i]; {
		case c == '\\':
			if kind == text {
				kind = oddText
			}
			if escapes {
				i++
			}
		case c == quote && i+1 < len(l.rest) && l.rest[i+1] == quote:
			i++
		case c == quote:
			inside := strings.ReplaceAll(l.rest[from+1:i], string([]byte{quote, quote}), string(quote))
			l.emit(kind, inside, i+1)
			return
		}
	}
	l.broken = true
}

// dollar takes a string in dollars, or the sign of a placeholder.
func (l *lexer) dollar() {
	end := 1
	for end < len(l.rest) && (wordBegins(l.rest[end]) || end > 1 && digit(l.rest[end])) {
		end++
	}
	if end == len(l.rest) || l.rest[end] != '$' {
		l.emit(sign, "$", 1)
		return
	}
	tag := l.rest[:end+1]
	length := strings.Index(l.rest[len(tag):], tag)
	if length < 0 {
		l.broken = true
		return
	}
	l.emit(oddText, l.rest[len(tag):len(tag)+length], length+2*len(tag))
}

// numberEnd is where a number ends, generously: what is attached to it is a part of it.
func numberEnd(s string) int {
	end := 1
	for end < len(s) && (digit(s[end]) || wordBegins(s[end]) || s[end] == '.') {
		end++
	}
	return end
}

const operatorSigns = "+-*/<>=~!@#%^&|`?"

// sign takes an operator of any length, := or ::, or one character.
func (l *lexer) sign() {
	if strings.HasPrefix(l.rest, ":=") || strings.HasPrefix(l.rest, "::") {
		l.emit(sign, l.rest[:2], 2)
		return
	}
	end := 0
	for end < len(l.rest) && strings.IndexByte(operatorSigns, l.rest[end]) >= 0 &&
		!strings.HasPrefix(l.rest[end:], "--") && !strings.HasPrefix(l.rest[end:], "/*") {
		end++
	}
	end = max(end, 1)
	l.emit(sign, l.rest[:end], end)
}

// lowerASCII folds the letters A to Z and no others, as PostgreSQL does with the names of settings and, in UTF-8, with
// identifiers.
func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
