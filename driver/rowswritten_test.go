package driver

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// An own write of one row holds back that row and no other.
func TestOwnWritesLeaveOtherRows(t *testing.T) {
	f := newTracked(t, "wal")
	const byOwner = "select id, balance from accounts where owner = $1 order by id"
	owner := f.read(f.plain, "select owner from accounts where id = 2")
	for _, write := range []string{
		"update accounts set balance = $1 where id = 2", "delete from accounts where id = 2 and balance = $1",
		"insert into accounts (id, branch, owner, balance) values (2, 1, '" + owner + "', $1)",
	} {
		f.kept(balanceOf, 1)
		f.kept(byOwner, "nobody")
		f.exec(f.DB, write, 100)
		f.isHit(balanceOf, 1)
		if strings.HasSuffix(write, "$1)") {
			f.isHit(byOwner, "nobody") // the feed tells no old owner of a row that is updated, but here there is none
		}
		for _, query := range []string{balanceOf, "select count(*) from accounts where id = $1"} {
			f.want(query, 2)
		}
		f.want(byOwner, owner)
	}
	const told = "touches rows of 1 table, told by id"
	if got := f.read(f.DB, "explain (pgcache) update accounts set balance = 1 where id = 1"); !strings.Contains(got, told) {
		t.Errorf("%s\ndoes not say %q", got, told)
	}
}

// tricky are tables in which to write one row may write others, or other values than were given.
const tricky = `
	create table tree (id int primary key, parent int references tree on delete cascade on update cascade, label text);
	create table cut (id int primary key, code varchar(3), label text, twice int generated always as (id * 2) stored);
	create table moved (id int primary key, label text);
	create function move() returns trigger language plpgsql as $$ begin new.label := 'moved ' || new.id; return new; end $$;
	create trigger move before insert or update on moved for each row execute function move();
	create table parts (id int, label text) partition by list (label);
	create table parts_a partition of parts for values in ('a'); create table parts_rest partition of parts default;
	create table parent (id int primary key, label text); create table child () inherits (parent);
	create table ruled (id int primary key, label text);
	create rule also as on update to ruled do also update ruled set label = 'ruled' where id = 1;
	create view facade as select id, label from cut`

// Whatever this process writes, it reads at once: each write is followed by reads by every column, beside the same asked of
// PostgreSQL.
func TestOwnWritesOfRowsAreSeen(t *testing.T) {
	f := newTracked(t, "wal")
	f.exec(f.plain, tricky)
	f.exec(f.DB, "call pgcache.install()")
	var reads []string
	for _, table := range []string{"tree", "cut", "moved", "parts_a", "parts_rest", "parent", "child", "ruled"} {
		reads = append(reads, "select * from "+table+" where id = $1 order by 1, 2", "select count(*) from "+table+" where $1 = id or $1 is null")
		for _, label := range []string{"x", "moved 1", "ruled", "a"} {
			reads = append(reads, "select id from "+table+" where label = '"+label+"' and id <> $1 order by id")
		}
	}
	reads = append(reads,
		"select id from tree where parent = $1 order by 1", "select * from cut where twice = $1 order by 1",
		"select id from cut where code = 'abc' and id >= $1 order by 1", "select * from parent where id = $1", "select * from facade where id = $1")
	random := rand.New(rand.NewPCG(1, 2))
	n := func() int { return random.IntN(4) }
	label := func() string { return []string{"x", "y", "a", "moved 1"}[n()] }
	for step := range 400 {
		table := []string{"tree", "cut", "moved", "parts", "parent", "child", "ruled", "facade", "parts_a"}[random.IntN(9)]
		writes := []string{
			fmt.Sprintf("update %s set label = '%s' where id = %d", table, label(), n()),
			fmt.Sprintf("update %s set id = %d where id = %d", table, n()+4*random.IntN(2), n()),
			fmt.Sprintf("update %s set label = '%s' where label = '%s'", table, label(), label()),
			fmt.Sprintf("delete from %s where id = %d", table, n()),
			fmt.Sprintf("delete from %s where label = '%s' and id = %d", table, label(), n()),
			fmt.Sprintf("insert into %s (id, label) values (%d, '%s')", table, n(), label()),
			fmt.Sprintf("insert into %s (id, label) values (%d, '%s') on conflict (id) do update set label = 'y'", table, n(), label()),
			fmt.Sprintf("insert into tree (id, parent, label) values (%d, %d, 'x')", 1+n(), n()),
			fmt.Sprintf("insert into cut (id, code, label) values (%d, '%s', 'x')", n(), []string{"abc", "abc   ", "ab", "a"}[n()]),
			fmt.Sprintf("update cut set code = 'abc' where code = '%s'", []string{"ab", "abc", "a", "abc "}[n()]),
		}
		// Few of these are errors, which are as good as any write.
		write := writes[random.IntN(len(writes))]
		_, _ = f.DB.Exec(write)
		for range 4 {
			read := reads[random.IntN(len(reads))]
			arg := n()
			if got, want := f.read(f.DB, read, arg), f.read(f.plain, read, arg); got != want {
				t.Fatalf("step %d: after %s\n%s (%d) gives %q, want %q", step, write, read, arg, got, want)
			}
		}
	}
	// How many depends on how soon the feed delivers what was written.
	if f.connector.Stats().Hits == 0 {
		t.Error("nothing came from the cache")
	}
}

// What a number is as a text the server says, in its own way.
func TestNumbersAsTextsTellNoRows(t *testing.T) {
	f := newTracked(t, "wal")
	for _, value := range []string{"1e3::text", ".5::text", "(-0)::varchar", "00099999999999::text"} {
		if reason := f.reason("select balance from accounts where owner = " + value); strings.Contains(reason, "rows of") {
			t.Errorf("%s: %s", value, reason)
		}
		if touches := f.read(f.DB, "explain (pgcache) update accounts set balance = 0 where owner = "+value); strings.Contains(touches, "told by") {
			t.Errorf("%s: %s", value, touches)
		}
	}
	f.kept("select count(*) from accounts where owner = 1e3::text")
	f.exec(f.DB, "update accounts set owner = '1000' where id = 1")
	f.want("select count(*) from accounts where owner = 1e3::text")
}

// A session that nothing is cached for may read a literal otherwise.
func TestRowsWrittenInAnotherEncoding(t *testing.T) {
	f := newTracked(t, "wal")
	conn, err := f.DB.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	f.exec(conn, "set client_encoding = latin1")
	if touches := f.read(conn, "explain (pgcache) update accounts set balance = 0 where owner = 'x'"); !strings.Contains(touches, "touches 1 table") {
		t.Error(touches)
	}
}

// COMMIT AND CHAIN ends a transaction: what it wrote is held back although the next one is open.
func TestOwnWritesBeforeAChain(t *testing.T) {
	f := newTracked(t, "wal")
	conn, err := f.DB.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	f.exec(conn, "begin")
	for i := range 20 {
		f.kept(balanceOf, 1)
		f.exec(conn, "update accounts set balance = $1 where id = 1", i+1)
		f.exec(conn, "commit and chain")
		f.want(balanceOf, 1)
	}
	f.exec(conn, "rollback")
}
