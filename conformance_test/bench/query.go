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
	reader  func() func(*sql.Rows) error
}

var (
	oneByThree = query{
		"1×3", "select id, owner, since from three where id = $1", []any{int64(1007)}, 1, 3, readThree,
	}
	thousandByThree = query{
		"1000×3", "select id, owner, since from three", nil, 1000, 3, readThree,
	}
	fiveThousandByTwo = query{
		"5000×2", "select a, b from two", nil, 5000, 2, readTwo,
	}
)

var selectOne = query{"SELECT 1", "select 1", nil, 1, 1, readOne}

// The destinations are made once, as a caller who cares would: what is measured is the driver and not the caller.

func readOne() func(*sql.Rows) error {
	var one int64
	into := []any{&one}
	return func(rows *sql.Rows) error { return rows.Scan(into...) }
}

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

// run runs the query once and reads it to its end.
func (q query) run(ctx context.Context, db *sql.DB) error { return q.repeat(ctx, db, 1) }

// repeat runs the query some times.
func (q query) repeat(ctx context.Context, db *sql.DB, times int) error {
	read := q.reader()
	for range times {
		if err := q.ask(ctx, db, read); err != nil {
			return err
		}
	}
	return nil
}

func (q query) ask(ctx context.Context, db *sql.DB, read func(*sql.Rows) error) error {
	rows, err := db.QueryContext(ctx, q.sql, q.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := read(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
