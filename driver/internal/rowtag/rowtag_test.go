package rowtag

import (
	"database/sql/driver"
	"testing"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/gopgcache/pgcache/internal/catalog"
	"github.com/gopgcache/pgcache/internal/freshness"
	"github.com/gopgcache/pgcache/internal/statement"
)

const table = 4711

func column(oid uint32) catalog.Column { return catalog.Column{Table: table, Name: "a", Type: oid} }

func param(cast string) statement.Narrowing {
	return statement.Narrowing{Column: "a", Kind: statement.ByParam, Param: 1, Cast: statement.Name{Name: cast}}
}

func literal(kind statement.NarrowingKind, text string) statement.Narrowing {
	return statement.Narrowing{Column: "a", Kind: kind, Literal: text}
}

func args(values ...any) (args []driver.NamedValue) {
	for i, v := range values {
		args = append(args, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
	return args
}

// What is written in several ways is one value, and has the tag of the text that the server writes for it; what may be equal to
// another value than its own has none.
func TestTag(t *testing.T) {
	const uuid = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
	for _, c := range []struct {
		what string
		by   statement.Narrowing
		oid  uint32
		args []driver.NamedValue
		want string // the value; empty when there is none
	}{
		{"a number", param(""), pgtype.Int4OID, args(int64(7)), "7"},
		{"an int", param(""), pgtype.Int8OID, args(7), "7"},
		{"a negative one", param("int4"), pgtype.Int2OID, args(int32(-7)), "-7"},
		{"a number as text", param(""), pgtype.Int4OID, args("7"), "7"},
		{"with zeros", param(""), pgtype.Int4OID, args("007"), "7"},
		{"a fraction", param(""), pgtype.Int4OID, args("7.0"), ""},
		{"a number for a text", param(""), pgtype.TextOID, args(int64(7)), ""},
		{"a text", param(""), pgtype.TextOID, args("Seven"), "Seven"},
		{"a varchar", param("varchar"), pgtype.VarcharOID, args("Seven"), "Seven"},
		{"a uuid", param(""), pgtype.UUIDOID, args("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"), uuid},
		{"a uuid in another form", param(""), pgtype.UUIDOID, args("{" + uuid + "}"), ""},
		{"a bool", param(""), pgtype.BoolOID, args(true), "t"},
		{"a bool as text", param(""), pgtype.BoolOID, args("false"), "f"},
		{"a bool in another form", param(""), pgtype.BoolOID, args("yes"), ""},
		{"bytes", param(""), pgtype.TextOID, args([]byte("a")), ""},
		{"NULL", param(""), pgtype.Int4OID, args(nil), ""},
		{"nothing", param(""), pgtype.Int4OID, nil, ""},
		{"a literal number", literal(statement.ByNumber, "7"), pgtype.Int4OID, nil, "7"},
		{"a literal text", literal(statement.ByString, "7"), pgtype.TextOID, nil, "7"},
		{"a literal bool", literal(statement.ByBool, "true"), pgtype.BoolOID, nil, "t"},
	} {
		rows, ok := Read("select from t where a = $1", c.by, column(c.oid))
		if !ok {
			t.Errorf("%s: the rows can't be told", c.what)
			continue
		}
		tag, ok := rows.Tag(c.args)
		if ok != (c.want != "") || ok && tag != freshness.RowTag(table, "a", c.want) {
			t.Errorf("%s: tag %x, %v", c.what, tag, ok)
		}
	}
}

// A column does not tell the rows when the text compares it with something else than a value of its type.
func TestWhatTellsRows(t *testing.T) {
	once, twice, ten := "where a = $1", "where a = $1 and b = $01", "where a = $1 and b = $10"
	assigned := param("")
	assigned.Assigned = true
	elsewhere := param("int4")
	elsewhere.Cast.Schema = "app"
	for _, c := range []struct {
		what          string
		text          string
		by            statement.Narrowing
		oid           uint32
		read, written bool
	}{
		{"a placeholder", once, param(""), pgtype.Int4OID, true, true},
		{"one that stands elsewhere too", twice, param(""), pgtype.Int4OID, false, false},
		{"one that another begins like", ten, param(""), pgtype.Int4OID, true, true},
		{"a literal beside a placeholder", twice, literal(statement.ByNumber, "1"), pgtype.Int4OID, true, true},
		{"a cast to another integer", once, param("int8"), pgtype.Int2OID, true, true},
		{"a cast to a number", once, param("numeric"), pgtype.Int4OID, false, false},
		{"a cast to a text", once, param("text"), pgtype.Int4OID, false, false},
		{"a cast to a type of somebody's own", once, elsewhere, pgtype.Int4OID, false, false},
		{"a number for a text", once, literal(statement.ByNumber, "1e3"), pgtype.TextOID, false, false},
		{"an assigned text", once, assigned, pgtype.TextOID, true, true},
		{"an assigned varchar, which may be cut", once, assigned, pgtype.VarcharOID, true, false},
	} {
		if _, ok := Read(c.text, c.by, column(c.oid)); ok != c.read {
			t.Errorf("%s: read %v", c.what, ok)
		}
		if _, ok := Written(c.text, c.by, column(c.oid)); ok != c.written {
			t.Errorf("%s: written %v", c.what, ok)
		}
	}
	if _, ok := Read(once, param(""), catalog.Column{Table: table, Name: "b", Type: pgtype.Int4OID}); ok {
		t.Error("another column tells the rows")
	}
}

// A hit has no need of memory for it.
func TestTagAllocatesNothing(t *testing.T) {
	rows, _ := Read("where a = $1", param(""), column(pgtype.Int8OID))
	list := args(int64(123456789))
	if n := testing.AllocsPerRun(100, func() { rows.Tag(list) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
