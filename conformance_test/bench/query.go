package main

import (
	"context"
	"database/sql"
	"time"
)

// query is one shape of result and how it is read.
type query struct {
	shape   string
	sql     string
	args    []any
	rows    int
	columns int
	read    func(*sql.Rows) error
}

var (
	oneByThree = query{
		"1×3", "select id, owner, since from three where id = $1", []any{int64(1007)}, 1, 3, readThree(),
	}
	thousandByThree = query{
		"1000×3", "select id, owner, since from three", nil, 1000, 3, readThree(),
	}
	fiveThousandByTwo = query{
		"5000×2", "select a, b from two", nil, 5000, 2, readTwo(),
	}
)

// The destinations are made once, as a caller who cares would: what is measured is the driver and not the caller.

func readThree() func(*sql.Rows) error {
	var id int64
	var owner string
	var since time.Time
	into := []any{&id, &owner, &since}
	return func(rows *sql.Rows) error { return rows.Scan(into...) }
}

func readTwo() func(*sql.Rows) error {
	var a, b int64
	into := []any{&a, &b}
	return func(rows *sql.Rows) error { return rows.Scan(into...) }
}

// run runs the query and reads it to its end.
func (q query) run(ctx context.Context, db *sql.DB) error {
	rows, err := db.QueryContext(ctx, q.sql, q.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := q.read(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
