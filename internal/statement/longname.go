package statement

import (
	"regexp"
	"strings"
)

// longName finds dotted names of three parts or more. Quotes and comments have been looked after before.
var longName = regexp.MustCompile(`(` + onePart + `)(?:\s*\.\s*(?:` + onePart + `)){2,}`)

const onePart = `"(?:[^"]|"")+"|[A-Za-z_\x{80}-\x{10ffff}][\w$\x{80}-\x{10ffff}]*`

// longNames gives the first parts of the dotted names of three parts or more in a text, as relation names are written.
//
// The parser keeps only the first part of such a name where a relation stands, so db.s.t comes out as the relation db.
// For a column they are usual.
func longNames(text string) map[string]bool {
	if strings.Count(text, ".") < 2 {
		return nil
	}
	firsts := make(map[string]bool)
	for _, m := range longName.FindAllStringSubmatch(withoutQuotes(text), -1) {
		first := strings.ToLower(m[1])
		if inner, ok := strings.CutPrefix(m[1], `"`); ok {
			first = strings.ReplaceAll(strings.TrimSuffix(inner, `"`), `""`, `"`)
		}
		firsts[first] = true
	}
	return firsts
}

// withoutQuotes puts a blank in the place of each comment and a pair of quotes in the place of each string.
func withoutQuotes(sql string) string {
	var out strings.Builder
	for i := 0; i < len(sql); {
		kind, end := nextPiece(sql, i)
		switch kind {
		case comment:
			out.WriteByte(' ')
		case quoted:
			out.WriteString("''")
		default:
			out.WriteString(sql[i:end])
		}
		i = end
	}
	return out.String()
}
