package pgbench

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// Tables like pgbench's.
const (
	createTables = `
		create table pgbench_branches (bid int not null, bbalance int, filler char(88)) with (fillfactor = 100);
		create table pgbench_tellers  (tid int not null, bid int, tbalance int, filler char(84)) with (fillfactor = 100);
		create table pgbench_accounts (aid int not null, bid int, abalance int, filler char(84)) with (fillfactor = 100);
		create table pgbench_history  (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22))`
	createKeys = `
		alter table pgbench_branches add primary key (bid);
		alter table pgbench_tellers  add primary key (tid);
		alter table pgbench_accounts add primary key (aid)`
	tellersPerBranch = 10
)

// copyTables does what pgbench -i does.
func (d *Database) copyTables(ctx context.Context, scale int, bar *bar) error {
	conn, err := pgx.Connect(ctx, d.DSN())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	// The tables are filled in the transaction that makes them: then PostgreSQL need not log the rows.
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return fillTables(ctx, tx, scale, bar) })
	if err != nil {
		return err
	}
	bar.step("vacuuming")
	if _, err := conn.Exec(ctx, "vacuum analyze"); err != nil {
		return err
	}
	bar.step("creating primary keys")
	_, err = conn.Exec(ctx, createKeys)
	return err
}

func fillTables(ctx context.Context, tx pgx.Tx, scale int, bar *bar) error {
	if _, err := tx.Exec(ctx, createTables); err != nil {
		return err
	}
	branch := func(n int) []any { return []any{n, 0, nil} }
	if err := fill(ctx, tx, "pgbench_branches", []string{"bid", "bbalance", "filler"}, scale, branch); err != nil {
		return err
	}
	teller := func(n int) []any { return []any{n, (n-1)/tellersPerBranch + 1, 0, nil} }
	if err := fill(ctx, tx, "pgbench_tellers", []string{"tid", "bid", "tbalance", "filler"}, scale*tellersPerBranch, teller); err != nil {
		return err
	}
	all := scale * AccountsPerBranch
	account := func(n int) []any {
		bar.show(n, all)
		return []any{n, (n-1)/AccountsPerBranch + 1, 0, ""}
	}
	return fill(ctx, tx, "pgbench_accounts", []string{"aid", "bid", "abalance", "filler"}, all, account)
}

// fill copies the rows number 1 to count into a table.
func fill(ctx context.Context, tx pgx.Tx, table string, columns []string, count int, row func(int) []any) error {
	n := 0
	_, err := tx.CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromFunc(func() ([]any, error) {
		if n == count {
			return nil, nil
		}
		n++
		return row(n), nil
	}))
	return err
}
