package sessions_test

import (
	"context"
	"database/sql"
	"fmt"
	"sync/atomic"
)

// register is something that one writer gives the values 1, 2, 3 and so on, while others read it. Whoever reads it sees no
// value from before the latest one that was acknowledged, or that somebody had seen, when the read began, and none from after
// the latest that was sent when it ended.
type register struct {
	name string
	// write gives it the value k, in one of several ways.
	write func(ctx context.Context, d dice, c *sql.Conn, k int64) error
	// read gives its value, or what is left of it after a division by the period.
	read   func(ctx context.Context, d dice, c *sql.Conn) (int64, error)
	period int64
	// restrains is set when the value is what the role may see.
	restrains bool

	sent, acknowledged, seen atomic.Int64
}

// next writes the next value.
func (r *register) next(ctx context.Context, d dice, c *sql.Conn) error {
	k := r.sent.Add(1)
	if err := r.write(ctx, d, c, k); err != nil {
		return fmt.Errorf("writing %d to the %s: %w", k, r.name, err)
	}
	r.acknowledged.Store(k)
	return nil
}

// check reads it once.
func (r *register) check(ctx context.Context, d dice, c *sql.Conn) error {
	low := max(r.acknowledged.Load(), r.seen.Load())
	got, err := r.read(ctx, d, c)
	high := r.sent.Load()
	if err != nil {
		return fmt.Errorf("reading the %s: %w", r.name, err)
	}
	for k := low; k <= high; k++ {
		if got == k || r.period > 0 && got == k%r.period {
			r.see(k)
			return nil
		}
	}
	return fmt.Errorf("the %s is %d, and was at least %d when the read began and at most %d when it ended (of which the remainder by %d is seen, if not 0)",
		r.name, got, low, high, r.period)
}

// see notes that the value is at least k.
func (r *register) see(k int64) {
	for old := r.seen.Load(); old < k && !r.seen.CompareAndSwap(old, k); old = r.seen.Load() {
	}
}

// statement writes by one statement, whose %[1]d is the value.
func statement(texts ...string) func(context.Context, dice, *sql.Conn, int64) error {
	return func(ctx context.Context, d dice, c *sql.Conn, k int64) error {
		_, err := c.ExecContext(ctx, fmt.Sprintf(pick(d, texts...), k))
		return err
	}
}

// number reads by a query of one number.
func number(texts ...string) func(context.Context, dice, *sql.Conn) (int64, error) {
	return func(ctx context.Context, d dice, c *sql.Conn) (v int64, err error) {
		err = c.QueryRowContext(ctx, pick(d, texts...)).Scan(&v)
		return v, err
	}
}

// inTransaction writes in one, some of them after another that came to nothing.
func inTransaction(write func(context.Context, dice, *sql.Conn, int64) error) func(context.Context, dice, *sql.Conn, int64) error {
	return func(ctx context.Context, d dice, c *sql.Conn, k int64) error {
		end := "commit"
		for !d.once(2) {
			if d.once(2) {
				// What is rolled back nobody sees.
				if err := wrapped(ctx, d, c, k+1_000_000, write, "rollback"); err != nil {
					return err
				}
				continue
			}
			return wrapped(ctx, d, c, k, write, end)
		}
		return write(ctx, d, c, k)
	}
}

func wrapped(ctx context.Context, d dice, c *sql.Conn, k int64, write func(context.Context, dice, *sql.Conn, int64) error, end string) error {
	if _, err := c.ExecContext(ctx, "begin"); err != nil {
		return err
	}
	if err := write(ctx, d, c, k); err != nil {
		return err
	}
	_, err := c.ExecContext(ctx, end)
	return err
}

// dataRegisters is how many of the registers are written without a change of the schema. They come first.
const dataRegisters = 3

// registers are what the readers of the concurrent test look at, as the role reader.
func registers() []*register {
	return []*register{
		{
			name: "row", read: number("select v from cell where id = 1", "select max(v) from cell where id <= 1", "select v from cells where id = 1"),
			write: inTransaction(statement("update cell set v = %d where id = 1", "with w as (update cell set v = %d where id = 1 returning v) select v from w",
				"do $$ begin update cell set v = %d where id = 1; end $$", "select put(1, %d)", "update cells set v = %d where id = 1")),
		},
		{
			name: "row that a trigger writes", read: number("select v from echo where id = 2", "select sum(v) from echo where id = 2"),
			write: inTransaction(statement("update cell set v = %d where id = 2")),
		},
		{
			name: "row that a cascade writes", read: number("select parent from child", "select c.parent from child c join parent p on p.id = c.parent"),
			write: inTransaction(statement("update parent set id = %d")),
		},
		{
			name: "view", read: number("select v from seen", "select max(v) from (select v from seen) x"),
			write: inTransaction(statement("create or replace view late.seen as select %d as v from cell where id = 1")),
		},
		{
			name: "function", read: number("select constant() from cell where id = 1", "select constant()"),
			write: inTransaction(statement("create or replace function late.constant() returns int immutable language sql as 'select %d'",
				"create or replace function late.constant() returns int immutable language plpgsql as 'begin return %d; end'")),
		},
		{
			name: "policy", period: 100, restrains: true, read: number("select v from policed", "select sum(v) from policed"),
			write: inTransaction(statement("alter policy one on policed using (v = %d %% 100)")),
		},
		{name: "grant", period: 2, restrains: true, read: allowed, write: grantOrRevoke},
		{name: "earlier schema", period: 2, read: number("select v from shadow"), write: shadow},
	}
}

// allowed reads what is granted and revoked in turn.
func allowed(ctx context.Context, d dice, c *sql.Conn) (int64, error) {
	var v int64
	err := c.QueryRowContext(ctx, pick(d, "select count(*) from granted", "select id from granted")).Scan(&v)
	if err != nil && failed(err).code == insufficientPrivilege {
		return 1, nil
	}
	return 0, err
}

const insufficientPrivilege = "42501"

func grantOrRevoke(ctx context.Context, d dice, c *sql.Conn, k int64) error {
	text := "grant select on granted to reader -- %d"
	if k%2 == 1 {
		text = "revoke select on granted from reader -- %d"
	}
	return statement(text)(ctx, d, c, k)
}

// shadow makes a table that comes first on the search_path, and drops it.
func shadow(ctx context.Context, d dice, c *sql.Conn, k int64) error {
	if k%2 == 1 {
		return statement("create table early.shadow as select 1 as v, %d as k; grant select on early.shadow to reader")(ctx, d, c, k)
	}
	return statement("drop table early.shadow -- %d")(ctx, d, c, k)
}
