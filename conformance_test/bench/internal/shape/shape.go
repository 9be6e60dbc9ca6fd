// Package shape has the results that are asked for: how large they are, what asks for them, and how they are read.
package shape

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Shape is one shape of results. There are many results of each, which differ in their key.
type Shape struct {
	Name string // rows × columns, or what a row is
	SQL  string // has one parameter
	Rows int
	// Arg is the n-th argument. All of them bring as many rows.
	Arg func(n int) int64
	// into makes destinations for a row.
	into func() []any
}

// The shapes. Their tables are in [Tables].
var (
	One = Shape{
		"1×3", "select id, owner, since from three where id = $1", 1, func(n int) int64 { return int64(1001 + n%1000) }, three,
	}
	Hundred = Shape{
		"100×3", "select id, owner, since from three where id between $1 and $1 + 99", 100,
		func(n int) int64 { return int64(1001 + n%900) }, three,
	}
	Thousand = Shape{
		"1000×3", "select id, owner, since from three where id > $1", 1000, belowAll, three,
	}
	FiveThousand = Shape{
		"5000×2", "select a, b from two where a > $1", 5000, belowAll,
		func() []any { return []any{new(int64), new(int64)} },
	}
	Wide = Shape{
		"100×40", "select " + wideColumns() + " from wide where id > $1", 100, belowAll, wideRow,
	}
	Text = Shape{
		"1 MiB text", "select body from large where id > $1", 1, belowAll, func() []any { return []any{new(string)} },
	}
	Bytes = Shape{
		"1 MiB bytea", "select raw from large where id > $1", 1, belowAll, func() []any { return []any{new([]byte)} },
	}
)

// All are all shapes.
var All = []*Shape{&One, &Hundred, &Thousand, &FiveThousand, &Wide, &Text, &Bytes}

// belowAll is less than every id, in a thousand ways.
func belowAll(n int) int64 { return int64(n % 1000) }

func three() []any { return []any{new(int64), new(string), new(time.Time)} }

// Ask gives what asks for the n-th result and reads it, for one goroutine. The destinations are made once, as a caller who cares
// would: what is measured is the driver and not the caller.
func (s *Shape) Ask(ctx context.Context, db *sql.DB) func(n int) error {
	into := s.into()
	return func(n int) error {
		rows, err := db.QueryContext(ctx, s.SQL, s.Arg(n))
		if err != nil {
			return err
		}
		defer rows.Close()
		count := 0
		for ; rows.Next(); count++ {
			if err := rows.Scan(into...); err != nil {
				return err
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
		if count != s.Rows {
			return fmt.Errorf("%d rows where there are %d", count, s.Rows)
		}
		return nil
	}
}
