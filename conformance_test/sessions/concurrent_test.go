package sessions_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gopgcache/pgcache/driver"
	"github.com/gopgcache/pgcache/internal/testenv"
)

// crowd is what the concurrent test works on. Rows belong to tenants and to roles, and whoever reads must never see others'.
const crowd = `
	create role reader; create role alice; create role bob;
	create schema early; create schema late; grant usage on schema early, late to public;
	set search_path to late;
	create table cell (id int primary key, v bigint not null); insert into cell values (1, 0), (2, 0);
	create view cells as select id, v from cell;
	create table echo (id int primary key, v bigint not null); insert into echo values (2, 0);
	create function copy() returns trigger language plpgsql as 'begin update late.echo set v = new.v where id = new.id; return null; end';
	create trigger copy after update on cell for each row when (new.id = 2) execute function copy();
	create function put(int, bigint) returns bigint language sql as 'update late.cell set v = $2 where id = $1 returning v';
	create table parent (id bigint primary key); insert into parent values (0);
	create table child (parent bigint references parent on update cascade); insert into child values (0);
	create view seen as select 0 as v from cell where id = 1;
	create function constant() returns int immutable language sql as 'select 0';
	create table policed (v bigint); insert into policed select generate_series(0, 99);
	alter table policed enable row level security; create policy one on policed using (v = 0);
	create table granted (id int); insert into granted values (1);
	create table shadow (v int); insert into shadow values (0);
	create table rows (id serial, tenant text, owner text, v bigint);
	insert into rows (tenant, owner, v) select 't' || t, o, 0 from generate_series(0, 4) t, unnest(array['alice', 'bob']) o, generate_series(1, 3);
	alter table rows enable row level security;
	create policy ours on rows using (tenant = current_setting('app.tenant', true));
	create policy mine on rows as restrictive using (owner = current_user);
	create view own_rows with (security_barrier) as select * from rows; alter view own_rows owner to alice;
	grant all on all tables in schema late to reader, alice, bob; grant usage on all sequences in schema late to alice, bob;
	grant alice to bob;`

// mob is the concurrent test while it runs.
type mob struct {
	db        *sql.DB
	registers []*register
	reads     atomic.Int64
}

// TestConcurrently lets sessions read, write and change the schema at the same time, and wants what holds all the same: no
// row of another tenant or role is ever seen, and what was acknowledged is seen by whoever reads after that.
func TestConcurrently(t *testing.T) { together(t, start(t), short/3) }

func together(t *testing.T, server *testenv.Server, long time.Duration) {
	t.Helper()
	m, connector := newMob(t, server)
	ctx, cancel := context.WithTimeout(context.Background(), long)
	defer cancel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	var all sync.WaitGroup
	run := func(step func(context.Context, dice) error) {
		seed++
		d := newDice(seed)
		all.Go(func() {
			for ctx.Err() == nil && !t.Failed() {
				if err := step(context.WithoutCancel(ctx), d); err != nil {
					t.Error(err)
				}
			}
		})
	}
	data, schema := m.registers[:dataRegisters], m.registers[dataRegisters:]
	run(func(ctx context.Context, d dice) error { return m.change(ctx, d, pick(d, data...), 10) })
	run(func(ctx context.Context, d dice) error { return m.change(ctx, d, pick(d, schema...), 60) })
	for range 5 {
		run(m.watch)
		run(m.visit)
	}
	all.Wait()
	stats := connector.Stats()
	t.Logf("%d reads: %d hits, %d misses, %d shared a fill, %d bypassed, %d fills not kept", m.reads.Load(), stats.Hits, stats.Misses,
		stats.Coalesced, stats.Bypassed, stats.RejectedFills)
	if stats.Hits == 0 {
		t.Error("nothing came from the cache")
	}
}

func newMob(t *testing.T, server *testenv.Server) (*mob, *driver.Connector) {
	t.Helper()
	name, err := server.CreateDatabase(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	plain := openPlain(t, server.DSN(name))
	defer plain.Close()
	if _, err := plain.ExecContext(context.Background(), crowd); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(server.DSN(name))
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Set("pgcache_rule", "all: * ttl=1h")
	query.Set("pgcache_feed", "none") // every write goes through the one cache, which tells it
	query.Set("search_path", "early, late")
	// A statement that is prepared for good goes on reading a table that another one now comes before.
	query.Set("default_query_exec_mode", "describe_exec")
	u.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20")
	connector, err := driver.NewConnector(u.String())
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxIdleConns(8)
	t.Cleanup(func() { db.Close() })
	return &mob{db: db, registers: registers()}, connector
}

// change gives a register its next value, and reads up to so many times before it returns: others should have their turn too.
func (m *mob) change(ctx context.Context, d dice, r *register, most int) error {
	c, err := m.as(ctx, "none")
	if err != nil {
		return err
	}
	defer c.Close()
	if err := r.next(ctx, d, c); err != nil {
		return err
	}
	if r.restrains {
		r = m.registers[0] // a superuser sees all
	}
	for range d.IntN(most) {
		m.reads.Add(1)
		if err := r.check(ctx, d, c); err != nil {
			return err
		}
	}
	return nil
}

// watch reads registers.
func (m *mob) watch(ctx context.Context, d dice) error {
	c, err := m.as(ctx, "reader")
	if err != nil {
		return err
	}
	defer c.Close()
	for range 1 + d.IntN(20) {
		m.reads.Add(1)
		if err := pick(d, m.registers...).check(ctx, d, c); err != nil {
			return err
		}
	}
	return nil
}

// as takes a connection from the pool, in whatever state it was left, and gives it a role.
func (m *mob) as(ctx context.Context, role string) (*sql.Conn, error) {
	c, err := m.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := c.ExecContext(ctx, "set role "+role); err != nil {
		return nil, err
	}
	return c, nil
}

// visit is a tenant's request: it takes a connection, says who it is, and reads and writes its rows.
func (m *mob) visit(ctx context.Context, d dice) error {
	role, tenant := pick(d, "alice", "bob"), fmt.Sprintf("t%d", d.IntN(5))
	c, err := m.as(ctx, role)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := settle(ctx, d, c, tenant); err != nil {
		return err
	}
	for range 1 + d.IntN(6) {
		if d.once(12) {
			_, err := c.ExecContext(ctx, pick(d, "update rows set v = v + 1", "insert into rows (tenant, owner, v) values ('"+tenant+"', '"+role+"', 1)",
				"delete from rows where id = (select max(id) from rows) and (select count(*) from rows) > 3"))
			if err != nil {
				return err
			}
		}
		if d.once(6) {
			if err := waver(ctx, d, c); err != nil {
				return err
			}
		}
		m.reads.Add(1)
		if err := onlyOwn(ctx, d, c, role, tenant); err != nil {
			return err
		}
	}
	return nil
}

// settle says whose session it is.
func settle(ctx context.Context, d dice, c *sql.Conn, tenant string) error {
	var err error
	switch d.IntN(4) {
	case 0:
		_, err = c.ExecContext(ctx, "set app.tenant to '"+tenant+"'")
	case 1:
		_, err = c.ExecContext(ctx, "do $$ begin set app.tenant to '"+tenant+"'; end $$")
	default:
		var set string
		err = c.QueryRowContext(ctx, "select set_config('app.tenant', $1, false)", tenant).Scan(&set)
	}
	return err
}

// waver does what leaves the session as it was: settings that are rolled back, local, or refused.
func waver(ctx context.Context, d dice, c *sql.Conn) error {
	var texts []string
	switch d.IntN(4) {
	case 0:
		texts = []string{"begin", "set app.tenant to 't9'", "set role none", "select count(*) from rows", "rollback"}
	case 1:
		texts = []string{"begin", "set local app.tenant to 't3'", "set local role reader", pick(d, "commit", "rollback")}
	case 2:
		texts = []string{"begin", "savepoint a", "select set_config('app.tenant', 't4', false)", "rollback to a", "commit"}
	default:
		if _, err := c.ExecContext(ctx, pick(d, "set role nobody_at_all", "set app.tenant to 't5'; select 1/0", "set app.tenant = = 1")); err == nil {
			return fmt.Errorf("a statement that can't succeed did")
		}
	}
	for _, text := range texts {
		if _, err := c.ExecContext(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

// onlyOwn reads rows and looks whose they are: through a view too, whose owner decides which policies count, and not what
// they make of the user.
func onlyOwn(ctx context.Context, d dice, c *sql.Conn, role, tenant string) error {
	from := pick(d, "rows", "rows", "own_rows")
	rows, err := c.QueryContext(ctx, "select tenant, owner from "+from+pick(d, "", " where v >= 0", " order by id"))
	if err != nil {
		return err
	}
	defer rows.Close()
	count := 0
	for ; rows.Next(); count++ {
		var gotTenant, gotOwner string
		if err := rows.Scan(&gotTenant, &gotOwner); err != nil {
			return err
		}
		if gotTenant != tenant || gotOwner != role {
			return fmt.Errorf("%s of %s reads a row of %s's %s from %s", role, tenant, gotTenant, gotOwner, from)
		}
	}
	if count == 0 {
		return fmt.Errorf("%s of %s reads no row from %s", role, tenant, from)
	}
	return rows.Err()
}
