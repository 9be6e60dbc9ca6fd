package setup

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gopgcache/pgcache/internal/statement"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

// tables are of all sorts: with a key and without, in parts and not.
const tables = `
create table keyed (id int primary key, v int);
create table keyless (id int, v int);
create table deferred (id int primary key deferrable, v int);
create table whole (id int, v int);
alter table whole replica identity full;
create table indexed (id int not null unique, v int);
alter table indexed replica identity using index indexed_id_key;
create table unindexed (id int not null unique, v int);
alter table unindexed replica identity using index unindexed_id_key;
alter table unindexed drop constraint unindexed_id_key;
create table generated (id int, v int, k int generated always as (id) stored primary key);
create table whole_generated (id int, v int, k int generated always as (id) stored);
alter table whole_generated replica identity full;
create table nothing (id int primary key, v int);
alter table nothing replica identity nothing;
create unlogged table quick (id int primary key, v int);
create table root (id int primary key, v int) partition by range (id);
create table root_low partition of root for values from (0) to (10);
create table root_high partition of root for values from (10) to (20) partition by range (id);
create table root_higher partition of root_high for values from (10) to (20);
create table plain_root (id int, v int) partition by range (id);
create table plain_low partition of plain_root for values from (0) to (10);
create table plain_high partition of plain_root for values from (10) to (20);
alter table plain_high add primary key (id);
create table mixed_root (id int primary key, v int) partition by range (id);
create table mixed_low partition of mixed_root for values from (0) to (10);
create table mixed_high partition of mixed_root for values from (10) to (20);
alter table mixed_high replica identity nothing;
create table parent (id int primary key, v int);
create table child () inherits (parent);
create schema "Other one";
create table "Other one"."a ""table""" (id int primary key, v int);
create materialized view mv as select * from keyed;
create view vw as select * from keyed;
`

// writable are all of them that can be written.
var writable = []string{
	"keyed", "keyless", "deferred", "whole", "indexed", "unindexed", "generated", "whole_generated", "nothing", "quick", "root", "root_low", "root_high",
	"root_higher", "plain_root", "plain_low", "plain_high", "mixed_root", "mixed_low", "mixed_high", "parent", "child",
	`"Other one"."a ""table"""`,
}

func TestInstall(t *testing.T) {
	conn := connect(t, pgtest.Database(t))
	exec(t, conn, tables)
	before := scalar[string](t, conn, everything)
	first := install(t, conn, WAL|Touch)
	made := scalar[string](t, conn, everything)
	if list := todo(first.Items); len(list) > 0 {
		t.Errorf("to do:\n%s", rows(list))
	}
	if !first.State.ready(WAL | Touch) {
		t.Error("not ready")
	}
	second := install(t, conn, WAL|Touch)
	if again := scalar[string](t, conn, everything); again != made {
		t.Errorf("the second time made\n%s\nof\n%s", again, made)
	}
	if rows(first.Items) != rows(second.Items) {
		t.Errorf("%s\nthen\n%s", rows(first.Items), rows(second.Items))
	}
	gone := uninstall(t, conn)
	if after := scalar[string](t, conn, everything); after != before {
		t.Errorf("%s\nis left of\n%s", after, before)
	}
	if list := todo(gone.Items); len(list) > 0 {
		t.Errorf("to do:\n%s", rows(list))
	}
	uninstall(t, conn)
}

// Everything that is made says what it is.
func TestComments(t *testing.T) {
	conn := connect(t, pgtest.Database(t))
	exec(t, conn, "create table a (id int primary key)")
	install(t, conn, WAL|Touch)
	silent := scalar[string](t, conn, `
select coalesce(string_agg(what, ', '), '') from (
  select oid::regclass::text, obj_description(oid, 'pg_class') from pg_class where relnamespace = 'pgcache'::regnamespace and relkind not in ('i', 'I')
  union all select oid::regprocedure::text, obj_description(oid, 'pg_proc') from pg_proc where pronamespace = 'pgcache'::regnamespace
  union all select nspname, obj_description(oid, 'pg_namespace') from pg_namespace where nspname = 'pgcache'
  union all select tgname, obj_description(oid, 'pg_trigger') from pg_trigger where not tgisinternal
  union all select evtname, obj_description(oid, 'pg_event_trigger') from pg_event_trigger
  union all select pubname, obj_description(oid, 'pg_publication') from pg_publication) x(what, comment)
where comment is null or comment not like 'pgcache: %'`)
	if silent != "" {
		t.Errorf("no comment on %s", silent)
	}
}

// What could be updated and deleted before can be afterwards, and what is made or attached later, too.
func TestNothingStopsBeingWritable(t *testing.T) {
	for _, kind := range []Kind{WAL, Touch, WAL | Touch} {
		conn := connect(t, pgtest.Database(t))
		exec(t, conn, tables)
		install(t, conn, kind)
		exec(t, conn, `
create table later (id int, v int);
create table root_last partition of root for values from (20) to (30);
create table attached (id int not null, v int);
alter table root attach partition attached for values from (30) to (40);
create table plain_last partition of plain_root for values from (20) to (30);
create table grandchild () inherits (child)`)
		for _, table := range append(slices.Clone(writable), "later", "root_last", "attached", "plain_last", "grandchild") {
			for _, sql := range []string{"insert into # values (11, 1)", "update # set v = 2", "delete from #", "truncate # cascade"} {
				if table == "root_low" || table == "plain_low" || table == "mixed_low" {
					sql = strings.ReplaceAll(sql, "11", "1")
				}
				if n := map[string]string{"root_last": "21", "plain_last": "21", "attached": "31"}[table]; n != "" {
					sql = strings.ReplaceAll(sql, "11", n)
				}
				exec(t, conn, strings.ReplaceAll(sql, "#", table))
			}
		}
	}
}

// Which tables are tracked by what.
func TestWhatIsTracked(t *testing.T) {
	conn := connect(t, pgtest.Database(t))
	exec(t, conn, tables)
	report := install(t, conn, WAL|Touch)
	var list []uint32
	want := make(map[uint32]Kind)
	for _, table := range report.State.Tables {
		kind := WAL | Touch
		switch table.Name {
		case "keyless", "deferred", "unindexed", "nothing", "quick", "plain_low", "mixed_high", "child":
			kind = Touch
		case "generated", "whole_generated":
			if report.State.Version >= version18 {
				kind = Touch
			}
		}
		if got := kindOf(table.WAL, table.Touch); got != kind {
			t.Errorf("%s: %v, want %v", table.Name, got, kind)
		}
		list = append(list, table.OID)
		want[table.OID] = kind
	}
	for name, kind := range map[string]Kind{"mv": WAL | Touch, "vw": 0, "pg_class": 0} {
		oid := scalar[uint32](t, conn, "select $1::text::regclass::oid", name)
		list = append(list, oid)
		want[oid] = kind
	}
	list, want[7] = append(list, 7), 0 // there is none
	covered, err := Covered(soon(t), conn.PgConn(), WAL|Touch, Publication, list)
	if err != nil {
		t.Fatal(err)
	}
	for oid, kind := range want {
		if got, there := covered[oid]; got != kind || !there {
			t.Errorf("%d: %v, want %v", oid, got, kind)
		}
	}
	// New partitions come with the root, new children and tables don't.
	exec(t, conn, `
create table root_last partition of root for values from (20) to (30);
create table plain_last partition of plain_root for values from (20) to (30);
create table grandchild () inherits (parent);
create table later (id int primary key)`)
	for name, kind := range map[string]Kind{"root_last": WAL, "plain_last": 0, "grandchild": 0, "later": 0} {
		if got := tracked(t, inspect(t, conn, WAL|Touch), name); got != kind {
			t.Errorf("%s: %v, want %v", name, got, kind)
		}
	}
	again := install(t, conn, WAL|Touch)
	for name, kind := range map[string]Kind{"root_last": WAL | Touch, "plain_last": Touch, "grandchild": Touch, "later": WAL | Touch} {
		if got := tracked(t, again.State, name); got != kind {
			t.Errorf("then %s: %v, want %v", name, got, kind)
		}
	}
}

func kindOf(wal, touch bool) (kind Kind) {
	if wal {
		kind = WAL
	}
	if touch {
		kind |= Touch
	}
	return kind
}

func tracked(t *testing.T, state *State, name string) Kind {
	t.Helper()
	for _, table := range state.Tables {
		if table.Name == name {
			return kindOf(table.WAL, table.Touch)
		}
	}
	t.Fatalf("no table %s", name)
	return 0
}

// Whatever takes a table out of a feed's sight is noticed.
func TestWhatIsNoLongerTracked(t *testing.T) {
	conn := connect(t, pgtest.Database(t))
	exec(t, conn, tables)
	install(t, conn, WAL|Touch)
	for _, c := range []struct {
		do, table string
		want      Kind
	}{
		{"select 1", "keyed", WAL | Touch},
		{"alter publication pgcache drop table keyed", "keyed", Touch},
		{"alter publication pgcache set table keyed (id)", "keyed", Touch},
		{"alter publication pgcache set table keyed where (id > 0)", "keyed", Touch},
		{"alter publication pgcache set table root, root_low where (id > 5)", "root_low", Touch}, // the parent has none
		{"alter publication pgcache set table root, root_low (id)", "root_low", Touch},
		{"alter publication pgcache set table root, root_low", "root_low", WAL | Touch},
		{"alter publication pgcache set tables in schema public, table root_low where (id > 5)", "root_low", Touch},
		{"alter publication pgcache set (publish = 'insert, update, delete')", "keyed", Touch},
		{"alter publication pgcache set (publish_via_partition_root)", "root_low", Touch},
		{"alter table keyed disable trigger pgcache_touch", "keyed", WAL},
		{"alter table keyed enable trigger pgcache_touch", "keyed", WAL}, // not for replicas
		{"alter table keyed disable trigger all", "keyed", WAL},
		{"drop trigger pgcache_touch on keyed", "keyed", WAL},
		{"drop trigger pgcache_touch on root", "root_low", WAL},
		{"drop trigger pgcache_touch on root", "root_higher", WAL},
		{"drop trigger pgcache_touch on root_low", "root", WAL | Touch}, // who reads it asks about the partitions, too
		{"drop trigger pgcache_touch on parent", "child", 0},
		{"alter publication pgcache drop table keyed; alter table keyed set unlogged", "keyed", Touch},
		{"alter table root detach partition root_low", "root_low", Touch},
		{"drop trigger pgcache_touch on keyed; create trigger pgcache_touch after insert on keyed for each statement execute function pgcache.touch(); alter table keyed enable always trigger pgcache_touch", "keyed", WAL},
		{"drop trigger pgcache_touch on keyed; create trigger pgcache_touch after insert or update of v or delete or truncate on keyed for each statement execute function pgcache.touch(); alter table keyed enable always trigger pgcache_touch", "keyed", WAL},
		{"drop trigger pgcache_touch on keyed; create trigger pgcache_touch after insert or update or delete or truncate on keyed for each statement when (false) execute function pgcache.touch(); alter table keyed enable always trigger pgcache_touch", "keyed", WAL},
		{"drop event trigger pgcache_drop", "mv", 0},
		{"alter event trigger pgcache_ddl enable", "mv", 0},
	} {
		exec(t, conn, "begin", c.do)
		oid := scalar[uint32](t, conn, "select $1::text::regclass::oid", c.table)
		covered, err := Covered(soon(t), conn.PgConn(), WAL|Touch, Publication, []uint32{oid})
		if err != nil {
			t.Fatal(err)
		}
		if got := covered[oid]; got != c.want {
			t.Errorf("%s: %s is %v, want %v", c.do, c.table, got, c.want)
		}
		exec(t, conn, "rollback")
	}
}

// Changes that come by a subscription fire no trigger of statements.
func TestSubscription(t *testing.T) {
	server := pgtest.Own(t)
	source := connect(t, server.DSN(""))
	exec(t, source, "create table s (id int primary key); create publication other for table s",
		"select pg_create_logical_replication_slot('other', 'pgoutput')")
	target, err := server.CreateDatabase(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	conn := connect(t, server.DSN(target))
	exec(t, conn, "create table s (id int primary key)",
		"create subscription other connection '"+server.DSN("")+"' publication other with (create_slot = false, enabled = false, copy_data = false)")
	report := install(t, conn, WAL|Touch)
	if got := tracked(t, report.State, "s"); got != WAL {
		t.Errorf("%v", got)
	}
	if report = install(t, conn, Touch); !strings.Contains(rows(report.Items), "by a subscription") {
		t.Error(rows(report.Items))
	}
}

// A table that has lost its key can't be updated until it is taken out of the publication.
func TestLostKey(t *testing.T) {
	conn := connect(t, pgtest.Database(t))
	exec(t, conn, tables)
	install(t, conn, WAL)
	exec(t, conn, "alter table keyed drop constraint keyed_pkey cascade", "alter table root_low replica identity nothing")
	for _, table := range []string{"keyed", "root_low"} {
		if _, err := conn.Exec(soon(t), "delete from "+table); err == nil {
			t.Errorf("%s: nothing to heal", table)
		}
	}
	report := install(t, conn, WAL)
	exec(t, conn, "delete from keyed", "delete from root_low", "delete from root")
	for name, kind := range map[string]Kind{"keyed": 0, "root_low": 0, "root_higher": WAL} {
		if got := tracked(t, report.State, name); got != kind {
			t.Errorf("%s: %v, want %v", name, got, kind)
		}
	}
}

func TestNamedTables(t *testing.T) {
	conn := connect(t, pgtest.Database(t))
	exec(t, conn, tables, `set search_path = "Other one", public`)
	report := install(t, conn, WAL|Touch, statement.Name{Name: `a "table"`}, statement.Name{Schema: "public", Name: "root_high"})
	var got []string
	for _, table := range report.State.Tables {
		if kindOf(table.WAL, table.Touch) == WAL|Touch {
			got = append(got, table.Name)
		}
	}
	// The root's own trigger is needed for what lies below; the partition beside is not covered.
	if text := strings.Join(got, " "); text != `a "table" root root_high root_higher` {
		t.Error(text)
	}
	for _, name := range []statement.Name{{Name: "vw"}, {Name: "nowhere"}, {Schema: "pg_catalog", Name: "pg_class"}, {Schema: "no", Name: "where"}} {
		if _, err := Install(soon(t), conn.PgConn(), WAL, Publication, name); !errors.Is(err, ErrNoTable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// However much of it is there, installing makes it whole and uninstalling leaves nothing.
func TestHalfInstalled(t *testing.T) {
	conn := connect(t, pgtest.Database(t))
	exec(t, conn, "create table a (id int primary key)")
	before := scalar[string](t, conn, everything)
	for _, missing := range []string{
		"drop event trigger pgcache_ddl", "drop event trigger pgcache_drop", "drop event trigger pgcache_ddl, pgcache_drop", "drop publication pgcache",
		"drop function pgcache.touch() cascade", "drop function pgcache.touch_collect()", "drop function pgcache.ddl_changed() cascade",
		"drop function if exists pgcache.schema_changed(text)", "drop table pgcache.touches", "drop table pgcache.touch_state", "drop sequence pgcache.touch_limit",
		"drop trigger pgcache_touch on a", "alter publication pgcache drop table a", "drop schema pgcache cascade",
		"delete from pgcache.touch_state", "comment on publication pgcache is null",
	} {
		for part := range strings.SplitSeq(missing, ", ") {
			if strings.HasPrefix(part, "pgcache_drop") {
				part = "drop event trigger " + part
			}
			t.Run(part, func(t *testing.T) {
				install(t, conn, WAL|Touch)
				exec(t, conn, part)
				report := install(t, conn, WAL|Touch)
				if list := todo(report.Items); len(list) > 0 {
					t.Errorf("to do:\n%s", rows(list))
				}
				exec(t, conn, "insert into a values (1)", "delete from a")
				exec(t, conn, part)
				if part == "comment on publication pgcache is null" {
					exec(t, conn, "drop publication pgcache") // it is the user's
				}
				uninstall(t, conn)
				if after := scalar[string](t, conn, everything); after != before {
					t.Errorf("%s\nis left of\n%s", after, before)
				}
			})
		}
	}
}

// Somebody else's publication is used as it is.
func TestForeignPublication(t *testing.T) {
	conn := connect(t, pgtest.Database(t))
	exec(t, conn, "create table a (id int primary key); create table b (id int primary key); create publication pgcache for table a")
	report := install(t, conn, WAL)
	if tracked(t, report.State, "a") != WAL || tracked(t, report.State, "b") != 0 {
		t.Error(rows(report.Items))
	}
	if !strings.Contains(rows(report.Items), `table public.b | not tracked: not in the publication | ALTER PUBLICATION "pgcache" ADD TABLE ONLY "public"."b"`) {
		t.Error(rows(report.Items))
	}
	uninstall(t, conn)
	if scalar[int](t, conn, "select count(*) from pg_publication_rel") != 1 {
		t.Error("it is gone")
	}
	// A schema is published as one.
	exec(t, conn, "drop publication pgcache; create publication pgcache for tables in schema public")
	if state := inspect(t, conn, WAL); tracked(t, state, "b") != WAL {
		t.Error(rows(state.Items()))
	}
	exec(t, conn, "drop publication pgcache; create publication pgcache for all tables")
	if state := inspect(t, conn, WAL); tracked(t, state, "b") != WAL {
		t.Error(rows(state.Items()))
	}
}

// Who finds a table locked does the others, and writers get through meanwhile.
func TestBusyTable(t *testing.T) {
	defer func(before []time.Duration) { patience = before }(patience)
	patience = []time.Duration{100 * time.Millisecond, 100 * time.Millisecond}
	dsn := pgtest.Database(t)
	conn, writer := connect(t, dsn), connect(t, dsn)
	exec(t, conn, "create table a (id int primary key); create table b (id int primary key)")
	exec(t, writer, "begin; insert into a values (1)")
	report := install(t, conn, Touch)
	if tracked(t, report.State, "a") != 0 || tracked(t, report.State, "b") != Touch {
		t.Error(rows(report.Items))
	}
	if !strings.Contains(rows(report.Items), "table public.a | busy") {
		t.Error(rows(report.Items))
	}
	exec(t, writer, "commit")
	if report = install(t, conn, Touch); tracked(t, report.State, "a") != Touch {
		t.Error(rows(report.Items))
	}
	exec(t, writer, "begin; select from a")
	if gone := uninstall(t, conn); !strings.Contains(rows(gone.Items), "table public.a | busy") {
		t.Error(rows(gone.Items))
	}
	// What the trigger needs is still there.
	exec(t, writer, "insert into a values (2); commit")
	uninstall(t, conn)
	if left := scalar[string](t, conn, everything); strings.Contains(left, "pgcache") {
		t.Error(left)
	}
}

func TestAtOnce(t *testing.T) {
	dsn := pgtest.Database(t)
	exec(t, connect(t, dsn), tables)
	var all sync.WaitGroup
	for range 4 {
		conn := connect(t, dsn)
		all.Go(func() {
			if _, err := Install(soon(t), conn.PgConn(), WAL|Touch, Publication); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if list := todo(inspect(t, connect(t, dsn), WAL|Touch).Items()); len(list) > 0 {
		t.Errorf("to do:\n%s", rows(list))
	}
	for range 3 {
		conn := connect(t, dsn)
		all.Go(func() {
			if _, err := Uninstall(soon(t), conn.PgConn(), Publication); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	conn := connect(t, dsn)
	uninstall(t, conn)
	if left := scalar[string](t, conn, everything); strings.Contains(left, "pgcache") {
		t.Error(left)
	}
}

func TestInTransaction(t *testing.T) {
	conn := connect(t, pgtest.Database(t))
	exec(t, conn, "begin")
	if _, err := Install(soon(t), conn.PgConn(), WAL, Publication); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
	if _, err := Uninstall(soon(t), conn.PgConn(), Publication); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
}

// What somebody else has put into the schema stays, and the schema with it.
func TestUninstallLeavesTheRest(t *testing.T) {
	conn := connect(t, pgtest.Database(t))
	install(t, conn, WAL|Touch)
	exec(t, conn, "create table pgcache.mine (id int)")
	gone := uninstall(t, conn)
	if len(todo(gone.Items)) != 1 || scalar[int](t, conn, "select count(*) from pgcache.mine") != 0 {
		t.Error(rows(gone.Items))
	}
	exec(t, conn, "drop table pgcache.mine")
	uninstall(t, conn)
	if left := scalar[string](t, conn, everything); strings.Contains(left, "pgcache") {
		t.Error(left)
	}
}
