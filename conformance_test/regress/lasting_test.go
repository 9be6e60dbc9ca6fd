package regress

import (
	"slices"
	"testing"
)

func TestLasting(t *testing.T) {
	l := new(lasting)
	for text, want := range map[string]string{
		"create temp table a (b int)":              "create /*temp*/ table a (b int)",
		"-- one\nCREATE TEMPORARY TABLE a AS x":    "-- one\nCREATE /*temp*/ TABLE a AS x",
		"create or replace local temp view a":      "create or replace /*temp*/ view a",
		"create table a (temp int)":                "create table a (temp int)",
		"create temp sequence if not exists s1":    "create /*temp*/ sequence if not exists s1",
		"select 'create temp table a'":             "select 'create temp table a'",
		"create global temp recursive view v as x": "create /*temp*/ recursive view v as x",
	} {
		if got := l.edit(text); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
	l.made(l.edit("create temp table a (b int)"), new(outcome))
	l.made(l.edit("create temp view if not exists s.b"), new(outcome))
	l.made(l.edit("create temp table failed (b int)"), &outcome{failure: "no"})
	l.made("create table a (b int)", new(outcome))
	if got := l.leftovers(); !slices.Equal(got[:2], []string{"drop table if exists a cascade", "drop view if exists s.b cascade"}) || len(got) != 3 {
		t.Errorf("leftovers %q", got)
	}
	if got := (*lasting)(nil).edit("create temp table a (b int)"); got != "create temp table a (b int)" {
		t.Errorf("nothing to edit, and yet: %s", got)
	}
}
