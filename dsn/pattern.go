package dsn

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// TablePattern names tables the way SQL does. It is written as
//
//	accounts          the table of that name in any schema
//	sales.orders      that table of that schema
//	sales.*           every table of that schema
//
// Names fold to lower case as in SQL unless they stand in double quotes, in
// which a double quote is written twice: Sales.Orders means sales.orders,
// "Order Lines" and "sales"."*" are names as they stand.
type TablePattern struct {
	Schema string // empty: any schema
	Table  string // empty: every table of Schema
}

// Match reports whether the pattern covers a table, given by the names that
// PostgreSQL's catalog has for it. Letter case matters.
func (p TablePattern) Match(schema, table string) bool {
	return (p.Schema == "" || p.Schema == schema) && (p.Table == "" || p.Table == table)
}

// String gives the pattern as a rule spells it.
func (p TablePattern) String() string {
	table := "*"
	if p.Table != "" {
		table = quoteIdentifier(p.Table)
	}
	return qualified(p.Schema, table)
}

// FunctionPattern names functions: fn in any schema, or schema.fn. Names fold
// as in a [TablePattern]. All functions of that name are meant, whatever
// arguments they take.
type FunctionPattern struct {
	Schema string // empty: any schema
	Name   string
}

// Match reports whether the pattern covers a function, given by the names that
// PostgreSQL's catalog has for it. Letter case matters.
func (p FunctionPattern) Match(schema, name string) bool {
	return (p.Schema == "" || p.Schema == schema) && p.Name == name
}

// String gives the pattern as a rule spells it.
func (p FunctionPattern) String() string { return qualified(p.Schema, quoteIdentifier(p.Name)) }

func qualified(schema, name string) string {
	if schema == "" {
		return name
	}
	return quoteIdentifier(schema) + "." + name
}

func parseTablePatterns(text string) ([]TablePattern, error) {
	names, err := parseNames(text)
	if err != nil {
		return nil, err
	}
	var patterns []TablePattern
	for _, parts := range names {
		p := TablePattern{Table: parts[len(parts)-1]}
		switch {
		case len(parts) == 2:
			p.Schema = parts[0]
		case p.Table == "":
			return nil, reasonf("names no table; the matcher * alone takes every statement")
		}
		if len(parts) == 2 && p.Schema == "" {
			return nil, misplacedStar()
		}
		if slices.Contains(patterns, p) {
			return nil, reasonf("names %s twice", p)
		}
		patterns = append(patterns, p)
	}
	return patterns, nil
}

func parseFunctionPatterns(text string) ([]FunctionPattern, error) {
	names, err := parseNames(text)
	if err != nil {
		return nil, err
	}
	var patterns []FunctionPattern
	for _, parts := range names {
		if slices.Contains(parts, "") {
			return nil, reasonf("needs each function's name; * is not allowed")
		}
		p := FunctionPattern{Name: parts[len(parts)-1]}
		if len(parts) == 2 {
			p.Schema = parts[0]
		}
		if slices.Contains(patterns, p) {
			return nil, reasonf("names %s twice", p)
		}
		patterns = append(patterns, p)
	}
	return patterns, nil
}

// parseNames reads a comma-separated list of names of one or two parts. A star
// comes out as an empty part, which no identifier can be.
func parseNames(text string) ([][]string, error) {
	var names [][]string
	for {
		var parts []string
		for {
			part, rest, err := nextIdentifier(text)
			if err != nil {
				return nil, err
			}
			parts, text = append(parts, part), rest
			if !strings.HasPrefix(text, ".") {
				break
			}
			text = text[1:]
		}
		if len(parts) > 2 {
			return nil, reasonf("takes a name or schema.name, not more parts")
		}
		names = append(names, parts)
		if text == "" {
			return names, nil
		}
		if text[0] != ',' {
			return nil, badIdentifier(text)
		}
		text = text[1:]
	}
}

// nextIdentifier reads one identifier, or a star, from the start of text.
func nextIdentifier(text string) (name, rest string, err error) {
	switch {
	case text == "" || text[0] == ',' || text[0] == '.':
		return "", "", reasonf("has an empty name")
	case text[0] == '*':
		if len(text) > 1 && !strings.ContainsRune(",.", rune(text[1])) {
			return "", "", misplacedStar()
		}
		return "", text[1:], nil
	case text[0] == '"':
		name, rest, err = nextQuoted(text[1:])
	default:
		end := strings.IndexFunc(text, func(r rune) bool { return !isIdentifierRune(r) })
		if end < 0 {
			end = len(text)
		}
		name, rest = foldASCII(text[:end]), text[end:]
		if name == "" || strings.ContainsRune("0123456789$", rune(name[0])) {
			return "", "", badIdentifier(text)
		}
	}
	if err == nil && len(name) > longestIdentifier {
		err = reasonf("has a name longer than PostgreSQL's %d bytes", longestIdentifier)
	}
	return name, rest, err
}

// longestIdentifier is PostgreSQL's NAMEDATALEN less one, in bytes.
const longestIdentifier = 63

// nextQuoted reads up to the closing quote; two quotes in a row are one.
func nextQuoted(text string) (name, rest string, err error) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, `"`)
		if !found {
			return "", "", reasonf("has a double quote without its closing one")
		}
		b.WriteString(before)
		if !strings.HasPrefix(after, `"`) {
			text = after
			break
		}
		b.WriteByte('"')
		text = after[1:]
	}
	if b.Len() == 0 {
		return "", "", reasonf("has an empty name")
	}
	return b.String(), text, nil
}

func misplacedStar() error {
	return reasonf("may have a * only in place of the table of a schema, as in sales.*")
}

func badIdentifier(text string) error {
	r, _ := utf8.DecodeRuneInString(text)
	switch r {
	case '(':
		return reasonf("takes names without parentheses")
	case '*':
		return misplacedStar()
	}
	return reasonf("has %q in a name; such a name stands in double quotes", r)
}

func isIdentifierRune(r rune) bool { return isWordRune(r) || r == '$' || r >= utf8.RuneSelf }

// foldASCII lowers A to Z only, as PostgreSQL does in UTF-8 databases.
func foldASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// quoteIdentifier adds quotes only where folding would lose the name.
func quoteIdentifier(name string) string {
	bare, rest, err := nextIdentifier(name)
	if err == nil && bare == name && rest == "" {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}
