package regress

import (
	"regexp"
	"strings"
)

// variables are psql's.
type variables map[string]string

// reference is a variable in a script: :name, :'name', :"name" or :{?name}.
var reference = regexp.MustCompile(`^:(?:([A-Za-z_0-9\x{80}-\x{10ffff}]+)|'([A-Za-z_0-9]+)'|"([A-Za-z_0-9]+)"|\{\?([A-Za-z_0-9]+)\})`)

// expand gives what the reference at the beginning of the text stands for, and its length. The length is 0 when there is no
// reference, or not to a variable that is set. A plain one may hold more to be expanded.
func (v variables) expand(text string) (value string, length int, plain bool) {
	m := reference.FindStringSubmatch(text)
	if m == nil {
		return "", 0, false
	}
	if m[4] != "" {
		_, set := v[m[4]]
		return strings.ToUpper(word(set)), len(m[0]), false
	}
	value, set := v[m[1]+m[2]+m[3]]
	switch {
	case !set:
		return "", 0, false
	case m[2] != "":
		return quoteLiteral(value), len(m[0]), false
	case m[3] != "":
		return `"` + strings.ReplaceAll(value, `"`, `""`) + `"`, len(m[0]), false
	default:
		return value, len(m[0]), true
	}
}

func word(yes bool) string {
	if yes {
		return "true"
	}
	return "false"
}

func quoteLiteral(value string) string {
	quoted := "'" + strings.ReplaceAll(value, "'", "''") + "'"
	if strings.Contains(value, `\`) {
		return " E" + strings.ReplaceAll(quoted, `\`, `\\`)
	}
	return quoted
}

// readVariable reads a colon in a statement, and what it stands for.
func (l *lexer) readVariable() {
	if strings.HasPrefix(l.rest, "::") {
		l.take(2)
		return
	}
	value, n, plain := "", 0, false
	if !l.idle {
		value, n, plain = l.vars.expand(l.rest)
	}
	switch {
	case n == 0:
		l.take(1)
	case plain: // the value is read like the rest of the script, and may end the statement
		l.rest = value + l.rest[n:]
	default:
		l.rest = l.rest[n:]
		l.statement = append(l.statement, value...)
	}
}
