package driver

import (
	"errors"
	"strings"
	"testing"
)

// Without event triggers the level strict can't be had, whenever they go: what asks for it by name fails, and a change of the schema
// that nobody tells of is never overlooked. Who installs them, it can be had again.
func TestEventTriggersGo(t *testing.T) { bothFeeds(t, eventTriggersGo) }

func eventTriggersGo(t *testing.T, feed string) {
	const dropped = "drop event trigger pgcache_ddl; drop event trigger pgcache_drop"
	for _, how := range []string{
		dropped,
		"alter event trigger pgcache_ddl disable",
		dropped + "; create or replace view shown as select id, balance from accounts where true", // untold
	} {
		f := newFixture(t)
		f.exec(f.plain, secondAccounts)
		f.DB, f.connector = f.open("rule=calm: sql~calm ttl=1h", "rule=all: * ttl=1h consistency=strict", "feed="+feed)
		f.kept(balanceShown)
		f.exec(f.plain, how)
		f.exec(f.plain, "create or replace view shown as select id, balance from others") // untold
		for range 20 {
			got, err := readAll(t.Context(), f.DB, balanceShown)
			if errors.Is(err, ErrConsistency) && strings.Contains(err.Error(), "CALL pgcache.install()") {
				continue
			}
			if err != nil || got != "100" {
				t.Fatalf("after %q: read %s, %v", how, got, err)
			}
		}
		f.kept("select count(*) from others /* calm */")
		f.exec(f.DB, "call pgcache.install()")
		f.eventually("strict", func() bool {
			return f.delta(func() { _, _ = readAll(t.Context(), f.DB, balanceShown) }).Hits == 1
		})
		f.exec(f.plain, "create or replace view shown as select id, balance + 1 as balance from others")
		if got := f.read(f.DB, balanceShown); got != "101" {
			t.Errorf("with the triggers again: read %s", got)
		}
	}
}

// They may go, and come back, between the moment when the feed begins and the first time that anybody waits for it.
func TestEventTriggersGoBeforeTheFirstBarrier(t *testing.T) { bothFeeds(t, eventTriggersGoEarly) }

func eventTriggersGoEarly(t *testing.T, feed string) {
	f := newFixture(t)
	f.exec(f.plain, secondAccounts)
	f.DB, f.connector = f.open("rule=all: * ttl=1h consistency=strict", "feed="+feed)
	f.follows()
	entries := f.connector.Stats().Entries
	f.read(f.DB, balanceShown) // a miss waits for nothing
	f.eventually("a kept answer", func() bool { return f.connector.Stats().Entries > entries })
	f.exec(f.plain, "alter event trigger pgcache_ddl disable")
	f.exec(f.plain, "create or replace view shown as select id, balance from others") // untold
	f.exec(f.plain, "alter event trigger pgcache_ddl enable always")
	for range 3 {
		got, err := readAll(t.Context(), f.DB, balanceShown)
		if !errors.Is(err, ErrConsistency) && (err != nil || got != "100") {
			t.Fatalf("read %s, %v", got, err)
		}
	}
}
