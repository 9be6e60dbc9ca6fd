package statement

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// What patterns are made of.
const (
	literalPattern = `(?:'(?:[^']|'')*'|\.?[0-9][0-9a-zA-Z_.]*(?:[eE][+-]?[0-9]+)?)`
	listPattern    = literalPattern + `(?:\s*,\s*` + literalPattern + `)*`
	gapPattern     = `(?:\s|--[^\n]*(?:\n|$)|/\*(?s:.*?)\*/)`
	quotedPattern  = `(?s:.*)` // a string that is quoted by dollars, or has escapes
)

// maxPattern is the longest pattern that is worth having, in bytes.
const maxPattern = 2 << 10

// Fingerprint gives the text with its literals replaced by question marks, lists of literals by one and three dots, comments
// left out and blanks made one: texts that differ in nothing else have the same. It also gives a regular expression that such
// texts match from their beginning to their end, and hardly any others; none for a text that would make it very long.
func (s *Statement) Fingerprint() (fingerprint, pattern string) {
	f := fingerprinter{sql: s.Text}
	for f.at < len(f.sql) {
		f.next()
	}
	f.endGap()
	f.endList()
	pattern = `^` + gapPattern + `*` + f.pattern.String() + gapPattern + `*$`
	if len(pattern) > maxPattern || !utf8.ValidString(pattern) {
		pattern = ""
	}
	return f.text.String(), pattern
}

// fingerprinter goes through a text.
type fingerprinter struct {
	sql           string
	at            int
	text, pattern strings.Builder
	// gap is set after blanks and comments that have not been written yet, and remarks when comments are among them.
	gap, remarks bool
	// list counts the literals of a list that has not been written yet, and comma is set after a comma that may go on with it.
	list  int
	comma bool
	plain bool // all of the list's literals are plain ones
}

// next takes the next piece.
func (f *fingerprinter) next() {
	c := f.sql[f.at]
	kind, end := nextPiece(f.sql, f.at)
	switch {
	case kind == comment:
		f.gap, f.remarks = true, true
	case kind == quoted:
		f.literal(c == '\'' && !escapes(f.sql, f.at))
	case strings.IndexByte(" \t\r\n\f\v", c) >= 0:
		f.gap = true
	case '0' <= c && c <= '9' && !f.inWord():
		end = f.at + numberEnd(f.sql[f.at:])
		f.literal(true)
	case c == ',' && f.list > 0 && !f.comma:
		f.comma, f.gap = true, false
	default:
		f.other(f.sql[f.at:end])
	}
	f.at = end
}

// inWord tells whether what comes belongs to a word or a placeholder.
func (f *fingerprinter) inWord() bool {
	return f.at > 0 && (wordByte(f.sql[f.at-1]) || f.sql[f.at-1] == '$')
}

// numberEnd is where a number ends, as far as it can be told without knowing what is allowed in one.
func numberEnd(s string) int {
	i := 0
	for i < len(s) && (wordByte(s[i]) || s[i] == '.' || i > 0 && (s[i] == '+' || s[i] == '-') && exponent(s, i)) {
		i++
	}
	return i
}

// exponent tells whether the sign at i stands in the exponent of a number.
func exponent(s string, i int) bool {
	return lower(s[i-1]) == 'e' && i+1 < len(s) && '0' <= s[i+1] && s[i+1] <= '9' && !strings.HasPrefix(strings.ToLower(s), "0x")
}

// literal takes a literal: the first of a list, or one more.
func (f *fingerprinter) literal(plain bool) {
	if f.list > 0 && !f.comma && !f.gap {
		return // a doubled quote: the literal goes on
	}
	if !f.comma {
		f.endList()
		f.endGap()
		f.plain = true
	}
	f.list++
	f.comma, f.gap, f.remarks = false, false, false
	f.plain = f.plain && plain
}

// other takes anything else.
func (f *fingerprinter) other(piece string) {
	if f.list > 0 {
		f.endList()
	}
	f.endGap()
	f.text.WriteString(piece)
	f.pattern.WriteString(regexp.QuoteMeta(piece))
}

// endGap writes what stands for blanks and comments, except at the text's ends.
func (f *fingerprinter) endGap() {
	if f.gap && f.text.Len() > 0 && f.at < len(f.sql) {
		f.text.WriteByte(' ')
		if f.remarks {
			f.pattern.WriteString(gapPattern + `+`)
		} else {
			f.pattern.WriteString(`\s+`)
		}
	}
	f.gap, f.remarks = false, false
}

// endList writes what stands for the literals that were taken.
func (f *fingerprinter) endList() {
	if f.list == 0 {
		return
	}
	n, comma, plain := f.list, f.comma, f.plain
	f.list, f.comma = 0, false
	switch {
	case !plain:
		f.pattern.WriteString(quotedPattern)
	case n > 1:
		f.pattern.WriteString(listPattern)
	default:
		f.pattern.WriteString(literalPattern)
	}
	f.text.WriteByte('?')
	if n > 1 {
		f.text.WriteString(", ...")
	}
	if comma {
		f.text.WriteByte(',')
		f.pattern.WriteString(`\s*,`)
	}
}
