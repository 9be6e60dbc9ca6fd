package catalog

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// relationNames are the relations that a statement reads, sorted.
func relationNames(a *Answer) string {
	var names []string
	for _, r := range a.Relations {
		names = append(names, r.Name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// Policies are followed like views: what they read is read, what they call is called, what they ask for is asked for.
func TestPoliciesAreFollowed(t *testing.T) {
	conn := open(t)
	exec(t, conn, `
		create table members (who name, team int);
		create table docs (id int, team int, owner name);
		alter table docs enable row level security;
		create view docs_view as select id from docs;
		create materialized view docs_stored as select id from docs;
	`)
	for _, c := range []struct{ policy, relations, settings, functions, refusal string }{
		{"using (owner = current_user)", "docs", "[]", "", ""},
		{"for select using (owner = session_user)", "docs", "[]", "", ""},
		{"using (team in (select m.team from members m where m.who = current_user))", "docs members", "[]", "", ""},
		{"as restrictive using (team = current_setting('app.team')::int)", "docs", "[app.team]", "current_setting", ""},
		{"using (spend(team) > 0)", "docs", "[]", "spend", ""},
		{"using (half(team) > 0)", "docs", "[]", "half", ""},
		{"using (pure(team) > 0)", "docs", "[]", "", ""},
		{"using (follow() > 0)", "docs items", "[]", "follow", ""},
		{"using (team > extract(hour from now()))", "docs", "[]", "now extract", ""},
		{"using (team > 0 and current_date > '2020-01-01')", "docs", "[]", "", "asks for the time"},
		{"using (exists (select 1 from named n where n.id = team))", "customers docs named orders", "[]", "", ""},
		// Policies of other commands have no say in what is read.
		{"for update using (spend(team) > 0)", "docs", "[]", "", ""},
		{"for insert with check (spend(team) > 0)", "docs", "[]", "", ""},
		{"to pg_monitor using (spend(team) > 0)", "docs", "[]", "spend", ""},
	} {
		exec(t, conn, "drop policy if exists p on docs; create policy p on docs "+c.policy)
		for _, sql := range []string{"select * from docs", "select 1 from (select 1 from docs_view) v"} {
			a := ask(t, conn, sql)
			relations := c.relations
			if strings.Contains(sql, "docs_view") {
				relations = strings.Replace(relations, "docs", "docs docs_view", 1)
			}
			var functions []string
			for _, f := range a.Functions {
				functions = append(functions, f.Name)
			}
			if relationNames(a) != relations || fmt.Sprint(a.Settings) != c.settings || strings.Join(functions, " ") != c.functions ||
				c.refusal == "" && a.Refusal() != "" || !strings.Contains(a.Refusal(), c.refusal) {
				t.Errorf("%s, %s: %s, %s, %s, %q", c.policy, sql, relationNames(a), a.Settings, functions, a.Refusal())
			}
			if rel := a.Relations[slices.IndexFunc(a.Relations, func(r Relation) bool { return r.Name == "docs" })]; !rel.RowSecurity {
				t.Errorf("%+v", rel)
			}
		}
		if a := ask(t, conn, "select * from docs_stored"); relationNames(a) != "docs_stored" || a.Refusal() != "" {
			t.Errorf("a materialized view holds rows of its own: %s, %q", relationNames(a), a.Refusal())
		}
	}
}
