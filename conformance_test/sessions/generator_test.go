package sessions_test

import (
	"fmt"
	"slices"
)

// generator makes up the steps of a trace, one after the other. A trace means the same when some of its steps are left out.
type generator struct {
	*world

	queries []query
	working []op // reads that are repeated for a while, by whatever session
	open    map[int]*transaction
	at      int         // the working read that was taken last
	failing map[int]int // how many of the latest reads of each session gave an error, one after the other
	made    int         // names given to new things
	halves  []string    // transactions that have been prepared and not ended
}

// transaction is what the generator believes to be open.
type transaction struct {
	left  int  // steps until its end
	byAPI bool // begun by BeginTx
	locks bool // it holds locks that others would wait for
}

const (
	queriesOfAWorld = 36
	workingReads    = 7
)

func newGenerator(w *world) *generator {
	g := &generator{world: w, open: make(map[int]*transaction), failing: make(map[int]int)}
	for range queriesOfAWorld {
		g.queries = append(g.queries, g.makeQuery())
	}
	for range workingReads {
		g.working = append(g.working, g.newRead())
	}
	return g
}

// next makes the next step.
func (g *generator) next() op {
	on := g.session()
	if len(g.halves) > 0 && g.once(5) {
		return g.endHalf(on)
	}
	if t := g.open[on]; t != nil && g.percent(60) {
		return g.inTransaction(on, t)
	}
	if g.open[on] == nil && g.failing[on] > 3 {
		g.failing[on] = 0
		return op{on: on, do: exec, kind: "reset", sql: pick(g.dice, "set role none", "reset session authorization", "reset search_path", "reset all")}
	}
	if g.open[on] != nil || g.percent(92) {
		return g.read(on)
	}
	// A change of the schema is seldom: after it each session has to ask the catalog about each text again, and there should be
	// time for that to show what it changed.
	o := choose(g.dice,
		option[op]{g.often("set", 50), func() op { return g.change(g.restless(on)) }},
		option[op]{g.weight(g.expect.writes, g.often("write", 28)), func() op { return g.write(g.writer(on)) }},
		option[op]{g.weight(g.expect.ddl, g.often("ddl", 2)), g.ddl},
		option[op]{g.weight(g.expect.policies, g.often("policy", 2)), func() op { return op{on: g.chief(), do: exec, sql: g.changePolicy(), kind: "policy"} }},
		option[op]{g.weight(g.expect.grants, g.often("grant", 2)), func() op { return op{on: g.chief(), do: exec, sql: g.changeGrants(), kind: "grant"} }},
		option[op]{g.weight(g.expect.temp, g.often("temp", 5)), func() op { return g.temp(on) }},
		option[op]{g.often("transaction", 8), func() op { return g.begin(on) }},
		option[op]{g.often("opaque", 1), func() op { return g.opaque(on) }},
	)
	if t := g.open[o.on]; t != nil && o.do != begin && o.kind != "begin" {
		return g.read(on) // the session is in a transaction, which goes on elsewhere
	}
	if g.blocked(o) {
		return g.read(on)
	}
	return o
}

// often is the weight of a kind of steps, which is a multiple of the usual one where the world has it as a theme.
func (g *generator) often(kind string, weight int) int {
	if slices.Contains(g.themes, kind) {
		return 4 * weight
	}
	return weight
}

func (g *generator) weight(has bool, weight int) int {
	if has {
		return weight
	}
	return 0
}

// session is any of them. The pool's own comes up often: it is what most programs use.
func (g *generator) session() int {
	if g.percent(25) {
		return pool
	}
	return g.IntN(g.conns)
}

// chief is the session that stays a superuser for the most part, and so gets things done.
func (g *generator) chief() int {
	if g.percent(90) {
		return 0
	}
	return g.session()
}

func (g *generator) writer(on int) int {
	if g.percent(60) {
		return g.chief()
	}
	return on
}

// restless keeps the chief from changing all the time.
func (g *generator) restless(on int) int {
	if on == 0 && g.percent(80) {
		return g.session()
	}
	return on
}

// blocked tells whether a step would wait for a lock that an open transaction holds. A few do, and give up.
func (g *generator) blocked(o op) bool {
	if g.once(20) {
		return false
	}
	if len(g.halves) > 0 {
		return true
	}
	for on, t := range g.open {
		if on != o.on && (t.locks || o.do != read && o.kind != "set" && o.kind != "begin") {
			return true
		}
	}
	return false
}

// newRead takes one of the world's queries with some arguments.
func (g *generator) newRead() op {
	q := pick(g.dice, g.queries...)
	o := op{do: read, sql: q.sql, args: pick(g.dice, q.args...), kind: q.kind}
	o.form = form{ordered: q.ordered, row: q.scalar && g.once(2), prepared: g.once(8), brief: g.percent(70), bound: g.once(6)}
	if g.once(25) {
		o.form.key = pick(g.dice, "a", "b")
	}
	return o
}

func (g *generator) read(on int) op {
	if g.once(40) {
		g.working[g.IntN(len(g.working))] = g.newRead()
	}
	g.at = g.IntN(len(g.working))
	o := g.working[g.at]
	o.on = on
	if g.once(30) {
		o.form.prepared, o.form.bound = g.once(2), g.once(2)
	}
	if g.once(50) {
		o.do, o.kind = peek, "peek"
	}
	return o
}

// judge is told whether a read gave an error. Reads and sessions that do so all the time show little.
func (g *generator) judge(o op, failed bool) {
	if !failed {
		g.failing[o.on] = 0
		return
	}
	g.failing[o.on]++
	if g.once(2) {
		g.working[g.at] = g.newRead()
	}
}

// opaque reads what may make everything stale, so it comes up seldom.
func (g *generator) opaque(on int) op {
	if !g.expect.functions {
		return g.read(on)
	}
	q := g.opaqueQuery()
	return op{on: on, do: read, sql: q.sql, kind: q.kind}
}

func (g *generator) begin(on int) op {
	if on == pool {
		on = 0
	}
	if g.open[on] != nil {
		return g.read(on)
	}
	t := &transaction{left: 2 + g.IntN(6), byAPI: g.once(2)}
	g.open[on] = t
	if t.byAPI {
		return op{on: on, do: begin, kind: "begin"}
	}
	return op{on: on, do: exec, kind: "begin", sql: pick(g.dice, "begin", "begin", "start transaction", "begin isolation level repeatable read", "begin read only")}
}

// inTransaction goes on with a transaction, or ends it.
func (g *generator) inTransaction(on int, t *transaction) op {
	if t.left--; t.left <= 0 {
		return g.end(on, t)
	}
	o := choose(g.dice,
		option[op]{32, func() op {
			for {
				if o := g.change(on); o.do != renew && o.do != swap && o.kind != "discard" && o.do != raw {
					return o
				}
			}
		}},
		option[op]{20, func() op { return op{do: exec, sql: g.savepoint(), kind: "savepoint"} }},
		option[op]{g.weight(g.expect.writes, 20), func() op { t.locks = true; return g.write(on) }},
		option[op]{g.weight(g.expect.ddl, 6), func() op { t.locks = true; return g.ddl() }},
		option[op]{g.weight(g.expect.policies, 6), func() op { t.locks = true; return op{do: exec, sql: g.changePolicy(), kind: "policy"} }},
		option[op]{g.weight(g.expect.grants, 5), func() op { t.locks = true; return op{do: exec, sql: g.changeGrants(), kind: "grant"} }},
		option[op]{g.weight(g.expect.temp, 10), func() op { return g.temp(on) }},
		option[op]{10, func() op { return g.read(on) }},
	)
	o.on = on
	return o
}

func (g *generator) savepoint() string {
	name := pick(g.dice, "a", "b")
	return pick(g.dice, "savepoint ", "savepoint ", "rollback to ", "rollback to ", "release ") + name
}

func (g *generator) end(on int, t *transaction) op {
	delete(g.open, on)
	kind := "end"
	if t.byAPI {
		return op{on: on, do: pick(g.dice, commit, rollback), kind: kind}
	}
	if g.once(15) {
		g.open[on] = &transaction{left: 2, locks: t.locks}
		return op{on: on, do: exec, sql: pick(g.dice, "commit and chain", "rollback and chain"), kind: kind}
	}
	if g.once(15) {
		g.made++
		name := fmt.Sprintf("'seed %d step %d'", g.seed, g.made)
		g.halves = append(g.halves, name)
		return op{on: on, do: exec, kind: "two phases", sql: "prepare transaction " + name}
	}
	return op{on: on, do: exec, sql: pick(g.dice, "commit", "rollback", "end", "abort"), kind: kind}
}

// endHalf ends a transaction that was prepared, from whatever session.
func (g *generator) endHalf(on int) op {
	if g.open[on] != nil {
		return g.read(on)
	}
	name := g.halves[0]
	g.halves = g.halves[1:]
	return op{on: on, do: exec, sql: pick(g.dice, "commit", "rollback") + " prepared " + name, kind: "two phases"}
}
