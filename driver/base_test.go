package driver

import "testing"

// A session that was dialled before the defaults of the database were changed does not speak for those that are dialled after it,
// however late it is asked what it is.
func TestOldSessionIsNoBase(t *testing.T) {
	f := newFixture(t)
	f.exec(f.plain, seenTable)
	zone := func(name string) string {
		return `alter database "` + f.read(f.plain, "select current_database()") + `" set timezone = '` + name + "'"
	}
	f.exec(f.plain, zone("UTC"))
	f.DB, f.connector = f.open("feed=none", "rule=all: * ttl=1h")
	early, alters := f.pin(), f.pin()
	if err := early.PingContext(t.Context()); err != nil { // it is dialled, and nothing is known of it
		t.Fatal(err)
	}
	f.exec(alters, zone("Asia/Tokyo"))
	for range 2 {
		if got := f.read(early, seenThisYear); got != "1" {
			t.Errorf("in the old session: counted %s", got)
		}
		if got := f.read(f.pin(), seenThisYear); got != "2" {
			t.Errorf("in one that is not dialled yet: counted %s", got)
		}
	}
}
