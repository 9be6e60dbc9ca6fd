package driver

import (
	"database/sql/driver"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/gopgcache/pgcache/internal/catalog"
	"github.com/gopgcache/pgcache/internal/freshness"
	"github.com/gopgcache/pgcache/internal/statement"
)

// narrowed is a table of which a statement reads certain rows only: those whose column has the value of an argument, or one
// that is in the text.
type narrowed struct {
	statement.Narrowing
	column catalog.Column
	table  freshness.Tag
	rows   freshness.Column
}

func newNarrowed(n statement.Narrowing, column catalog.Column) narrowed {
	return narrowed{n, column, freshness.TableTag(column.Table), freshness.ColumnOf(column.Table, column.Name)}
}

// narrow finds the tables whose rows the statement picks by one value. That is told by the text, so no table may be read in
// another way too: no views, policies, partitions, or functions of the user's on the way.
func (v *verdict) narrow(t *text) {
	if v.track == nil || !v.answer.plain() {
		return
	}
	for _, n := range t.Narrowings {
		table, ok := v.answer.named(n.Relation)
		if !ok || slices.ContainsFunc(v.narrowed, func(other narrowed) bool { return other.column.Table == table }) {
			continue
		}
		for _, column := range v.answer.columns {
			if column.Table == table && column.Name == n.Column && picks(n, column.Type) && typedByColumn(t.Text, n) {
				v.narrowed = append(v.narrowed, newNarrowed(n, column))
				v.track.interest.Add(table, column.Name)
				v.track.tracker.Tell(freshness.TableTag(table), freshness.ColumnTag(table, column.Name))
			}
		}
	}
	v.since = v.track.tracker.Told()
}

// plain tells whether the statement reads nothing but the tables that it names.
func (a *answer) plain() bool {
	for _, r := range a.Relations {
		if r.Kind != "r" || r.RowSecurity || r.Covered {
			return false
		}
	}
	return !slices.ContainsFunc(a.Functions, func(f catalog.Function) bool { return !f.BuiltIn() })
}

// named gives the table of a name, if only one has it.
func (a *answer) named(name statement.Name) (oid uint32, ok bool) {
	for _, r := range a.Relations {
		if r.Name != name.Name || name.Schema != "" && r.Schema != name.Schema {
			continue
		}
		if ok {
			return 0, false
		}
		oid, ok = r.OID, true
	}
	return oid, ok
}

// picks tells whether the value as the text has it is that of the rows by a column of a type: a number that is cast to a text is written in
// the server's way there, 1000 for 1e3.
func picks(n statement.Narrowing, column uint32) bool {
	return casts(n.Cast, column) && (n.Kind != statement.ByNumber || integer(column))
}

// casts tells whether a cast, if there is one, leaves a value of the column's type what it is.
func casts(to statement.Name, column uint32) bool {
	if to.Schema != "" && to.Schema != "pg_catalog" {
		return false
	}
	switch to.Name {
	case "":
		return true
	case "int2", "int4", "int8":
		return column == pgtype.Int2OID || column == pgtype.Int4OID || column == pgtype.Int8OID
	case "text", "varchar":
		return column == pgtype.TextOID || column == pgtype.VarcharOID
	case "uuid":
		return column == pgtype.UUIDOID
	case "bool":
		return column == pgtype.BoolOID
	default:
		return false
	}
}

// typedByColumn tells whether the value takes its type from the column: a placeholder that stands elsewhere too may have
// another type, in which other values are equal.
func typedByColumn(text string, n statement.Narrowing) bool {
	if n.Kind != statement.ByParam {
		return true
	}
	placeholder := regexp.MustCompile(`\$0*` + strconv.Itoa(n.Param) + `\b`)
	return len(placeholder.FindAllStringIndex(text, 2)) == 1
}

// appendTags appends the tags of the result with these arguments.
func (v *verdict) appendTags(tags []freshness.Tag, args []driver.NamedValue) []freshness.Tag {
	tags = append(tags, v.tags...)
	for i := range v.narrowed {
		n := &v.narrowed[i]
		var room [32]byte
		value, ok := n.appendValue(room[:0], args)
		if !ok {
			continue
		}
		tags[slices.Index(tags, n.table)] = n.rows.Tag()
		tags = append(tags, n.rows.Row(value))
	}
	return tags
}

// appendValue appends the text form of what the column is compared with, if it is sure to be that of the rows that are equal.
func (n *narrowed) appendValue(b []byte, args []driver.NamedValue) ([]byte, bool) {
	if n.Kind != statement.ByParam {
		return appendCanonical(b, n.Literal, n.column.Type)
	}
	if n.Param > len(args) {
		return b, false
	}
	switch v := args[n.Param-1].Value.(type) {
	case int64:
		return strconv.AppendInt(b, v, 10), integer(n.column.Type)
	case int:
		return strconv.AppendInt(b, int64(v), 10), integer(n.column.Type)
	case int32:
		return strconv.AppendInt(b, int64(v), 10), integer(n.column.Type)
	case bool:
		return append(b, strconv.FormatBool(v)[0]), n.column.Type == pgtype.BoolOID
	case string:
		return appendCanonical(b, v, n.column.Type)
	default:
		return b, false
	}
}

func integer(oid uint32) bool {
	return oid == pgtype.Int2OID || oid == pgtype.Int4OID || oid == pgtype.Int8OID
}

var usualUUID = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// appendCanonical appends the text form that the server has for a value that is given as text.
func appendCanonical(b []byte, text string, oid uint32) ([]byte, bool) {
	switch oid {
	case pgtype.TextOID, pgtype.VarcharOID:
		return append(b, text...), true
	case pgtype.UUIDOID:
		return append(b, strings.ToLower(text)...), usualUUID.MatchString(text)
	case pgtype.BoolOID:
		text, ok := map[string]string{"true": "t", "t": "t", "false": "f", "f": "f"}[text]
		return append(b, text...), ok
	default:
		n, err := strconv.ParseInt(text, 10, 64)
		return strconv.AppendInt(b, n, 10), err == nil
	}
}

// tagNames names what the result depends on.
func (v *verdict) tagNames() []string {
	var names []string
	for _, r := range v.answer.Relations {
		name := "table " + r.String()
		for _, n := range v.narrowed {
			if n.column.Table == r.OID {
				name = "rows of " + r.String() + " by " + n.Column
			}
		}
		names = append(names, name)
	}
	return names
}
