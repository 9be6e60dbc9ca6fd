package regress

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// outcome is all that a program sees of one run of a statement, as text that two runs share only if it can't tell them
// apart.
type outcome struct {
	columns []string
	rows    [][]string
	names   []string
	first   []any    // the first row as it came
	texts   []string // all values that are texts, as they came
	done    string
	failure string
	err     error
	notices []string
}

// readAll reads a result to its end.
func (o *outcome) readAll(rows *sql.Rows, err error) {
	if err != nil {
		o.fail(err)
		return
	}
	defer rows.Close()
	o.describeColumns(rows)
	for rows.Next() {
		o.readRow(rows)
	}
	o.fail(rows.Err())
	if rows.NextResultSet() {
		o.done = "another result"
	}
	if err := rows.Close(); err != nil {
		o.done += " closed with " + describeError(err)
	}
}

// describeColumns notes what is told about the columns.
func (o *outcome) describeColumns(rows *sql.Rows) {
	names, err := rows.Columns()
	if err != nil {
		o.columns = append(o.columns, describeError(err))
	}
	types, err := rows.ColumnTypes()
	if err != nil {
		o.columns = append(o.columns, describeError(err))
	}
	o.names = names
	for i, c := range types {
		length, hasLength := c.Length()
		precision, scale, hasScale := c.DecimalSize()
		nullable, hasNullable := c.Nullable()
		o.columns = append(o.columns, fmt.Sprintf("%q %q %s length %d %t scale %d,%d %t null %t %t scans %s", names[i], c.Name(),
			c.DatabaseTypeName(), length, hasLength, precision, scale, hasScale, nullable, hasNullable, c.ScanType()))
	}
}

func (o *outcome) readRow(rows *sql.Rows) {
	values, dest := make([]any, len(o.columns)), make([]any, len(o.columns))
	for i := range values {
		dest[i] = &values[i]
	}
	if err := rows.Scan(dest...); err != nil {
		o.rows = append(o.rows, []string{describeError(err)})
		return
	}
	row := make([]string, len(values))
	for i, v := range values {
		row[i] = describe(v)
		if text, ok := v.(string); ok {
			o.texts = append(o.texts, text)
		}
	}
	if o.rows = append(o.rows, row); len(o.rows) == 1 {
		o.first = values
	}
}

func (o *outcome) executed(result sql.Result, err error) {
	if err != nil {
		o.fail(err)
		return
	}
	n, err := result.RowsAffected()
	o.done = fmt.Sprintf("%d rows affected, %s", n, describeError(err))
}

func (o *outcome) fail(err error) { o.err, o.failure = err, describeError(err) }

// describe shows a value with its Go type.
func describe(value any) string {
	switch v := value.(type) {
	case nil:
		return "nil"
	case time.Time:
		return fmt.Sprintf("time.Time(%d-%s.%09d in %s)", v.Year(), v.Format("01-02 15:04:05"), v.Nanosecond(), location(v))
	case float64:
		return fmt.Sprintf("float64(%v %#x)", v, math.Float64bits(v))
	case []byte:
		return fmt.Sprintf("[]byte(%q)", v)
	case string:
		return strconv.Quote(v)
	default:
		return fmt.Sprintf("%T(%v)", v, v)
	}
}

func location(t time.Time) string {
	switch t.Location() {
	case time.UTC:
		return "time.UTC"
	case time.Local:
		return "time.Local"
	default:
		name, offset := t.Zone()
		return fmt.Sprintf("%s %d", name, offset)
	}
}

// sentinels are the errors that programs compare with.
var sentinels = []error{sql.ErrNoRows, sql.ErrConnDone, driver.ErrBadConn, context.Canceled, context.DeadlineExceeded}

// describeError shows what a program can find out about an error.
func describeError(err error) string {
	if err == nil {
		return ""
	}
	facts := []string{strconv.Quote(err.Error())}
	add := func(format string, args ...any) { facts = append(facts, fmt.Sprintf(format, args...)) }
	for _, sentinel := range sentinels {
		if errors.Is(err, sentinel) {
			add("is %q", sentinel)
		}
	}
	if refusal := (*pgconn.PgError)(nil); errors.As(err, &refusal) {
		add("from the server %+v", *refusal)
	}
	for each := err; each != nil; each = errors.Unwrap(each) {
		add("%T", each)
	}
	add("safe to retry %t, timeout %t", pgconn.SafeToRetry(err), pgconn.Timeout(err))
	return strings.Join(facts, " ")
}

// differences names what is the same in the two plain outcomes and other in the third, with both values.
func differences(a, b, c *outcome) []string {
	var list []string
	add := func(what, a, b, c string) {
		if a == b && c != a {
			list = append(list, fmt.Sprintf("%s\n  pgx:     %s\n  pgcache: %s", what, shorten(a), shorten(c)))
		}
	}
	add("error", a.failure, b.failure, c.failure)
	add("columns", strings.Join(a.columns, "\n"), strings.Join(b.columns, "\n"), strings.Join(c.columns, "\n"))
	add("number of rows", strconv.Itoa(len(a.rows)), strconv.Itoa(len(b.rows)), strconv.Itoa(len(c.rows)))
	add("end", a.done, b.done, c.done)
	if len(a.rows) != len(b.rows) || len(a.rows) != len(c.rows) {
		return list
	}
	for i := range a.rows {
		for j := range a.rows[i] {
			if j < len(b.rows[i]) && j < len(c.rows[i]) {
				before := len(list)
				add(fmt.Sprintf("row %d of %d, column %d", i+1, len(a.rows), j+1), a.rows[i][j], b.rows[i][j], c.rows[i][j])
				if len(list) > before && sameRows(a, c) {
					list[len(list)-1] += "\n  (the rows are the same, in another order)"
				}
				if len(list) > before {
					return list
				}
			}
		}
	}
	return list
}

// sameRows tells whether two results have the same rows in any order.
func sameRows(a, c *outcome) bool {
	return slices.Equal(sorted(a.rows), sorted(c.rows))
}

func sorted(rows [][]string) []string {
	list := make([]string, len(rows))
	for i, row := range rows {
		list[i] = strings.Join(row, "\x00")
	}
	slices.Sort(list)
	return list
}

// same tells whether two outcomes are alike.
func same(a, b *outcome) bool {
	return a.failure == b.failure && a.done == b.done && slices.Equal(a.columns, b.columns) &&
		slices.EqualFunc(a.rows, b.rows, slices.Equal)
}

// shorten keeps a report readable.
func shorten(s string) string {
	const limit = 1200
	if len(s) > limit {
		return fmt.Sprintf("%s... (%d bytes)", s[:limit], len(s))
	}
	return s
}
