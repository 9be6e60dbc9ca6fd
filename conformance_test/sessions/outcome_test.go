package sessions_test

import (
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// outcome is all that can be seen of a query. Two outcomes are equal only if a program can't tell them apart.
type outcome struct {
	columns string
	rows    []string
	err     string
	code    string // of PostgreSQL's error
}

func (o *outcome) String() string {
	if o.err != "" {
		return "error: " + o.err
	}
	return fmt.Sprintf("%s\n\t%s", o.columns, strings.Join(o.rows, "\n\t"))
}

// equals compares two outcomes. Without ORDER BY the order of the rows is nobody's promise.
func (o *outcome) equals(other *outcome, ordered bool) bool {
	if o.err != "" || other.err != "" {
		return o.err == other.err
	}
	if o.columns != other.columns || len(o.rows) != len(other.rows) {
		return false
	}
	if !ordered {
		slices.Sort(o.rows)
		slices.Sort(other.rows)
	}
	return slices.Equal(o.rows, other.rows)
}

func failed(err error) *outcome {
	o := &outcome{err: err.Error()}
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		o.err, o.code = fmt.Sprintf("%s %+v", err, *pgErr), pgErr.Code
	}
	return o
}

// outcomeOf reads rows to their end.
func outcomeOf(rows *sql.Rows, err error) *outcome {
	if err != nil {
		return failed(err)
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		return failed(err)
	}
	o := &outcome{columns: describeColumns(types)}
	values, into := make([]any, len(types)), make([]any, len(types))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return failed(err)
		}
		var b []byte
		for _, v := range values {
			b = append(appendValue(b, v), " | "...)
		}
		o.rows = append(o.rows, string(b))
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return failed(err)
	}
	return o
}

// outcomeOfRow reads one row of one column.
func outcomeOfRow(row *sql.Row) *outcome {
	var v any
	switch err := row.Scan(&v); {
	case errors.Is(err, sql.ErrNoRows):
		return &outcome{columns: "a row"}
	case err != nil:
		return failed(err)
	default:
		return &outcome{columns: "a row", rows: []string{show(v)}}
	}
}

func describeColumns(types []*sql.ColumnType) string {
	var b strings.Builder
	for _, c := range types {
		length, hasLength := c.Length()
		precision, scale, hasScale := c.DecimalSize()
		_, hasNullable := c.Nullable()
		fmt.Fprintf(&b, "%q %s %d %t %d %d %t %t %s; ", c.Name(), c.DatabaseTypeName(), length, hasLength,
			precision, scale, hasScale, hasNullable, c.ScanType())
	}
	return b.String()
}

func show(v any) string { return string(appendValue(nil, v)) }

// appendValue writes a value down with its Go type.
func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "nil"...)
	case string:
		return fmt.Appendf(b, "%q", v)
	case []byte:
		return fmt.Appendf(b, "[]byte(%q)", v)
	case float64:
		return fmt.Appendf(b, "float64(%v %#x)", v, math.Float64bits(v))
	case time.Time:
		return fmt.Appendf(b, "time(%s in %q, local: %t)", v.Format(time.RFC3339Nano), v.Location(), v.Location() == time.Local)
	case *int:
		return fmt.Appendf(b, "*int(%d)", *v)
	case *string:
		return fmt.Appendf(b, "*string(%q)", *v)
	default:
		return fmt.Appendf(b, "%T(%v)", v, v)
	}
}
