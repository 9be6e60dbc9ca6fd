package driver

import (
	"testing"
)

// A write that waits for the end of a change of the schema does what the new schema says: what it writes then is known when it has
// been acknowledged.
func TestWriteBehindSchemaChange(t *testing.T) {
	// PostgreSQL looks up what a name stands for, which triggers there are and which keys refer to a row once it has the table's lock.
	// Who is held lies in wait, in a trigger that the write was not known to fire, until nobody holds the number 7 any more.
	const held = `
		create function hold() returns trigger language plpgsql as
			'begin perform pg_advisory_xact_lock(7); return coalesce(new, old); end';
		create table a (id int primary key, n int); insert into a values (1, 0);
		create table b (id int primary key, n int); insert into b values (1, 100);`
	for name, c := range map[string]struct{ setup, change, write, read string }{
		"another table": {
			`create trigger held before update on b for each row execute function hold()`,
			`alter table a rename to old; alter table b rename to a`,
			`update a set n = n + 1 where id = 1`, `select n from a`,
		},
		"a trigger": {
			`create function note() returns trigger language plpgsql as
				'begin perform pg_advisory_xact_lock(7); insert into b values (2, new.n); return new; end'`,
			`create trigger noted before update on a for each row execute function note()`,
			`update a set n = n + 1 where id = 1`, `select count(*) from b`,
		},
		"a foreign key": {
			`create trigger held before delete on b for each row execute function hold()`,
			`alter table b add foreign key (id) references a on delete cascade`,
			`delete from a where id = 1`, `select count(*) from b`,
		},
	} {
		for _, level := range []string{"ttl", "tracked", "strict"} {
			t.Run(name+" "+level, func(t *testing.T) {
				f := newFixture(t)
				f.exec(f.plain, held)
				f.exec(f.plain, c.setup)
				if level == "ttl" {
					f.DB, f.connector = f.open("rule=all: * ttl=1h", "feed=none")
				} else {
					f.DB, f.connector = f.open("rule=all: * ttl=1h consistency="+level, "feed=wal")
					f.eventually("a feed that has installed what it needs", func() bool {
						_, err := readAll(t.Context(), f.DB, byID, 1)
						return err == nil && f.connector.Stats().Feed != "none"
					})
				}
				f.exec(f.DB, "update a set n = n where id = 0") // it is known what it writes
				holder, err := f.plain.Conn(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer holder.Close()
				f.exec(holder, "select pg_advisory_lock(7)")
				f.behind(c.change, c.write, func() {
					f.eventually("the write is held", func() bool {
						return f.read(f.plain, "select count(*) from pg_locks where locktype = 'advisory' and not granted and database = "+
							"(select oid from pg_database where datname = current_database())") == "1"
					})
					f.eventually("an answer, as far as one can be kept", func() bool {
						before := f.connector.Stats()
						f.read(f.DB, c.read)
						after := f.connector.Stats()
						return after.Hits > before.Hits || after.RejectedFills > before.RejectedFills || after.Bypassed > before.Bypassed
					})
					f.exec(holder, "select pg_advisory_unlock(7)")
				})
				if got, want := f.read(f.DB, c.read), f.read(f.plain, c.read); got != want {
					t.Errorf("after the write: got %s, want %s", got, want)
				}
			})
		}
	}
}

// behind runs a write that waits for a change of the schema to be committed, and does something between that and its end.
func (f *fixture) behind(change, write string, meanwhile func()) {
	f.t.Helper()
	tx, err := f.BeginTx(f.t.Context(), nil)
	if err != nil {
		f.t.Fatal(err)
	}
	defer tx.Rollback()
	writer := f.pin()
	f.exec(writer, write+" and false") // and which session it is
	f.exec(tx, change)
	done := make(chan error, 1)
	go func() {
		_, err := writer.ExecContext(f.t.Context(), write)
		done <- err
	}()
	f.waitForLockWaiters(1)
	if err := tx.Commit(); err != nil {
		f.t.Fatal(err)
	}
	meanwhile()
	if err := <-done; err != nil {
		f.t.Fatal(err)
	}
}
