package driver

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/gopgcache/pgcache/dsn"
	"github.com/gopgcache/pgcache/internal/freshness"
)

// advised gives the row of SHOW pgcache.advice for a statement, by column.
func (f *fixture) advised(db *sql.DB, statement string) map[string]string {
	f.t.Helper()
	rows, err := db.Query("show pgcache.advice")
	if err != nil {
		f.t.Fatal(err)
	}
	defer rows.Close()
	names, _ := rows.Columns()
	for rows.Next() {
		values, into := make([]string, len(names)), make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			f.t.Fatal(err)
		}
		row := make(map[string]string)
		for i, name := range names {
			row[name] = values[i]
		}
		if row["statement"] == statement {
			return row
		}
	}
	f.t.Fatalf("no advice on %s: %v", statement, rows.Err())
	return nil
}

func isNumber(t *testing.T, row map[string]string, column string, want float64) {
	t.Helper()
	if got, err := strconv.ParseFloat(row[column], 64); err != nil || math.Abs(got-want) > 0.0006 {
		t.Errorf("%s: %s, want %v; %v", column, row[column], want, row)
	}
}

// In observe mode PostgreSQL answers everything, and what the cache would have done is known exactly. A long-lived ttl is read
// off, since a machine may stall for a second.
func TestObserve(t *testing.T) {
	f := newFixture(t, "=observe")
	for range 4 {
		for id := range 10 {
			f.want(byID, id+1)
		}
	}
	if n := f.queries.Load(); n != 80/2 {
		t.Errorf("PostgreSQL saw %d queries through the cache, want 40", n)
	}
	s := f.connector.Stats()
	if s.Hits+s.Misses+s.Fills+s.Entries != 0 || s.Bypassed != 40 {
		t.Errorf("%+v", s)
	}
	row := f.advised(f.DB, byID)
	isNumber(t, row, "calls", 40)
	if !strings.Contains(row["ladder"], "1h 0.750 lies 0/0") || row["cacheable"] != cacheable || row["sample"] != "1/1" {
		t.Errorf("%v", row)
	}
	rule, err := dsn.ParseRule(row["rule"])
	if err != nil {
		t.Fatal(err, row)
	}
	db, connector := f.open("rule=" + rule.String())
	for range 2 {
		f.read(db, byID, 1)
	}
	if s := connector.Stats(); s.Hits != 1 {
		t.Errorf("%s: %+v", rule, s)
	}
}

// Statements that differ in literals are one, and the rule for it takes them all and no others.
func TestObserveLiterals(t *testing.T) {
	f := newFixture(t, "=observe")
	f.exec(f.plain, "create table other (a int)")
	const query = "select owner from accounts where id = %d and branch in (1, %d) -- why\n"
	for range 3 {
		for id := range 5 {
			f.want(fmt.Sprintf(query, id, id))
		}
	}
	for id := range 20 {
		f.want(byID, id) // asked once each: no rule by tables then
	}
	row := f.advised(f.DB, "select owner from accounts where id = ? and branch in (?, ...)")
	isNumber(t, row, "calls", 15)
	rule, err := dsn.ParseRule(row["rule"])
	if err != nil || rule.SQL == nil {
		t.Fatal(err, row)
	}
	db, connector := f.open("rule=" + rule.String())
	for range 2 {
		f.read(db, fmt.Sprintf(query, 77, 78))
		f.read(db, byID, 1)
	}
	if s := connector.Stats(); s.Hits != 1 || s.Bypassed != 2 {
		t.Errorf("%s: %+v", rule, s)
	}
	if row := f.advised(f.DB, byID); row["rule"] != "" || row["reason"] == "" {
		t.Errorf("%v", row)
	}
}

// What another client changes between two reads makes a lie of the second. What is written here does not.
func TestObserveLies(t *testing.T) {
	f := newFixture(t, "=observe")
	f.want(byID, 1)
	f.exec(f.DB, "update accounts set balance = 1 where id = 1")
	f.want(byID, 1)
	row := f.advised(f.DB, byID)
	if !strings.Contains(row["ladder"], "1h 0.000 lies 1/0") {
		t.Errorf("after an own write: %v", row)
	}
	f.exec(f.plain, "update accounts set balance = 2 where id = 1")
	f.want(byID, 1)
	row = f.advised(f.DB, byID)
	if !strings.Contains(row["ladder"], "1h 0.333 lies 2/1") || row["rule"] != "" {
		t.Errorf("after another's write: %v", row)
	}
}

// With a feed it is known what another client changes, down to the row: that ends an answer, and makes none a lie.
func TestObserveWithAFeed(t *testing.T) {
	f := newTracked(t, "wal", "=observe")
	f.want(byID, 1)
	f.want(byID, 2)
	var table uint32
	if err := f.plain.QueryRow("select 'accounts'::regclass::oid").Scan(&table); err != nil {
		t.Fatal(err)
	}
	tracker, tags := f.connector.cache.feed.inForce.Load().tracker, []freshness.Tag{freshness.TableTag(table)}
	before := tracker.Changed(tags)
	f.exec(f.plain, "update accounts set balance = 2 where id = 1")
	f.eventually("the change", func() bool { return tracker.Changed(tags) > before })
	f.want(byID, 1)
	f.want(byID, 2)
	if row := f.advised(f.DB, byID); !strings.Contains(row["ladder"], "1h 0.250 lies 1/0") {
		t.Errorf("%v", row)
	}
}

// QueryRow closes its rows early: they count all the same, and the connection goes on.
func TestObserveClosedEarly(t *testing.T) {
	f := newFixture(t, "=observe", "max_entry=20KiB")
	f.SetMaxOpenConns(1)
	for range 2 {
		for _, query := range []string{"select id from accounts order by id", "select id, owner, repeat('x', 100) from accounts"} {
			var id int
			var rest [2]string
			into := []any{&id}
			if strings.Contains(query, "owner") {
				into = append(into, &rest[0], &rest[1])
			}
			if err := f.QueryRow(query).Scan(into...); err != nil {
				t.Fatal(err)
			}
		}
	}
	if row := f.advised(f.DB, "select id from accounts order by id"); !strings.Contains(row["ladder"], "1h 0.500") {
		t.Errorf("%v", row)
	}
	if row := f.advised(f.DB, "select id, owner, repeat(?, ...) from accounts"); !strings.Contains(row["reason"], "larger") {
		t.Errorf("%v", row)
	}
}

// What can't be cached is told with its reason; the rules' allow= counts.
func TestObserveReasons(t *testing.T) {
	f := newFixture(t, "=observe", "rule=vouched: sql~vouched ttl=1m allow=now")
	const byNow = "select id from accounts where now() is null"
	f.want(byNow)
	f.want(byNow + " and 'vouched' is not null")
	f.exec(f.DB, "update accounts set balance = 7 where id = 7")
	tx, err := f.Begin()
	if err != nil {
		t.Fatal(err)
	}
	f.read(tx, "select owner from accounts where id = 5")
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if row := f.advised(f.DB, byNow); row["cacheable"] != notCacheable || !strings.Contains(row["reason"], "now()") {
		t.Errorf("%v", row)
	}
	if row := f.advised(f.DB, byNow+" and ? is not null"); row["cacheable"] != cacheable {
		t.Errorf("%v", row)
	}
	if row := f.advised(f.DB, "select owner from accounts where id = ?"); !strings.Contains(row["reason"], "transaction") {
		t.Errorf("%v", row)
	}
}

func TestAdviceNeedsObserve(t *testing.T) {
	f := newFixture(t)
	if _, err := f.Exec("show pgcache.advice"); err == nil || !strings.Contains(err.Error(), "pgcache=observe") {
		t.Error(err)
	}
}

// faulty panics instead of noting that a query is sent, when it is told to.
type faulty struct{ panics bool }

func (f *faulty) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	if f.panics {
		panic("the tracer is at fault")
	}
	return ctx
}

func (*faulty) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// A read that ends with a panic of the program's own leaves the connection as watchful as it was.
func TestObservedPanic(t *testing.T) {
	f, tracer := newFixture(t, "=off"), new(faulty)
	config, err := pgx.ParseConfig(f.dsn)
	if err != nil {
		t.Fatal(err)
	}
	config.Tracer = tracer
	connector, err := NewConnectorConfig(config, "pgcache=observe")
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	own, err := connector.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	conn := own.(*Conn)
	defer conn.Close()
	const query, write = "select owner from accounts", "update accounts set balance = 1"
	f.read(db, query)
	func() {
		defer func() { tracer.panics = recover() == nil }()
		tracer.panics = true
		_, _ = conn.QueryContext(t.Context(), query, nil)
	}()
	if tracer.panics {
		t.Fatal("it did not panic")
	}
	before := connector.cache.ledger.Position()
	if _, err := conn.ExecContext(t.Context(), write, nil); err != nil {
		t.Fatal(err)
	}
	if connector.cache.ledger.Position() == before {
		t.Error("nobody has noticed the write")
	}
}
