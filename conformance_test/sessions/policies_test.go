package sessions_test

import (
	"fmt"
	"strings"
)

// policy is a policy's name and table.
type policy struct{ name, table string }

func (p policy) String() string { return p.name + " on " + p.table }

func (w *world) createPolicy() string {
	p := policy{fmt.Sprintf("p%d", len(w.policies)+1), w.own(w.policed()...)}
	w.policies = append(w.policies, p)
	return "create policy " + p.String() + pick(w.dice, "", "", "", "", " as restrictive") +
		pick(w.dice, "", "", "", " for select", " for update") + w.policyRoles() + " using (" + w.policyBody(p.table) + ")"
}

func (w *world) policyRoles() string {
	return pick(w.dice, "", "", "", " to "+w.role(), " to "+w.role()+", current_user", " to session_user")
}

// policed are the tables that policies are put on.
func (w *world) policed() []string {
	if w.expect.partitions {
		return []string{"items", "orders", "members", "parts", "parts_1", "base", "kid"}
	}
	return []string{"items", "orders", "members"}
}

// policyBody is a condition on the rows of a table.
func (w *world) policyBody(table string) string {
	s, _, _ := strings.Cut(table, ".")
	bodies := []string{
		"owner = current_user",
		"owner = current_user",
		"tenant = current_setting('app.tenant', true)",
		"tenant = current_setting('app.tenant', true)",
		"tenant = (select current_setting('app.tenant', true))",
		"n > coalesce(nullif(current_setting('app.depth', true), '')::int, 0)",
		"owner = session_user",
		"owner = current_role or tenant = current_setting('app.tenant', true)",
		"exists (select 1 from " + s + ".members m where m.owner = current_user and m.tenant = " + table + ".tenant)",
		"tenant in (select tenant from " + s + ".orders where n > 4)",
		"tenant in (select tenant from " + w.own("members", "items") + ")",
		"n % 2 = " + fmt.Sprint(w.IntN(2)),
		"pg_has_role(current_user, 'staff', 'member')",
		"current_setting('search_path') like '%s1%'",
		"current_setting('TimeZone') <> 'UTC' or n % 2 = 0",
		"true", "false",
	}
	if w.expect.functions {
		bodies = append(bodies, s+".imm(n) > 5", s+".pimm(n) % 2 = 0", s+".ten() = tenant", s+".who() like owner || '%'",
			s+".stab() > 6 or n % 2 = 0", s+".atom() % 2 = 0")
	}
	if w.expect.views {
		bodies = append(bodies, "id in (select id from "+s+"."+pick(w.dice, w.views...)+")")
	}
	return pick(w.dice, bodies...)
}

// changePolicy is a statement about what is to be seen of a table.
func (w *world) changePolicy() string {
	table := w.own(w.policed()...)
	if len(w.policies) > 0 && w.percent(80) {
		table = pick(w.dice, w.policies...).table
	}
	switch w.IntN(10) {
	case 0:
		return "alter table " + table + " disable row level security"
	case 1, 2:
		return "alter table " + table + " enable row level security"
	case 3:
		return "alter table " + table + pick(w.dice, " force", " no force") + " row level security"
	case 4:
		return w.createPolicy()
	}
	if len(w.policies) == 0 {
		return w.createPolicy()
	}
	p := pick(w.dice, w.policies...)
	switch w.IntN(6) {
	case 0:
		return "drop policy " + p.String()
	case 1:
		return "alter policy " + p.String() + " to " + pick(w.dice, "public", w.role(), "current_user")
	default:
		return "alter policy " + p.String() + " using (" + w.policyBody(p.table) + ")"
	}
}
