package main

import (
	"context"
	"database/sql"
	"math/rand/v2"
)

// The statements of the load.
const (
	byKey    = "SELECT abalance FROM pgbench_accounts WHERE aid = $1"
	sumOf    = "SELECT count(*), sum(abalance) FROM pgbench_accounts WHERE aid BETWEEN $1 AND $2"
	tellers  = "SELECT tid, tbalance FROM pgbench_tellers WHERE bid = $1 ORDER BY tid"
	clock    = "SELECT now()::text"
	deposits = "UPDATE pgbench_tellers SET tbalance = tbalance + 1 WHERE tid = $1"
)

// load is a mixed load, as a program might make it: a few accounts are asked for often and most hardly ever, some sums, the
// tellers, what can't be cached, and now and then a write.
type load struct{ accounts, branches, queries int }

// The first run and the second ask for other keys, as today and tomorrow do: a prediction has to hold for both.
const (
	today    = 20
	tomorrow = 21
)

func (l load) run(ctx context.Context, db *sql.DB, seed uint64) error {
	random := rand.New(rand.NewPCG(seed, seed))
	accounts := rand.NewZipf(random, 1.1, 8, uint64(l.accounts-1))
	for range l.queries {
		var err error
		switch n := random.IntN(100); {
		case n < 60:
			err = drain(ctx, db, byKey, int(accounts.Uint64())+1)
		case n < 80:
			first := 1 + 1000*random.IntN(40)
			err = drain(ctx, db, sumOf, first, first+999)
		case n < 95:
			err = drain(ctx, db, tellers, 1+random.IntN(l.branches))
		case n < 99:
			err = drain(ctx, db, clock)
		default:
			_, err = db.ExecContext(ctx, deposits, 1+random.IntN(10*l.branches))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// drain reads an answer to its end.
func drain(ctx context.Context, db *sql.DB, query string, args ...any) error {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
	}
	return rows.Err()
}
