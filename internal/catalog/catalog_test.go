package catalog

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/gopgcache/pgcache/internal/statement"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const schema = `
create schema shop;
create table shop.customers (id int primary key, name text);
create table shop.orders (id int primary key, customer int references shop.customers on delete cascade, at timestamptz default now());
create table shop.items (ord int references shop.orders on update cascade, what text);
create view shop.recent as select * from shop.orders where at > now();
create view shop.named as select o.id, c.name from shop.orders o join shop.customers c on c.id = o.customer;
create view shop.nested as select count(*) from shop.named;
create view shop.dice as select random() as n from shop.customers;
create materialized view shop.summary as select count(*) as n from shop.orders;
create table shop.parts (id int) partition by range (id);
create table shop.parts_low partition of shop.parts for values from (0) to (10);
create table shop.secret (id int); alter table shop.secret enable row level security;
create unlogged table shop.quick (id int);
create function shop.pure(int) returns int language sql immutable as 'select $1';
create function shop.half(int) returns int language sql stable as 'select $1 / 2';
create function shop.half(text) returns int language sql immutable as 'select 1';
create function shop.spend(int) returns int language sql as 'select $1';
create function shop.follow() returns bigint language sql stable begin atomic select count(*) from shop.items; end;
create function shop.audit() returns trigger language plpgsql as 'begin insert into shop.quick values (1); return null; end';
create table shop.audited (id int);
create trigger audit after insert on shop.audited execute function shop.audit();
create function shop.stamp() returns trigger language plpgsql as 'begin new.at := now(); return new; end';
create table shop.stamped (id int, at timestamptz);
create trigger stamp before insert or update on shop.stamped for each row execute function shop.stamp();
create trigger unchanged before update on shop.stamped for each row execute function suppress_redundant_updates_trigger();
create table shop.asleep (id int);
create trigger audit after insert on shop.asleep execute function shop.audit();
alter table shop.asleep disable trigger audit;
create table shop.choosy (id int, at timestamptz);
create trigger stamp before insert on shop.choosy for each row when (shop.spend(new.id) > 0) execute function shop.stamp();
create view shop.facade as select id from shop.audited;
create function shop.divert() returns trigger language plpgsql as 'begin return new; end';
create trigger divert instead of insert on shop.facade for each row execute function shop.divert();
create table shop.ruled (id int);
create rule also as on insert to shop.ruled do also insert into shop.quick values (1);
create table shop.checked (id int check (shop.spend(id) > 0));
create table shop.defaulted (id int default shop.spend(1));
create domain shop.small as int check (shop.half(value) < 10);
create table shop.domained (id shop.small);
create function shop.pick(shop.customers) returns text language sql as 'select $1.name';
create function shop.spend2(int, int) returns bool language sql as 'select true';
create operator shop.<~> (leftarg = int, rightarg = int, function = shop.spend2);
`

func open(t *testing.T) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), pgtest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(t.Context()) })
	if _, err := conn.Exec(t.Context(), schema+"set search_path = shop, public"); err != nil {
		t.Fatal(err)
	}
	return conn
}

func exec(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// afterwards runs statements one by one when a test, and with it its context, has ended.
func afterwards(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	for statement := range strings.SplitSeq(sql, ";") {
		if _, err := conn.Exec(context.Background(), statement); err != nil {
			t.Errorf("%s: %v", statement, err)
		}
	}
}

func ask(t *testing.T, conn *pgx.Conn, sql string) *Answer {
	t.Helper()
	answer, err := Ask(t.Context(), conn.PgConn(), statement.Analyze(sql))
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	if conn.PgConn().TxStatus() != 'I' {
		t.Fatalf("%s: left in a transaction", sql)
	}
	return answer
}

func TestRelations(t *testing.T) {
	conn := open(t)
	for sql, want := range map[string]string{
		"select 1":                       "",
		"select * from customers":        "customers",
		"select * from shop.customers c": "customers",
		"select * from named":            "customers orders",
		"select * from nested":           "customers orders",
		"select * from summary":          "summary",
		"select * from parts":            "parts parts_low",
		"select * from parts_low":        "parts_low",
		"select follow()":                "items",
		"with customers as (select 1) select 1 from customers, orders": "customers orders", // the CTE's name counts too
		"select 1 from nowhere": "",
	} {
		a := ask(t, conn, sql)
		var names []string
		for _, r := range a.Tables() {
			names = append(names, r.Name)
		}
		slices.Sort(names)
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: %q, want %q", sql, got, want)
		}
	}
	if a := ask(t, conn, "select 1 from nowhere, x.y"); fmt.Sprint(a.Unresolved) != "[x.y nowhere]" {
		t.Error(a.Unresolved)
	}
	for _, r := range ask(t, conn, "select * from parts").Relations {
		if r.Covered != (r.Name == "parts_low") {
			t.Errorf("%+v", r)
		}
	}
}

func TestRefusals(t *testing.T) {
	conn := open(t)
	if _, err := conn.Exec(t.Context(), "create temporary table scratch (id int)"); err != nil {
		t.Fatal(err)
	}
	for sql, want := range map[string]string{
		"select * from customers":        "",
		"select * from quick":            "",
		"select * from summary":          "",
		"select * from scratch":          "temporary table",
		"select * from pg_class":         "system catalog",
		"select * from pg_stat_activity": "system catalog",
	} {
		if got := ask(t, conn, sql).Refusal(); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", sql, got, want)
		}
	}
}

// Functions are those of the worst overload that a call could mean, wherever the call stands.
func TestFunctions(t *testing.T) {
	conn := open(t)
	for sql, want := range map[string]string{
		"select lower('a'), count(*), sum(id), max(name), abs(-1) from customers": "",
		"select pure(1)":                              "",
		"select now()":                                "pg_catalog.now",
		"select random()":                             "pg_catalog.random",
		"select half('x')":                            "shop.half",
		"select shop.half(1)":                         "shop.half",
		"select * from dice":                          "pg_catalog.random",
		"select * from recent":                        "pg_catalog.now",
		"select 1 <~> 2":                              "shop.spend2",
		"select '1'::small":                           "shop.half",
		"select id from domained":                     "shop.half",
		"select c.pick from customers c":              "shop.pick",
		"select count(*) filter (where spend(1) > 0)": "shop.spend",
		"select 1 order by half(2)":                   "shop.half",
	} {
		var got []string
		for _, f := range ask(t, conn, sql).Functions {
			got = append(got, f.Schema+"."+f.Name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %q", sql, got, want)
		}
	}
}

func TestReach(t *testing.T) {
	conn := open(t)
	oids := map[string]uint32{}
	rows, _ := conn.Query(t.Context(), "select relname, oid from pg_class where relnamespace = 'shop'::regnamespace")
	var name string
	var oid uint32
	if _, err := pgx.ForEachRow(rows, []any{&name, &oid}, func() error { oids[name] = oid; return nil }); err != nil {
		t.Fatal(err)
	}
	for sql, want := range map[string]string{
		"insert into items values (1, 'x')":      "items",
		"delete from orders":                     "items orders",
		"delete from customers":                  "customers items orders",
		"update named set name = 'x'":            "customers items named orders",
		"insert into parts values (1)":           "parts parts_low",
		"insert into parts_low values (1)":       "parts parts_low",
		"insert into audited values (1)":         "any",
		"insert into stamped values (1)":         "stamped",
		"insert into asleep values (1)":          "asleep",
		"insert into choosy values (1)":          "any",
		"insert into facade values (1)":          "any",
		"insert into ruled values (1)":           "any",
		"insert into checked values (1)":         "any",
		"insert into defaulted values (1)":       "any",
		"insert into domained values (1)":        "any",
		"insert into nowhere values (1)":         "any",
		"insert into items select spend(1), 'x'": "any", // by what it calls
		"with d as (delete from quick returning id) insert into items select id, 'x' from d": "items quick",
	} {
		a := ask(t, conn, sql)
		var got []string
		for n, oid := range oids {
			if slices.Contains(a.Reach.Tables, oid) {
				got = append(got, n)
			}
		}
		slices.Sort(got)
		if a.Reach.Unknown || a.MayWrite() {
			got = []string{"any"}
		}
		if a.Reach.Unknown != (a.Reach.Why != "") {
			t.Errorf("%s: unknown %v, for %q", sql, a.Reach.Unknown, a.Reach.Why)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %q", sql, got, want)
		}
	}
}

// A question is never asked inside a transaction, and one that fails leaves none behind.
func TestAskLeavesTheSessionAlone(t *testing.T) {
	conn := open(t)
	st := statement.Analyze("select * from customers")
	if _, err := conn.Exec(t.Context(), "begin"); err != nil {
		t.Fatal(err)
	}
	if _, err := Ask(t.Context(), conn.PgConn(), st); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
	if _, err := AskSession(t.Context(), conn.PgConn(), nil); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
	if _, err := conn.Exec(t.Context(), "rollback; set statement_timeout = 1; set default_transaction_isolation = serializable"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		_, _ = Ask(t.Context(), conn.PgConn(), st) // may or may not make it in a millisecond
		if conn.PgConn().TxStatus() != 'I' {
			t.Fatal("left in a transaction")
		}
	}
	if _, err := conn.Exec(t.Context(), "set statement_timeout = 0"); err != nil {
		t.Fatal(err)
	}
	var jit, isolation string
	if err := conn.QueryRow(t.Context(), "select current_setting('jit'), current_setting('default_transaction_isolation')").Scan(&jit, &isolation); err != nil {
		t.Fatal(err)
	}
	if jit != "on" || isolation != "serializable" {
		t.Error(jit, isolation)
	}
}

// The values of the user's own settings stand beside the identity. One that does not exist is not one that is empty.
func TestSessionSettings(t *testing.T) {
	conn := open(t)
	exec(t, conn, "create role "+conn.Config().Database+"_poor")
	t.Cleanup(func() { afterwards(t, conn, "reset role; drop role "+conn.Config().Database+"_poor") })
	read := func(names ...string) *Session {
		t.Helper()
		s, err := AskSession(t.Context(), conn.PgConn(), names)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	before := read()
	if before.Settings == nil || len(before.Settings) != 0 || before.ConfigLoaded == "" {
		t.Errorf("%+v", before)
	}
	exec(t, conn, "set app.tenant = 'a''b\"'; set app.empty = ''")
	after := read("app.tenant", "APP.EMPTY", "app.none", "work_mem", "no such", "")
	want := map[string]string{"app.tenant": `a'b"`, "APP.EMPTY": "", "work_mem": "4MB"}
	if !maps.Equal(after.Settings, want) {
		t.Errorf("%q, want %q", after.Settings, want)
	}
	if after.Identity != before.Identity || after.ConfigLoaded != before.ConfigLoaded {
		t.Errorf("they are a part of the identity:\n%s\n%s", before.Identity, after.Identity)
	}
	exec(t, conn, "set timezone = 'Asia/Tokyo'; set extra_float_digits = 0; set datestyle = 'German'")
	if got := read().ConfigLoaded; got != before.ConfigLoaded {
		t.Errorf("loaded at %s, then at %s", before.ConfigLoaded, got)
	}
	exec(t, conn, "begin; set local app.local = 'x'; commit")
	if got := read("app.local"); !maps.Equal(got.Settings, map[string]string{"app.local": ""}) {
		t.Errorf("after SET LOCAL it is empty, which is not absent: %q", got.Settings)
	}
	// A setting that the role may not read does not keep its session from being known.
	exec(t, conn, "set role "+conn.Config().Database+"_poor")
	if got := read("app.tenant", "data_directory"); !maps.Equal(got.Settings, map[string]string{"app.tenant": `a'b"`}) {
		t.Errorf("%q", got.Settings)
	}
}

// With a temporary schema in front current_schema differs between sessions that are alike in all else.
func TestOwnSchemaInFront(t *testing.T) {
	dsn := pgtest.Database(t)
	var identities []string
	for range 2 {
		conn, err := pgx.Connect(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(t.Context())
		exec(t, conn, "set search_path = pg_temp, public")
		s, err := AskSession(t.Context(), conn.PgConn(), nil)
		if err != nil {
			t.Fatal(err)
		}
		identities = append(identities, s.Identity)
	}
	if identities[0] == identities[1] {
		t.Error("one identity: " + identities[0])
	}
}

func TestSession(t *testing.T) {
	conn := open(t)
	read := func() *Session {
		t.Helper()
		s, err := AskSession(t.Context(), conn.PgConn(), nil)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	reader := conn.Config().Database + "_reader"
	exec(t, conn, "create role "+reader+"; grant usage on schema shop to "+reader)
	t.Cleanup(func() { afterwards(t, conn, "discard all; drop owned by "+reader+"; drop role "+reader) })
	base := read()
	if base.Refusal != "" || base.Version < 140000 || base.Recovery {
		t.Errorf("%+v", base)
	}
	for _, change := range []string{
		"set search_path = public", "set timezone = 'Asia/Tokyo'", "set datestyle = 'German'", "set intervalstyle = 'iso_8601'",
		"set extra_float_digits = 0", "set bytea_output = 'escape'", "set role " + reader, "set session authorization " + reader,
		"set xmlbinary = hex", "set xmloption = document", "set array_nulls = off", "set transform_null_equals = on",
		"set quote_all_identifiers = on", "set row_security = off", "set lc_monetary = 'POSIX'", "set default_text_search_config = 'simple'",
		"set gin_fuzzy_search_limit = 10", "set session_replication_role = replica",
	} {
		if _, err := conn.Exec(t.Context(), change); err != nil {
			t.Fatal(change, err)
		}
		if read().Identity == base.Identity {
			t.Errorf("%s: the same identity", change)
		}
		if _, err := conn.Exec(t.Context(), "reset session authorization; reset role; reset all; set search_path = shop, public"); err != nil {
			t.Fatal(err)
		}
		if got := read(); got.Identity != base.Identity {
			t.Errorf("%s taken back:\n%s\n%s", change, got.Identity, base.Identity)
		}
	}
	for change, want := range map[string]string{
		"set standard_conforming_strings = off": "standard_conforming_strings",
		"set client_encoding = latin1":          "client_encoding",
		"set search_path = shop, pg_catalog":    "before pg_catalog",
		"create temporary table x (id int)":     "temporary",
	} {
		if _, err := conn.Exec(t.Context(), "reset all; "+change); err != nil {
			t.Fatal(change, err)
		}
		if got := read().Refusal; !strings.Contains(got, want) {
			t.Errorf("%s: %q", change, got)
		}
		if _, err := conn.Exec(t.Context(), "discard all"); err != nil {
			t.Fatal(err)
		}
	}
}
