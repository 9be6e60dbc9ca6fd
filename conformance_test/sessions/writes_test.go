package sessions_test

import (
	"fmt"
	"strings"
)

// write is a statement that may change rows, in one of the many ways to do that.
func (g *generator) write(on int) op {
	o := choose(g.dice,
		option[op]{40, func() op { return op{do: exec, sql: g.dml(""), kind: "dml"} }},
		option[op]{8, func() op { return op{do: call, sql: g.dml(" returning *"), kind: "returning"} }},
		option[op]{2, func() op { return op{do: peek, sql: g.dml(" returning *"), kind: "returning, closed early"} }},
		option[op]{12, func() op { return op{do: call, sql: g.writingCTE(), kind: "writing CTE"} }},
		option[op]{8, g.writingCall},
		option[op]{4, func() op { return op{do: execStmt, sql: g.dml(""), kind: "prepared write"} }},
		option[op]{4, func() op {
			return op{do: execStmt, sql: "update " + g.target() + " set n = n + $1 where id = $2", args: []any{g.IntN(9), 1 + g.IntN(9)}, kind: "prepared write"}
		}},
		option[op]{4, func() op {
			return op{do: exec, sql: "truncate " + g.target() + pick(g.dice, "", " cascade"), kind: "truncate"}
		}},
		option[op]{8, func() op { return op{do: exec, sql: g.hiddenWrite(), kind: "hidden write"} }},
		option[op]{2, func() op { return op{do: call, sql: "select nextval('" + g.schema() + ".seq')", kind: "nextval"} }},
		option[op]{g.weight(g.expect.partitions, 4), func() op {
			return op{do: exec, sql: "refresh materialized view " + pick(g.dice, "", g.schema()+".") + "mat", kind: "refresh"}
		}},
		option[op]{g.weight(g.expect.raw, 4), func() op { return op{do: raw, sql: g.dml(""), kind: "raw write"} }},
		option[op]{g.weight(g.expect.raw, 4), func() op {
			return op{do: copyIn, sql: g.own(g.tables[:3]...), args: []any{g.newID(), g.newID()}, kind: "copy"}
		}},
	)
	o.on = on
	return o
}

// target is the name of something that can be written: a table, or a view that passes writes on.
func (g *generator) target() string {
	if g.expect.views && g.once(4) {
		return g.named(g.views)
	}
	return g.named(g.tables)
}

// newID is one that is likely not to be taken yet.
func (g *generator) newID() int {
	g.made++
	return 20 + g.made
}

func (g *generator) dml(returning string) string {
	t := g.target()
	id := 1 + g.IntN(10)
	row := fmt.Sprintf("(%d, '%s', '%s', %d)", g.newID(), g.tenant(), pick(g.dice, "alice", "bob", "own"), g.IntN(30))
	sql := pick(g.dice,
		"insert into "+t+" (id, tenant, owner, n) values "+row,
		"insert into "+t+" (id, tenant, owner, n) values "+row+" on conflict do nothing",
		fmt.Sprintf("insert into %s (id, tenant, owner, n) values (%d, 't1', 'bob', 3) on conflict (id) do update set n = excluded.n + 1", t, id),
		fmt.Sprintf("insert into %s (id, tenant, owner, n) select id + %d, tenant, owner, n from %s where id = %d", t, 20+g.made, g.rel(), id),
		fmt.Sprintf("update %s set n = n + 1 where id = %d", t, id),
		fmt.Sprintf("update %s set n = n + 1", t),
		fmt.Sprintf("update %s set tenant = '%s' where id = %d", t, g.tenant(), id),
		fmt.Sprintf("update %s x set n = y.n from %s y where x.id = y.id and y.id = %d", t, g.rel(), id),
		fmt.Sprintf("update %s set id = id + 50 where id = %d", t, id),
		fmt.Sprintf("delete from %s where id = %d", t, id),
		fmt.Sprintf("delete from %s where id > 12", t),
		fmt.Sprintf("delete from %s where id in (select id from %s where n > 25)", t, g.rel()),
	)
	if returning == "" && g.once(10) {
		return fmt.Sprintf("merge into %s t using %s s on t.id = s.id and s.id < %d when matched then update set n = t.n + 1 "+
			"when not matched and s.id < 3 then insert (id, tenant, owner, n) values (s.id + 70, s.tenant, s.owner, s.n)", t, g.rel(), id)
	}
	return sql + returning
}

// writingCTE hides a write in what looks like a read.
func (g *generator) writingCTE() string {
	write := g.dml(" returning *")
	return pick(g.dice,
		"with w as ("+write+") select count(*) from w",
		"with w as ("+write+") select 1",
		"with a as (select 1), w as ("+write+"), b as (select * from w) select * from b, a",
		"with a as (select 1), w as ("+write+") select (select count(*) from w), id from "+g.rel(),
		"with w as ("+write+"), v as (insert into "+g.named([]string{"logs"})+" (n) select n from w returning n) select sum(n) from v",
		"with w as ("+write+") (select 1 union all select 2)",
		"with w as ("+write+") values (1)",
		"with w as ("+write+") "+g.dml(""),
		"select * from (with w as ("+write+") select * from w) x", // PostgreSQL refuses this one
	)
}

// writingCall writes by calls in a SELECT or of a procedure.
func (g *generator) writingCall() op {
	if !g.expect.functions {
		return op{do: exec, sql: g.dml(""), kind: "dml"}
	}
	k := g.IntN(9)
	return op{do: call, kind: "writing call", sql: g.fill(pick(g.dice,
		fmt.Sprintf("select vol(%d)", k), fmt.Sprintf("select S.vol(%d)", k), "select vol(n) from R where id < 3", "select * from vol(1)",
		"select id from R where vol(id) > 0", "select * from (select vol(2)) x", "values (vol(3))", "select n from S.vvol", "select n from vvol",
		"call proc(3)", "call S.proc(2)", "select case when true then vol(1) end", "select 1 order by vol(1)", "explain analyze select vol(1)",
		"with x as (select vol(1) as v) select v from x", "with x as materialized (select vol(1)) select 1 from x", "select coalesce(null, vol(4))"))}
}

// hiddenWrite writes where only the server can see it.
func (g *generator) hiddenWrite() string {
	write := g.dml("")
	quoted := strings.ReplaceAll(write, "'", "''")
	return pick(g.dice,
		"do $$ begin "+write+"; end $$",
		"do $$ begin execute '"+quoted+"'; end $$",
		"explain analyze "+write,
		"explain (analyze, costs off) with w as ("+g.dml(" returning *")+") select * from w",
		write+"; "+g.dml(""),
		"begin; "+write+"; commit",
		"begin; "+write+"; rollback; "+g.dml(""),
		"prepare p as "+write+"; execute p; deallocate p",
		"select 1; "+write,
		"/* a comment */ "+write+" -- pgcache: key=x",
	)
}

func replaceName(sql, name string) string {
	return strings.NewReplacer(" N ", " "+name+" ", ".N ", "."+name+" ").Replace(sql + " ")
}
