package shape

import (
	"database/sql"
	"fmt"
	"strings"
	"time"
)

// Tables makes the tables of all shapes in a database that doesn't have them. The large values are of digits that a store can't
// make much smaller.
var Tables = `
create table three as
  select g::bigint as id, 'owner number ' || g as owner, timestamptz '2026-01-01' + g * interval '1 minute' as since
  from generate_series(1001, 2000) g;
alter table three add primary key (id);
create table two as select g::bigint as a, (g * 7)::bigint as b from generate_series(1001, 6000) g;
alter table two add primary key (a);
create table wide as select g::bigint as id` + wideValues() + ` from generate_series(1001, 1100) g;
alter table wide add primary key (id);
create table large as
  select 1001::bigint as id, string_agg(md5(g::text), '') as body,
    decode(string_agg(md5(g::text) || md5((-g)::text), ''), 'hex') as raw
  from generate_series(1, 32768) g;
alter table large add primary key (id);
analyze three, two, wide, large;`

// kinds are the columns of wide rows, each of which comes four times.
var kinds = []struct {
	value string
	dest  func() any
}{
	{"(g * 1000003)::bigint", func() any { return new(int64) }},
	{"(g % 1000)::integer", func() any { return new(int32) }},
	{"'the name of number ' || g", func() any { return new(string) }},
	{"case when g % 3 > 0 then repeat('note ', g % 7) end", func() any { return new(sql.NullString) }},
	{"timestamptz '2026-01-01' + g * interval '1 hour'", func() any { return new(time.Time) }},
	{"g % 2 = 0", func() any { return new(bool) }},
	{"sqrt(g)::double precision", func() any { return new(float64) }},
	{"(g / 100.0)::numeric(10,2)", func() any { return new(string) }},
	{"md5(g::text)::uuid", func() any { return new(string) }},
	{"jsonb_build_object('n', g, 'even', g % 2 = 0)", func() any { return new(string) }},
}

const wideWidth = 40

func wideValues() string {
	var b strings.Builder
	for i := range wideWidth {
		fmt.Fprintf(&b, ", %s as c%d", kinds[i%len(kinds)].value, i+1)
	}
	return b.String()
}

func wideColumns() string {
	names := make([]string, wideWidth)
	for i := range names {
		names[i] = fmt.Sprintf("c%d", i+1)
	}
	return strings.Join(names, ", ")
}

func wideRow() []any {
	into := make([]any, wideWidth)
	for i := range into {
		into[i] = kinds[i%len(kinds)].dest()
	}
	return into
}
