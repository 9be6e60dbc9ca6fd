package driver

import (
	"database/sql/driver"
	"slices"

	"github.com/gopgcache/pgcache/driver/internal/rowtag"
	"github.com/gopgcache/pgcache/internal/catalog"
	"github.com/gopgcache/pgcache/internal/freshness"
	"github.com/gopgcache/pgcache/internal/statement"
)

// narrow finds the tables whose rows the statement picks by one value. That is told by the text, so no table may be read in
// another way too: no views, policies, partitions, or functions of the user's on the way.
func (v *verdict) narrow(t *text) {
	if v.follower == nil || !v.answer.plain() {
		return
	}
	for _, n := range t.Narrowings {
		table, ok := v.answer.named(n.Relation)
		if !ok || slices.ContainsFunc(v.narrowed, func(other rowtag.Rows) bool { return other.OID() == table }) {
			continue
		}
		for _, column := range v.answer.columns {
			if column.Table != table {
				continue
			}
			if rows, ok := rowtag.Read(t.Text, n, column); ok {
				v.narrowed = append(v.narrowed, rows)
				v.follower.interest.Add(table, column.Name)
				v.follower.tracker.Tell(rows.Table(), rows.Any())
			}
		}
	}
	v.since = v.follower.tracker.Told()
}

// plain tells whether the statement reads nothing but the tables that it names.
func (a *answer) plain() bool {
	for _, r := range a.Relations {
		if r.Kind != "r" || r.RowSecurity || r.Covered {
			return false
		}
	}
	return !slices.ContainsFunc(a.Functions, func(f catalog.Function) bool { return !f.BuiltIn() })
}

// named gives the table of a name, if only one has it.
func (a *answer) named(name statement.Name) (oid uint32, ok bool) {
	for _, r := range a.Relations {
		if r.Name != name.Name || name.Schema != "" && r.Schema != name.Schema {
			continue
		}
		if ok {
			return 0, false
		}
		oid, ok = r.OID, true
	}
	return oid, ok
}

// appendTags appends the tags of the result with these arguments.
func (v *verdict) appendTags(tags []freshness.Tag, args []driver.NamedValue) []freshness.Tag {
	tags = append(tags, v.tags...)
	for i := range v.narrowed {
		rows := &v.narrowed[i]
		tag, ok := rows.Tag(args)
		if !ok {
			continue
		}
		tags[slices.Index(tags, rows.Table())] = rows.Any()
		tags = append(tags, tag)
	}
	return tags
}

// tagNames names what the result depends on.
func (v *verdict) tagNames() []string {
	var names []string
	for _, r := range v.answer.Relations {
		name := "table " + r.String()
		for i := range v.narrowed {
			if rows := &v.narrowed[i]; rows.OID() == r.OID {
				name = "rows of " + r.String() + " by " + rows.Column()
			}
		}
		names = append(names, name)
	}
	return names
}
