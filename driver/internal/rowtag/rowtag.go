// Package rowtag tells the rows that a statement reads or writes by the value that one of their columns has there: the tags of
// such rows change only when one of them does, and not with every other row of the table.
package rowtag

import (
	"database/sql/driver"
	"regexp"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/gopgcache/pgcache/internal/catalog"
	"github.com/gopgcache/pgcache/internal/freshness"
	"github.com/gopgcache/pgcache/internal/statement"
)

// Rows are those of a table whose column has the value of an argument, or one that is in the text.
type Rows struct {
	narrowing statement.Narrowing
	column    catalog.Column
	table     freshness.Tag
	tags      freshness.Column
}

// Read gives the rows that a text reads by a column. It reports false when rows with another value than the one that is written there
// may be equal to it.
func Read(text string, n statement.Narrowing, column catalog.Column) (Rows, bool) {
	return newRows(n, column), column.Name == n.Column && picks(n, column.Type) && typedByColumn(text, n)
}

// Written is Read for the rows that a text writes, before or after.
func Written(text string, n statement.Narrowing, column catalog.Column) (Rows, bool) {
	return newRows(n, column), column.Name == n.Column && keeps(n, column.Type) && typedByColumn(text, n)
}

func newRows(n statement.Narrowing, column catalog.Column) Rows {
	return Rows{n, column, freshness.TableTag(column.Table), freshness.ColumnOf(column.Table, column.Name)}
}

// OID is that of the table.
func (r *Rows) OID() uint32 { return r.column.Table }

// Column is the name of the column.
func (r *Rows) Column() string { return r.column.Name }

// Table is the tag of the whole table.
func (r *Rows) Table() freshness.Tag { return r.table }

// Any is the tag of the rows whatever value their column has.
func (r *Rows) Any() freshness.Tag { return r.tags.Tag() }

// Tag is that of the rows with these arguments. It reports false when the value as it is given may not be what the rows that are equal
// to it have.
func (r *Rows) Tag(args []driver.NamedValue) (freshness.Tag, bool) {
	var room [32]byte
	value, ok := r.appendValue(room[:0], args)
	if !ok {
		return 0, false
	}
	return r.tags.Row(value), true
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

// keeps tells whether a value is in a column of a type what it is in the text: a varchar that is assigned may be cut short.
func keeps(n statement.Narrowing, column uint32) bool {
	return picks(n, column) && !(n.Assigned && column == pgtype.VarcharOID)
}

// appendValue appends the text form of what the column is compared with, if it is sure to be that of the rows that are equal.
func (r *Rows) appendValue(b []byte, args []driver.NamedValue) ([]byte, bool) {
	if r.narrowing.Kind != statement.ByParam {
		return appendCanonical(b, r.narrowing.Literal, r.column.Type)
	}
	if r.narrowing.Param > len(args) {
		return b, false
	}
	switch v := args[r.narrowing.Param-1].Value.(type) {
	case int64:
		return strconv.AppendInt(b, v, 10), integer(r.column.Type)
	case int:
		return strconv.AppendInt(b, int64(v), 10), integer(r.column.Type)
	case int32:
		return strconv.AppendInt(b, int64(v), 10), integer(r.column.Type)
	case bool:
		return append(b, strconv.FormatBool(v)[0]), r.column.Type == pgtype.BoolOID
	case string:
		return appendCanonical(b, v, r.column.Type)
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
