package sessions_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// world is what one trace runs in: a database, roles, and how the cache is opened. It is made of a seed. Each world leaves
// most of what there is out, so that what it has meets often (swarm testing: Groce and others, ISSTA 2012).
type world struct {
	dice

	seed   uint64
	rule   string   // the DSN's pgcache_rule
	mode   string   // pgx's default_query_exec_mode
	start  []string // settings that sessions begin with, as name=value
	setup  []string // statements that make the database, run one by one
	conns  int      // sessions beside that of the pool
	expect feature
	themes []string // kinds of steps that come up more often than elsewhere

	schemas   []string
	peopled   []string // those of the schemas that have a table of members
	paths     []string // values for search_path
	settings  []setting
	relations []string // names that schemas have in common, all with the columns id, tenant, owner, n
	tables    []string // of the relations, those that can be written
	views     []string
	policies  []policy
}

// feature says what a world has.
type feature struct {
	policies, views, functions, triggers, partitions, types, temp, ddl, grants, writes, raw bool
}

// kinds are what steps that are not reads are chosen from.
var kinds = []string{"set", "write", "ddl", "policy", "grant", "temp", "transaction", "opaque"}

var (
	roles   = []string{"alice", "bob", "staff", "own"}
	tenants = []string{"t0", "t1", "t2"}
)

func newWorld(seed uint64) *world {
	w := &world{dice: newDice(seed), seed: seed}
	w.expect = feature{
		policies: w.percent(55), views: w.percent(70), functions: w.percent(60), triggers: w.percent(30),
		partitions: w.percent(35), types: w.percent(50), temp: w.percent(35), ddl: w.percent(75), grants: w.percent(60),
		writes: w.percent(90), raw: w.percent(25),
	}
	w.themes = w.chooseThemes()
	w.conns = 1 + w.IntN(4)
	w.mode = pick(w.dice, "cache_statement", "cache_statement", "describe_exec", "exec", "simple_protocol")
	w.rule = w.makeRule()
	w.schemas = append([]string{"s1"}, some(w.dice, 2, []string{"s2", "alice", "bob", "public"})...)
	w.choosePaths()
	w.chooseSettings()
	w.chooseNames()
	w.makeSetup()
	return w
}

// chooseThemes takes one or two kinds of steps, and has what they need. PGCACHE_SESSIONS_THEMES gives them to every world.
func (w *world) chooseThemes() []string {
	themes := some(w.dice, 2, kinds)
	if given := os.Getenv("PGCACHE_SESSIONS_THEMES"); given != "" {
		themes = strings.Split(given, ",")
	}
	for _, theme := range themes {
		switch theme {
		case "write":
			w.expect.writes = true
		case "ddl":
			w.expect.ddl = true
		case "policy":
			w.expect.policies = true
		case "grant":
			w.expect.grants = true
		case "temp":
			w.expect.temp = true
		case "opaque":
			w.expect.functions = true
		}
	}
	return themes
}

// makeRule gives a rule under which equality is exact: nothing is served that is too old, and only such functions are
// vouched for as deserve it.
func (w *world) makeRule() string {
	rule := pick(w.dice, "all: *", "all: *", "all: *", "all: * allow="+strings.Join(deserving, ",")) + " ttl=1h"
	return rule + pick(w.dice, "", "", "", " lock=0", " empty=skip", " max_rows=5", " refresh=early")
}

// deserving are stable functions that depend on their arguments and on settings that every key holds.
var deserving = []string{
	"to_char", "jsonb_agg", "json_agg", "row_to_json", "to_jsonb", "concat", "format", "array_to_string", "date_trunc", "date_part",
	"to_tsvector", "honest",
}

func (w *world) choosePaths() {
	all := []string{"s1", "s1, public"}
	for _, s := range w.schemas[1:] {
		all = append(all, s, s+", s1", "s1, "+s)
	}
	all = append(all, `"$user", s1`, `"$user", public, s1`)
	if w.expect.temp {
		all = append(all, "s1, pg_temp", "pg_temp, s1")
	}
	if w.once(8) {
		all = append(all, "s1, pg_catalog", "nowhere, s1", "''")
	}
	w.paths = some(w.dice, 3, all)
}

func (w *world) chooseNames() {
	w.tables = []string{"items", "orders", "members"}
	w.relations = slices.Clone(w.tables)
	if w.expect.partitions {
		w.tables = append(w.tables, "parts", "base", "kid", "parts_1")
		w.relations = append(w.relations, "parts", "base", "kid", "parts_1", "mat")
	}
	if w.expect.views {
		w.views = []string{"v1", "v2", "v3", "v4"}
		w.relations = append(w.relations, w.views...)
	}
	if w.expect.types {
		w.relations = append(w.relations, "typed")
	}
}

func (w *world) schema() string { return pick(w.dice, w.schemas...) }

// own gives an object of a schema that there was when the world was made.
func (w *world) own(names ...string) string { return w.schema() + "." + pick(w.dice, names...) }

// rel names a relation as programs do: mostly along the search_path.
func (w *world) rel() string { return w.named(w.relations) }

func (w *world) named(names []string) string {
	if w.percent(70) {
		return pick(w.dice, names...)
	}
	return w.own(names...)
}

func (w *world) role() string   { return pick(w.dice, roles...) }
func (w *world) tenant() string { return pick(w.dice, tenants...) }

func (w *world) String() string {
	return fmt.Sprintf("seed %d, themes %s, pgcache_rule=%q, default_query_exec_mode=%s, sessions begin with %q",
		w.seed, strings.Join(w.themes, ","), w.rule, w.mode, w.start)
}
