package sessions_test

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"
)

// query is a text that is read again and again, with one of several lists of arguments.
type query struct {
	sql     string
	args    [][]any
	kind    string
	ordered bool
	scalar  bool // one column
}

// makeQuery makes a query of one of many kinds.
func (w *world) makeQuery() query {
	shaped := 1
	if slices.ContainsFunc(w.settings, setting.shapes) {
		shaped = 4
	}
	q := choose(w.dice,
		option[query]{34, w.plainQuery},
		option[query]{14, w.joinQuery},
		option[query]{12, w.aggregateQuery},
		option[query]{8, w.withQuery},
		option[query]{8, w.functionQuery},
		option[query]{7 * shaped, w.typedQuery},
		option[query]{4 * shaped, w.settingQuery},
		option[query]{3, w.valuesQuery},
		option[query]{3, w.stateQuery},
		option[query]{2, w.hintedQuery},
	)
	if q.args == nil {
		q.args = [][]any{nil}
	}
	return q
}

// opaqueQuery reads through functions of the user's that are not immutable. Where those may write, so may it, and with it
// the whole cache goes.
func (w *world) opaqueQuery() query {
	sql := pick(w.dice,
		"select stab()", "select pstab('t1')", "select atom()", "select who()", "select ten()", "select volread(1)",
		"select definer()", "select fixed()", "select id, n + stab() from R where n > 2", "select id from R where owner = who()",
		"select * from volread(2)", "select honest(id) from R", "select id, honest(n) from R where honest(id) > 0")
	return query{sql: w.fill(sql), kind: "opaque", args: [][]any{nil}}
}

// fill puts names of relations in for R, Q and the schemas for S.
func (w *world) fill(text string) string {
	return strings.NewReplacer("R ", w.rel()+" ", "Q ", w.rel()+" ", "S.", w.schema()+".").Replace(text + " ")
}

// ints are arguments for an integer, of several Go types. Some suit no mode, or not every one: that is an error both ways.
func (w *world) ints() [][]any {
	n := 4 + w.IntN(8)
	text := fmt.Sprint(n)
	return some(w.dice, 3, [][]any{
		{n},
		{int64(n)},
		{int64(n + 1)},
		{int32(n)},
		{text},
		{&n},
		{float64(n)},
		{uint8(n)},
		{nil},
		{sql.NullInt64{Int64: int64(n), Valid: true}},
		{sql.NullInt64{}},
		{[]byte(text)},
		{int64(-n)},
	})
}

func (w *world) texts() [][]any {
	t := w.tenant()
	return some(w.dice, 3, [][]any{
		{t}, {w.tenant()}, {&t}, {[]byte(t)}, {sql.NullString{String: t, Valid: true}}, {sql.NullString{}}, {nil}, {""}, {"it's"}, {strings.ToUpper(t)},
	})
}

func (w *world) plainQuery() query {
	type sketch struct {
		sql  string
		args func() [][]any
	}
	s := pick(w.dice, []sketch{
		{"select * from R ", nil},
		{"select * from R ", nil},
		{"table R ", nil},
		{"select id, tenant, owner, n from R ", nil},
		{"select id, n from R where n > $1", w.ints},
		{"select id, owner from R where tenant = $1", w.texts},
		{"select id, tenant, n * 2 as twice from R where n % 2 = 0 or owner = 'alice'", nil},
		{"select distinct tenant, owner from R ", nil},
		{"select id, case tenant when 't0' then 'zero' else owner end, coalesce(n, 0) from R where id between 1 and $1", w.ints},
		{"select * from R where id = $1", w.ints},
		{"select r.* from R r where r.tenant in ('t0', $1)", w.texts},
		{"select id, n from R where tenant = current_setting('app.tenant', true)", nil},
		{"select id, current_setting('app.tenant', true), n from R where n > coalesce(nullif(current_setting('app.depth', true), '')::int, 0)", nil},
		{"select id, $1::text, n from R where n is not null", w.texts},
		{"select * from R where id = any ($1)", func() [][]any { return [][]any{{[]int64{1, 2, 3}}, {[]int64{2}}, {"{1,2}"}} }},
	}...)
	q := query{sql: w.fill(s.sql), kind: "plain"}
	if s.args != nil {
		q.args = s.args()
	}
	if columns, _, _ := strings.Cut(q.sql, " from "); w.once(3) && strings.HasPrefix(q.sql, "select id") && strings.Count(columns, ",") == 1 {
		q.sql, q.ordered = q.sql+"order by 1, 2", true
	}
	return q
}

func (w *world) joinQuery() query {
	return query{kind: "join", sql: w.fill(pick(w.dice,
		"select a.id, a.n, b.owner from R a join Q b on a.id = b.id",
		"select a.id, b.n from R a left join Q b on a.id = b.id and b.n > 3",
		"select count(*) from R a, Q b where a.tenant = b.tenant",
		"select id, n from R union all select id, n from Q ",
		"select tenant from R intersect select tenant from Q ",
		"select id from R except select id from Q ",
		"select id, (select max(n) from Q b where b.tenant = a.tenant) from R a",
		"select id from R a where exists (select 1 from Q b where b.id = a.id and b.n > 2)",
		"select id from R where id not in (select id from Q where id is not null)",
		"select a.id, x.n from R a cross join lateral (select sum(n) as n from Q b where b.owner = a.owner) x",
		"select * from (select tenant, n from R ) x natural join (select tenant, count(*) as c from Q group by 1) y",
	))}
}

func (w *world) aggregateQuery() query {
	scalar := w.once(2)
	if scalar {
		return query{kind: "aggregate", scalar: true, sql: w.fill(pick(w.dice,
			"select count(*) from R ", "select sum(n) from R ", "select max(id) from R where n > 1",
			"select string_agg(owner, ',' order by id, owner) from R ", "select array_agg(n order by n, id) from R ",
			"select bool_and(n > 0) from R ", "select count(distinct tenant) from R "))}
	}
	return query{kind: "aggregate", sql: w.fill(pick(w.dice,
		"select tenant, count(*), sum(n), min(owner) from R group by tenant",
		"select tenant, owner, count(*) from R group by rollup (tenant, owner)",
		"select id, n, rank() over (partition by tenant order by n, id) from R ",
		"select owner, avg(n)::numeric(10,2) from R group by owner having count(*) > 1",
		"select tenant, count(*) filter (where n > 4) from R group by 1",
	))}
}

func (w *world) withQuery() query {
	return query{kind: "with", sql: w.fill(pick(w.dice,
		"with x as (select * from R where n % 2 = 0) select count(*), min(n) from x",
		"with x as (select id from R ), y as (select id from x union select id from Q ) select * from y",
		"with recursive x(i) as (select 1 union all select i + 1 from x where i < 5) select i, n from x join R r on r.id = i",
		"with items as (select id, n from R ) select * from items",
		"with x as materialized (select tenant, n from R ) select tenant, sum(n) from x group by 1",
	))}
}

func (w *world) functionQuery() query {
	if !w.expect.functions {
		return w.aggregateQuery()
	}
	return query{kind: "function", sql: w.fill(pick(w.dice,
		"select id, imm(n) from R ", "select id from R where imm(id) > 8", "select pimm(3), nest(4)", "select id, nest(n) from R ",
		"select S.imm(5)", "select agg(n) from R ", "select tenant, S.agg(n) from R group by 1", "select count(*) from R where pimm(n) % 2 = 0",
		"select abs(n), upper(owner), length(tenant) from R ", "select g, imm(g) from generate_series(1, 3) g",
		"select substring(owner, 1, 2), trim(tenant) from R ", "select imm(imm(2))", "values (imm(1), pimm(1))"))}
}

func (w *world) typedQuery() query {
	if !w.expect.types {
		return w.plainQuery()
	}
	texts := []string{
		"select * from T", "select id, at, plain, day, tod, span from T", "select share, small, shares, bits from T",
		"select feel, num, list, during, pair, uid from T", "select * from T where feel = 'ok'", "select id from T where num > 2 and flag",
		"select id from T where at > '2024-03-04 12:00'", "select id from T where day = '03/04/2024'", "select id from T where day > '5.3.2024'",
		"select at::text, day::text, span::text, share::text, bits::text from T", "select to_char(at, 'YYYY-MM-DD HH24:MI') from T",
		"select date_trunc('day', at), at::date, plain::timestamptz from T", "select concat(day, ' ', share), format('%s', at) from T",
		"select jsonb_agg(at order by id) from T", "select row_to_json(t) from T t", "select t from T t", "select (pair).a, (pair).b from T",
		"select array_to_string(shares, ';') from T", "select to_tsvector('the cats ' || label) from T",
		"select id from T where during @> '2024-03-01 12:00'::timestamptz", "select cash, code, label, price, doc from T",
		"select feel from T order by feel desc, id", "select doc->'n', doc->>'n' from T", "select count(*), sum(share) > 0 from T group by day",
	}
	q := query{kind: "typed", sql: strings.ReplaceAll(pick(w.dice, texts...), "T", w.named([]string{"typed"}))}
	if w.once(4) {
		q.sql = "select id, at from " + w.named([]string{"typed"}) + " where at < $1"
		at := time.Date(2024, 3, 4, 17, 45, 0, 0, time.UTC)
		q.args = [][]any{{at}, {at.In(time.Local)}, {"2024-03-04 17:45"}, {at.Add(time.Hour)}, {at.In(time.FixedZone("", 3600))}}
	}
	return q
}

// settingQuery reads what the parser itself makes of the settings.
func (w *world) settingQuery() query {
	return query{kind: "setting", sql: w.fill(pick(w.dice,
		"select '2024-07-01 12:00'::timestamptz from R ", "select '01/02/2024'::date from R ", "select '{a,NULL}'::text[] from R ",
		"select id from R where owner = null", "select 1.0::float8 / 3 from R ", "select '1 day 2 hours'::interval from R ",
		`select '\xff'::bytea::text from R `, `select 'a\b' from R `, "select 'é', owner from R ", "select array[1.0::float8 / 3] from R ",
		"select timestamptz '2024-07-01 12:00+00' from R ", "select ('2024-07-01 12:00'::timestamptz)::text from R "))}
}

func (w *world) valuesQuery() query {
	return query{kind: "values", args: w.ints(), sql: pick(w.dice,
		"values (1, 'a'), ($1::int, 'b')", "select $1::int + 1", "select $1::text", "select * from (values (1), ($1::int)) v(x)")}
}

// stateQuery asks for what no cache may answer.
func (w *world) stateQuery() query {
	return query{kind: "state", sql: w.fill(pick(w.dice,
		"select current_user, session_user", "select current_setting('app.tenant', true), current_setting('search_path')",
		"select current_schema, current_schemas(false)", "show search_path", "show timezone", "select to_regclass('items')::text",
		"select 'items'::regclass::oid > 0", "select relname from pg_class where relnamespace = to_regnamespace('s1') and relkind in ('r', 'v')",
		"select last_value from S.seq", "select has_table_privilege('S.items', 'select')", "select count(*) from information_schema.tables where table_schema = 's1'",
		"select polname, pg_get_expr(polqual, polrelid) from pg_policy", "select * from R tablesample bernoulli (100)", "select n from vvol limit 0",
		"select count(*) from pg_locks where locktype = 'advisory'", "select id from R for update", "select rolbypassrls from pg_roles where rolname = 'alice'"))}
}

func (w *world) hintedQuery() query {
	return query{kind: "hinted", sql: w.fill(pick(w.dice,
		"/* pgcache: key=eu */ select * from R ", "select * from R -- pgcache: key=us", "/* pgcache: off */ select * from R ",
		"/* pgcache: refresh */ select * from R ", "/* pgcache: rule=all ttl=30m */ select count(*) from R ", "/* pgcache: rule=none */ select * from R "))}
}
