package wal

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// schema is what the tests of commits work on. The column id of each table matters.
var schema = []string{
	"create table t (id int primary key, n int)",
	"create table u (id int primary key, n int)",
	"create table child (id int primary key, t int references t on delete cascade on update cascade)",
	"create table part (id int, n int, primary key (id)) partition by range (id)",
	"create table low partition of part for values from (0) to (100)",
	"create table high partition of part for values from (100) to (200)",
	"create table other (id int primary key)",
	"alter publication pgcache add table t, u, child, part",
}

// What transactions of each kind touch. Commits are told apart by semicolons.
func TestCommits(t *testing.T) {
	const start = "insert into t values (1, 1), (2, 2)"
	dsn, c := database(t)
	for _, test := range []struct {
		name string
		sql  []string
		want string
	}{
		{"one statement", []string{"insert into u values (1)"}, "u u.id=1"},
		{"two tables", []string{"begin", "insert into u values (1)", "update t set n = 5 where id = 2", "commit"}, "t t.id=2 u u.id=1"},
		{"two transactions", []string{"insert into u values (1)", "delete from u"}, "u u.id=1; u u.id=1"},
		{"rolled back", []string{"begin", "insert into u values (1)", "rollback"}, ""},
		{"a table that is not published", []string{"insert into other values (1)"}, ""},
		{"beside one that is", []string{"begin", "insert into other values (1)", "delete from t", "commit"}, "t t.id=1 t.id=2"},
		{
			"savepoints",
			[]string{
				"begin", "insert into u values (1)", "savepoint a", "insert into u values (2)", "savepoint b", "insert into u values (3)",
				"rollback to a", "insert into u values (4)", "release a", "savepoint c", "insert into u values (5)", "commit",
			},
			"u u.id=1 u.id=4 u.id=5",
		},
		{"prepared", []string{"begin", "insert into u values (1)", "prepare transaction 'p'", "insert into u values (2)", "commit prepared 'p'"}, "u u.id=2; u u.id=1"},
		{"prepared, rolled back", []string{"begin", "insert into u values (1)", "prepare transaction 'p'", "rollback prepared 'p'"}, ""},
		{"truncate two", []string{"truncate u, part"}, "high high.id=* low low.id=* u u.id=*"},
		{"truncate cascade", []string{"truncate t cascade"}, "child child.id=* t t.id=*"},
		{"truncate a partition", []string{"truncate low"}, "low low.id=*"},
		{"cascades", []string{"insert into child values (7, 1)", "delete from t where id = 1"}, "child child.id=7; child child.id=7 t t.id=1"},
		{"key changes", []string{"update t set id = 3 where id = 1"}, "t t.id=1 t.id=3"},
		{"partitions by the root", []string{"insert into part values (1), (150)"}, "high high.id=150 low low.id=1"},
		{"from partition to partition", []string{"insert into part values (1)", "update part set id = 150"}, "low low.id=1; high high.id=150 low low.id=1"},
		{"a partition itself", []string{"insert into high values (150)"}, "high high.id=150"},
		{"a new partition", []string{"create table top partition of part for values from (200) to (300)", "insert into part values (250)", "insert into part values (251)"}, "unknown everything; unknown"},
		{"a changed table", []string{"insert into u values (1)", "alter table u add m text", "insert into u values (2)"}, "u u.id=1; u u.id=2 everything"},
		{"a renamed column", []string{"insert into u values (1)", "alter table u rename n to m", "insert into u values (2)"}, "u u.id=1; u u.id=2 everything"},
		{"a column of another type", []string{"insert into u values (1)", "alter table u alter n type bigint", "insert into u values (2)"}, "u u.id=1; u u.id=2 everything"},
		{"a table elsewhere", []string{"insert into u values (1)", "alter table u rename to v", "insert into v values (2)", "alter table v rename to u"}, "u u.id=1; u u.id=2 everything"},
		{"copy", []string{"copy t from program 'printf \"3\\t4\\n5\\t6\\n\"'"}, "t t.id=3 t.id=5"},
		{"on conflict", []string{"insert into t values (1), (3) on conflict (id) do update set n = 0"}, "t t.id=1 t.id=3"},
		{"merge", []string{"merge into t using (values (1), (3)) as v (id) on t.id = v.id when matched then delete when not matched then insert values (v.id)"}, "t t.id=1 t.id=3"},
		{"too many rows", []string{fmt.Sprintf("insert into t select generate_series(10, %d)", 10+maxRows)}, "t t.id=*"},
		{"as many as can be", []string{"insert into u select -i from generate_series(1, " + fmt.Sprint(maxRows) + ") i"}, "u" + strings.Repeat(" unknown", maxRows)},
		{"the schema", []string{"begin", "insert into u values (1)", "select pg_logical_emit_message(true, 'pgcache.ddl', 'ALTER TABLE')", "commit"}, "u u.id=1 everything"},
		{"the schema alone", []string{"select pg_logical_emit_message(true, 'pgcache.ddl', 'ALTER TABLE')"}, "everything"},
		{"the schema, rolled back", []string{"begin", "select pg_logical_emit_message(true, 'pgcache.ddl', 'ALTER TABLE')", "rollback"}, ""},
		{"other messages", []string{"select pg_logical_emit_message(true, 'other', 'x')", "select pg_logical_emit_message(false, 'pgcache.ddl', 'x')"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			exec(t, c, schema...)
			defer exec(t, c, "drop table t, u, child, part, other")
			exec(t, c, start)
			f := follow(t, dsn)
			defer f.stop()
			known := matter(t, f, c)
			exec(t, c, test.sql...)
			f.catchUp(t, c)
			if got := story(t, f, known); got != test.want {
				t.Errorf("%s\ntouches %.300s\n   want %.300s", strings.Join(test.sql, "; "), got, test.want)
			}
		})
	}
}

// matter makes the column id of all tables matter, and names the tags.
func matter(t *testing.T, f *follower, c *pgx.Conn) names {
	known := names{}
	for _, table := range []string{"t", "u", "child", "low", "high"} {
		n := oid(t, c, table)
		f.interest.Add(n, "id")
		known.add(table, n, []string{"id"}, []string{"1", "2", "3", "4", "5", "7", "150"})
	}
	return known
}

// story tells what was told, and that it was told in the order of commits.
func story(t *testing.T, f *follower, known names) string {
	t.Helper()
	var list []string
	var last uint64
	for _, c := range f.take() {
		text := known.of(c.Tags)
		if c.Everything != c.schema {
			t.Errorf("everything is %v, schema is %v", c.Everything, c.schema)
		}
		if c.Everything {
			text = strings.TrimSpace(text + " everything")
		}
		list = append(list, text)
		if c.Position <= last {
			t.Errorf("position %X comes after %X", c.Position, last)
		}
		last = c.Position
	}
	return strings.Join(list, "; ")
}

// Commits have the 64 bits of their transaction's number, and end before the position that is read after them.
func TestCommitIsNumberedAndPlaced(t *testing.T) {
	dsn, c := database(t)
	exec(t, c, schema...)
	f := follow(t, dsn)
	before := lsnOf(t, c)
	exec(t, c, "begin", "insert into t values (1)")
	xid := get(t, c, "select pg_current_xact_id()::text")
	exec(t, c, "commit")
	after := f.feed.Position(lsnOf(t, c))
	f.until(t, "the commit comes", func(s *state) bool { return len(s.commits) == 1 && s.passed >= after })
	told := f.take()[0]
	if fmt.Sprint(told.XID) != xid {
		t.Errorf("transaction %s is told as %d", xid, told.XID)
	}
	if told.Position <= before || told.Position > after {
		t.Errorf("a commit between %X and %X is at %X", before, after, told.Position)
	}
}

// A large transaction comes while it runs. What was rolled back of it touches nothing; it is told when it commits and not
// before, so those that commit meanwhile come first.
func TestStreamedTransaction(t *testing.T) {
	dsn, c := database(t)
	exec(t, c, schema...)
	exec(t, c, "create table big (n int primary key)", "alter publication pgcache add table big",
		"do $$ begin execute format('alter database %I set logical_decoding_work_mem = ''64kB''', current_database()); end $$")
	const bulk = "insert into big select generate_series((select coalesce(max(n), 0) + 1 from big), (select coalesce(max(n), 0) + 2000 from big))"
	for _, test := range []struct {
		name string
		sql  []string
		end  string
		want string
	}{
		{"committed", []string{"insert into t values (1)", bulk}, "commit", "u u.id=3; big t t.id=1"},
		{"rolled back", []string{"insert into t values (2)", bulk}, "rollback", "u u.id=3"},
		{"rolled back in part", []string{"insert into t values (3)", "savepoint a", bulk, "insert into t values (4)", bulk, "rollback to a", "insert into t values (5)", bulk}, "commit", "u u.id=3; big t t.id=3 t.id=5"},
		{"rolled back in depth", []string{"savepoint a", "insert into t values (7)", bulk, "savepoint b", "insert into t values (2)", bulk, "release b", "rollback to a", bulk}, "commit", "u u.id=3; big"},
		{"kept in depth", []string{"savepoint a", "insert into t values (7)", bulk, "savepoint b", "insert into t values (2)", bulk, "release b"}, "commit", "u u.id=3; big t t.id=2 t.id=7"},
		{"prepared", []string{"insert into t values (2)", bulk, "prepare transaction 'p'"}, "commit prepared 'p'", "u u.id=3; big t t.id=2"},
		{"prepared, rolled back", []string{"insert into t values (2)", bulk, "prepare transaction 'p'"}, "rollback prepared 'p'", "u u.id=3"},
		{"schema", []string{bulk, "select pg_logical_emit_message(true, 'pgcache.ddl', '')"}, "commit", "u u.id=3; big everything"},
		{"truncated", []string{bulk, "truncate t cascade"}, "commit", "u u.id=3; big child child.id=* t t.id=*"},
		{"altered", []string{"insert into t values (2)", bulk, "alter table t add m int", "insert into t values (4)", bulk}, "commit", "u u.id=3; big t t.id=2 t.id=4 everything"},
		{"altered, rolled back", []string{"savepoint a", "alter table t add m int", "insert into t values (4)", bulk, "rollback to a", "insert into t values (5)", bulk}, "commit", "u u.id=3; big t t.id=5"},
	} {
		t.Run(test.name, func(t *testing.T) {
			defer exec(t, c, "truncate big, t, u cascade", "alter table t drop if exists m")
			f := follow(t, dsn)
			known := matter(t, f, c)
			known.add("big", oid(t, c, "big"), nil, nil)
			writer := connect(t, dsn)
			exec(t, writer, "begin")
			exec(t, writer, test.sql...)
			exec(t, c, "insert into u values (3)")
			f.catchUp(t, c)
			untilStreamed(t, f, c)
			exec(t, writer, test.end)
			f.catchUp(t, c)
			got := story(t, f, known)
			if test.name == "altered, rolled back" {
				// A piece that was sent before the rollback has described the table otherwise, which is no news in the end.
				got = strings.TrimSuffix(got, " everything")
			}
			if got != test.want {
				t.Errorf("%s\ntouches %.300s\n   want %.300s", strings.Join(test.sql, "; "), got, test.want)
			}
		})
	}
}

// untilStreamed waits until the server says that it has sent a piece of a transaction.
func untilStreamed(t *testing.T, f *follower, c *pgx.Conn) {
	t.Helper()
	untilSQL(t, c, "select coalesce(sum(stream_txns), 0) > 0 from pg_stat_replication_slots where slot_name = $1", f.feed.stream.Load().name)
}
