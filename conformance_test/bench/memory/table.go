package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/gopgcache/pgcache/conformance_test/bench/internal/fleet"
)

// table makes a table of so many rows, and tells how many bytes an average row has on the wire.
func table(ctx context.Context, f *fleet.Fleet, dsn string, rows int) (float64, error) {
	db, err := f.Pgx(dsn)
	if err != nil {
		return 0, err
	}
	for _, statement := range []string{
		fmt.Sprintf(`create table many as
			select g::bigint as id, 'owner number ' || g as owner, timestamptz '2026-01-01' + g * interval '1 minute' as since
			from generate_series(1, %d) g`, rows),
		"alter table many add primary key (id)",
		"analyze many",
	} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return 0, err
		}
	}
	return onTheWire(ctx, dsn)
}

// onTheWire counts what PostgreSQL sends for the rows: a DataRow is its kind and length, how many values there are, and each value
// after its length.
func onTheWire(ctx context.Context, dsn string) (float64, error) {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	rows, err := conn.Query(ctx, "select id, owner, since from many")
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	count, bytes := 0, 0
	for ; rows.Next(); count++ {
		bytes += 1 + 4 + 2
		for _, value := range rows.RawValues() {
			bytes += 4 + len(value)
		}
	}
	if count == 0 {
		return 0, errors.Join(errors.New("no rows"), rows.Err())
	}
	return float64(bytes) / float64(count), rows.Err()
}
