package conformance_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// Types of a program's own, as arguments.
type (
	color   int    // has a String method
	label   string // has one too
	flags   []string
	plain   int
	money   struct{ cents int64 } // is a driver.Valuer
	account struct{ id int64 }    // is one by pointer
	broken  struct{}              // is one that fails
)

func (c color) String() string { return fmt.Sprintf("color %d", int(c)) }
func (l label) String() string { return "label " + string(l) }
func (m money) Value() (driver.Value, error) {
	return fmt.Sprintf("%d.%02d", m.cents/100, m.cents%100), nil
}
func (broken) Value() (driver.Value, error) { return nil, errors.New("no value today") }

func (a *account) Value() (driver.Value, error) {
	if a == nil {
		return int64(-1), nil
	}
	return a.id, nil
}

// upper is a QueryRewriter of a program's own.
type upper struct{ name string }

func (u upper) RewriteQuery(context.Context, *pgx.Conn, string, []any) (string, []any, error) {
	return "select name from items where upper(name) = $1", []any{u.name}, nil
}

// TestOwnArguments sends values of a program's own types.
func TestOwnArguments(t *testing.T) {
	sendEach(t, []argument{
		{"Stringer of an int as int", "int", color(1)},
		{"Stringer of an int as text", "text", color(1)},
		{"Stringer of a string", "text", label("a")},
		{"named slice", "text[]", flags{"a", "b"}},
		{"named int", "int", plain(7)},
		{"named int as text", "text", plain(7)},
		{"Valuer", "numeric", money{150}},
		{"Valuer as text", "text", money{150}},
		{"pointer to Valuer", "numeric", &money{150}},
		{"nil pointer to Valuer", "numeric", (*money)(nil)},
		{"Valuer by pointer", "int8", &account{7}},
		{"nil Valuer by pointer", "int8", (*account)(nil)},
		{"Valuer by pointer, as a value", "jsonb", account{7}},
		{"Valuer that fails", "text", broken{}},
		{"slice of Valuers", "numeric[]", []money{{150}, {250}}},
		{"pointer to a Stringer", "text", new(label("a"))},
	})
}

// TestLeadingOptions gives pgx options ahead of the arguments, as pgx allows.
func TestLeadingOptions(t *testing.T) {
	const byID, all = "select name, price, made from items where id = $1", "select * from items order by id"
	tests := []struct {
		name, sql string
		args      []any
		want      served
	}{
		{"mode cache_statement", byID, []any{pgx.QueryExecModeCacheStatement, 1}, once},
		{"mode cache_describe", byID, []any{pgx.QueryExecModeCacheDescribe, 1}, once},
		{"mode describe_exec", byID, []any{pgx.QueryExecModeDescribeExec, 1}, once},
		{"mode exec", byID, []any{pgx.QueryExecModeExec, 1}, once},
		{"mode simple_protocol", byID, []any{pgx.QueryExecModeSimpleProtocol, 1}, once},
		{"mode and no argument", all, []any{pgx.QueryExecModeSimpleProtocol}, once},
		{"two modes", byID, []any{pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol, 1}, once},
		{"a mode where an argument belongs", byID, []any{1, pgx.QueryExecModeExec}, never},
		{"a mode that doesn't exist", byID, []any{pgx.QueryExecMode(99), 1}, never},
		{"text results", all, []any{pgx.QueryResultFormats{pgx.TextFormatCode}}, whatever},
		{"binary results", "select id, made, raw from items order by id", []any{pgx.QueryResultFormats{pgx.BinaryFormatCode}}, whatever},
		{"results by type", all, []any{pgx.QueryResultFormatsByOID{pgtype.Int4OID: pgx.TextFormatCode}}, whatever},
		{"a mode and formats", byID, []any{pgx.QueryExecModeExec, pgx.QueryResultFormats{pgx.TextFormatCode}, 1}, whatever},
		{"named arguments", "select name from items where id = @id and name <> @other", []any{pgx.NamedArgs{"id": 1, "other": "x"}}, whatever},
		{"a named argument that is missing", "select name from items where id = @id", []any{pgx.NamedArgs{}}, whatever},
		{"strictly named arguments", "select name from items where id = @id", []any{pgx.StrictNamedArgs{"ID": 1}}, never},
		{"a mode and named arguments", "select name from items where id = @id", []any{pgx.QueryExecModeExec, pgx.NamedArgs{"id": 2}}, whatever},
		{"a rewriter", "select id from items", []any{upper{"ONE"}}, whatever},
		{"a rewriter and an argument", "select id from items", []any{upper{"ONE"}, 1}, whatever},
	}
	inEveryMode(t, shop, func(t *testing.T, p *pair) {
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				p.both(t, test.want, func(s *subject) { s.query(s.db, test.sql, test.args...) })
			})
		}
	})
}
