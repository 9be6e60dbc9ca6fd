package driver

import (
	"strings"
	"testing"
)

// SHOW pgcache.statements tells of each text what became of it, and why.
func TestShowStatements(t *testing.T) {
	f := newFixture(t, "rule=people: table=accounts ttl=1h")
	f.exec(f.plain, "create table other (a int)")
	const byNow, ofOther = "select id from accounts where now() is null", "select a from other"
	for range 3 {
		f.read(f.DB, byID, 1)
	}
	f.read(f.DB, byNow)
	f.read(f.DB, ofOther)
	f.read(f.DB, "select /* pgcache: off */ 1 from accounts where id = 2")
	f.read(f.DB, "show work_mem")
	tx, err := f.Begin()
	if err != nil {
		t.Fatal(err)
	}
	f.read(tx, "select 2 from accounts where id = 2")
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	lines := map[string]string{}
	for line := range strings.SplitSeq(f.read(f.DB, "show pgcache.statements"), "\n") {
		for _, statement := range []string{byID, byNow, ofOther, "off", "show work_mem", "select 2"} {
			if strings.Contains(line, statement) {
				lines[statement] = line
			}
		}
	}
	for statement, want := range map[string]string{
		byID:            "people cacheable everything about the statement is proved 3 2 1 0 0 ",
		byNow:           "not cacheable it may call now(), which is only STABLE; allow=now in the rule would vouch for it 1 0 0 0 1 0 0.000",
		ofOther:         "not cacheable no rule matches 1 0 0 0 1 0 0.000",
		"off":           "not cacheable a hint says off 1 0 0 0 1",
		"show work_mem": "not cacheable it is not a SELECT 1 0 0 0 1",
		"select 2":      "unknown it has only been run where nothing is cached: inside a transaction, or around the cache 1 0 0 0 1",
	} {
		if !strings.Contains(lines[statement], want) {
			t.Errorf("%s:\n got %q\nwant %q", statement, lines[statement], want)
		}
	}
	if first, _, _ := strings.Cut(f.read(f.DB, "show pgcache.statements"), "\n"); !strings.HasPrefix(first, byID) {
		t.Error("what saved the most does not come first:", first)
	}
}

// EXPLAIN (PGCACHE) of a write tells what it would end.
func TestExplainWrites(t *testing.T) {
	f := newFixture(t)
	f.exec(f.plain, `create table log (a int);
		create function note() returns trigger language plpgsql as 'begin insert into log values (1); return new; end';
		create table noted (a int); create trigger noting before insert on noted for each row execute function note()`)
	for statement, want := range map[string]string{
		"update accounts set balance = 0": "touches 1 table:",
		"insert into noted values (1)":    "touches everything: ",
		"do 'begin end'":                  "touches everything: it can't be told from the text",
		"select 1 for update":             "it locks rows",
	} {
		if got := f.reason(statement); !strings.Contains(got, want) || !strings.Contains(got, "not cacheable") {
			t.Errorf("%s: %q, want %q", statement, got, want)
		}
	}
}
