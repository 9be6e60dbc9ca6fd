package touch_test

import (
	"strings"
	"testing"
)

const schema = `
create table a (id int primary key, v int);
create table b (id int, a int references a on delete cascade on update cascade);
create table untold (id int);
create unlogged table quick (id int);
create table audit (what text);
create table audited (id int);
create function audit() returns trigger language plpgsql as 'begin insert into audit values (tg_op); return null; end';
create trigger audit after insert on audited for each row execute function audit();
create table root (id int, v int) partition by range (id);
create table low partition of root for values from (0) to (10);
create table high partition of root for values from (10) to (100) partition by range (id);
create table higher partition of high for values from (50) to (100);
create table parent (id int);
create table child () inherits (parent);
create view seen as select * from a;
create materialized view mv as select * from a;
insert into a select n, 0 from generate_series(1, 5) n;
insert into b values (1, 1);
insert into root values (1, 1), (60, 1);
`

// Each commit is told once, with the tables that it wrote, and nothing else is.
func TestCommits(t *testing.T) {
	dsn := database(t)
	conn := connect(t, dsn)
	feed, d := follow(t, dsn, never)
	d.stream(t, 1)
	barrier(t, feed)
	d.take()
	for _, c := range []struct {
		name string
		do   []string
		want string
	}{
		{"nothing", []string{"select 1"}, ""},
		{"insert", []string{"insert into a values (10, 1)"}, "a"},
		{"update", []string{"update a set v = 2 where id = 10"}, "a"},
		{"update of nothing", []string{"update a set v = 2 where id = -1"}, ""},
		{"delete", []string{"delete from a where id = 10"}, "a b"}, // the foreign key looks for rows of b,
		{"truncate", []string{"truncate b"}, "b"},
		{"truncate that cascades", []string{"truncate a cascade"}, "a b"},
		{"merge", []string{"merge into quick q using (values (1), (2)) n(id) on q.id = n.id when matched then delete when not matched then insert values (n.id)"}, "quick"},
		{"upsert", []string{"insert into a values (1, 1), (2, 1)", "insert into a values (1, 1) on conflict (id) do update set v = 3"}, "a; a"},
		{"a query that writes", []string{"with x as (delete from a where id = 2 returning *) select * from x"}, "a b"},
		{"through a view", []string{"insert into seen values (2, 2)"}, "a"},
		{"cascades", []string{"insert into b values (1, 1)", "delete from a where id = 1", "insert into a values (1, 1)"}, "a; a b; b"},
		{"a trigger's write", []string{"insert into audited values (1)"}, "audit audited"},
		{"unlogged", []string{"insert into quick values (1)"}, "quick"},
		{"not to be told", []string{"insert into untold values (1)"}, ""},
		{"a partition", []string{"insert into low values (2, 2)"}, "low"},
		{"the root", []string{"update root set v = 2 where id = 1"}, "high higher low root"},
		{"a root below", []string{"insert into high values (61, 2)"}, "high higher"},
		{"a row that moves", []string{"update root set id = 62 where id = 2"}, "high higher low root"},
		{"a truncated root", []string{"truncate root"}, "high higher low root"},
		{"a child", []string{"insert into child values (1)"}, "child"},
		{"a parent", []string{"update parent set id = 2"}, "child parent"},
		{"several tables", []string{"begin", "insert into a values (20, 1)", "insert into quick values (2)", "commit"}, "a quick"},
		{"the same again", []string{"begin", "insert into a values (21, 1)", "update a set v = 5 where id = 21", "commit"}, "a"},
		{"rolled back", []string{"begin", "insert into a values (22, 1)", "rollback"}, ""},
		{"failed", []string{"begin", "insert into a values (22, 1)", "savepoint s", "rollback to s", "insert into quick values (1)", "rollback"}, ""},
		{"rolled back to a savepoint", []string{"begin", "insert into a values (23, 1)", "savepoint s", "insert into quick values (3)", "rollback to s", "commit"}, "a"},
		{"written again after that", []string{"begin", "savepoint s", "insert into a values (24, 1)", "rollback to s", "insert into a values (24, 1)", "commit"}, "a"},
		{"a released savepoint", []string{"begin", "savepoint s", "insert into a values (25, 1)", "release s", "commit"}, "a"},
		{"a block that fails", []string{"do $$ begin insert into quick values (1); begin insert into a values (26, 1); perform 1/0; exception when others then null; end; end $$"}, "quick"},
		{"as a replica", []string{"set session_replication_role = replica", "insert into a values (27, 1)", "reset session_replication_role"}, "a"},
		{"read committed and above", []string{"begin isolation level serializable", "insert into a values (28, 1)", "insert into a values (29, 1)", "commit"}, "a"},
		{"prepared", []string{"begin", "insert into a values (30, 1)", "prepare transaction 'p'"}, ""},
		{"committed", []string{"commit prepared 'p'"}, "a"},
		{"prepared and rolled back", []string{"begin", "insert into a values (31, 1)", "prepare transaction 'p'", "rollback prepared 'p'"}, ""},
		{"temporary", []string{"create temporary table scratch (id serial primary key)", "insert into scratch default values", "drop table scratch"}, ""},
		{"the schema", []string{"alter table a add w int"}, "everything"},
		{"the schema and rows", []string{"begin", "alter table a drop w", "insert into quick values (4)", "commit"}, "quick everything"},
		{"the schema, rolled back", []string{"begin", "alter table a add w int", "rollback"}, ""},
		{"a materialized view", []string{"refresh materialized view mv"}, "everything"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "merge" && scalar[int](t, conn, "select current_setting('server_version_num')::int") < 150000 {
				t.Skip("there is no MERGE")
			}
			exec(t, conn, c.do...)
			barrier(t, feed)
			if got := names(t, conn, d.take()); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestCopy(t *testing.T) {
	dsn := database(t)
	conn := connect(t, dsn)
	feed, d := follow(t, dsn, never)
	d.stream(t, 1)
	if _, err := conn.PgConn().CopyFrom(soon(t), strings.NewReader("70\t1\n71\t1\n"), "copy a from stdin"); err != nil {
		t.Fatal(err)
	}
	barrier(t, feed)
	if got := names(t, conn, d.take()); got != "a" {
		t.Error(got)
	}
}
