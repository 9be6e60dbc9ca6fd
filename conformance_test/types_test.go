package conformance_test

import (
	"database/sql"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// column is a table with one column of a type and one of its arrays.
type column struct {
	typeName string // for the test's name
	sql      string // the type, as SQL writes it
	array    bool   // there are arrays of it
	literals []string
	want     served
}

// TestBaseTypes reads a column of every base type, range and multirange that the server brings along, and of its arrays.
func TestBaseTypes(t *testing.T) {
	dsn := database(t, "")
	db := openWith(t, "pgx", dsn)
	var columns []column
	for _, c := range builtinTypes(t, db) {
		values, known := literals[c.typeName]
		if !known {
			t.Errorf("type %s has no line in the table of literals", c.typeName)
		}
		c.literals, c.want = values, once
		switch {
		case namesCatalogs[c.typeName]:
			c.want = whatever
		case c.typeName == "timetz":
			c.want = never // a time compared with one takes the offset of today
		}
		columns = append(columns, c)
	}
	if len(columns) < 75 {
		t.Errorf("found %d types only", len(columns))
	}
	readEverywhere(t, dsn, columns)
}

// builtinTypes asks the server for the types that columns can have, arrays left out: they go with their elements.
func builtinTypes(t *testing.T, db *sql.DB) (columns []column) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `
		select typname, 'pg_catalog.' || quote_ident(typname), typarray <> 0
		from pg_type t
		where typnamespace = 'pg_catalog'::regnamespace and typtype in ('b', 'r', 'm') and typinput <> 0
			and not exists (select from pg_type e where e.typarray = t.oid)
		order by typname`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var c column
		if err := rows.Scan(&c.typeName, &c.sql, &c.array); err != nil {
			t.Fatal(err)
		}
		columns = append(columns, c)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return columns
}

// TestOwnTypes does the same with enums, domains, composites and ranges of the user's, and with type modifiers.
func TestOwnTypes(t *testing.T) {
	dsn := database(t, ownTypes)
	var columns []column
	for _, name := range slices.Sorted(maps.Keys(ownLiterals)) {
		want := once
		if strings.HasPrefix(name, "timetz") {
			want = never
		}
		columns = append(columns, column{typeName: name, sql: name, array: true, literals: ownLiterals[name], want: want})
	}
	readEverywhere(t, dsn, columns)
}

// readEverywhere makes a table per column and reads it in every mode.
func readEverywhere(t *testing.T, dsn string, columns []column) {
	t.Helper()
	db := openWith(t, "pgx", dsn)
	for i, c := range columns {
		if _, err := db.ExecContext(t.Context(), c.table(i)); err != nil {
			t.Fatalf("%s: %v", c.typeName, err)
		}
	}
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			p := open(t, dsn, "default_query_exec_mode="+mode)
			for i, c := range columns {
				t.Run(c.typeName, func(t *testing.T) {
					seen := p.both(t, c.want, func(s *subject) {
						s.query(s.db, fmt.Sprintf("select * from t%d order by id", i))
					})
					if rows := strings.Count(seen, "\nrow "); rows < 1+len(c.literals) || !strings.Contains(seen, "\nended: none") {
						t.Errorf("pgx itself gave %d rows: %s", rows, seen)
					}
				})
			}
		})
	}
}

// table makes the table: a row with NULLs, a row per literal, and rows with arrays that are empty, flat and square.
func (c column) table(number int) string {
	var b strings.Builder
	arrays := c.sql + "[]"
	if !c.array {
		arrays = "int" // a stand-in
	}
	fmt.Fprintf(&b, "create table t%d (id serial, v %s, a %s);", number, c.sql, arrays)
	insert := func(v, a string) { fmt.Fprintf(&b, "insert into t%d (v, a) values (%s, %s);", number, v, a) }
	insert("null", "null")
	for _, literal := range c.literals {
		insert(quote(literal), "null")
	}
	if !c.array {
		return b.String()
	}
	var all []string
	for _, literal := range c.literals {
		all = append(all, quote(literal)+"::"+c.sql)
	}
	all = append(all, "null")
	flat := "array[" + strings.Join(all, ",") + "]::" + arrays
	insert("null", "'{}'")
	insert("null", "array[null]::"+arrays)
	insert("null", flat)
	if c.sql != "labels" { // arrays of a domain over arrays make no squares
		insert("null", fmt.Sprintf("array[%s, %s]::%s", flat, flat, arrays))
	}
	return b.String()
}

func quote(literal string) string { return "'" + strings.ReplaceAll(literal, "'", "''") + "'" }

// TestCatalogRowArrays reads the remaining base types of the catalog: arrays of the rows of system tables and views.
func TestCatalogRowArrays(t *testing.T) {
	dsn := database(t, `
		do $$
		declare kind record;
		begin
			create table wide (id int);
			-- Some have columns of pseudo-types, which no other table may hold, or of such a table's rows.
			for kind in
				select format('pg_catalog.%I', a.typname) as array, a.typname
				from pg_type e join pg_type a on a.oid = e.typarray
				where e.typtype = 'c' and e.typnamespace = 'pg_catalog'::regnamespace
					and e.typname <> 'pg_statistic_ext_data'
					and not exists (select from pg_attribute c join pg_type k on k.oid = c.atttypid where c.attrelid = e.typrelid and k.typtype = 'p')
			loop
				execute format('alter table wide add column %I %s', kind.typname, kind.array);
			end loop;
			insert into wide values (1), (2);
			for kind in select attname from pg_attribute where attrelid = 'wide'::regclass and attname ~ '^_' and attnum > 0 loop
				execute format('update wide set %I = ''{}'' where id = 2', kind.attname);
			end loop;
		end $$`)
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			p := open(t, dsn, "default_query_exec_mode="+mode)
			seen := p.both(t, once, func(s *subject) { s.query(s.db, "select * from wide order by id") })
			if columns := strings.Count(seen, "\ncolumn "); columns < 100 {
				t.Errorf("%d columns only", columns)
			}
		})
	}
}

// TestLargeValues reads values of a MiB, beside empty ones.
func TestLargeValues(t *testing.T) {
	const size = 1 << 20
	inEveryMode(t, `
		create table large (id int, t text, v varchar, b bytea, j json, jb jsonb, x xml, a text[]);
		insert into large
		select n, r, r, decode(repeat('00ff', n / 2), 'hex'), to_json(r), to_jsonb(r), r::xml, array[r, null, '']
		from unnest(array[0, 1, 1048575, 1048576]) n, repeat('x', n) r`,
		func(t *testing.T, p *pair) {
			for _, name := range []string{"t", "v", "b", "j", "jb", "x", "a"} {
				seen := p.both(t, once, func(s *subject) {
					s.query(s.db, "select "+name+" from large order by id")
				})
				if name == "t" && !strings.Contains(seen, fmt.Sprintf("string(%d bytes", size)) {
					t.Errorf("no value of a MiB: %s", seen)
				}
			}
		})
}

// TestSettings reads types whose text depends on the session's settings, in sessions that set them. Some modes get text,
// of which pgx can't read every style: then the errors have to be equal.
func TestSettings(t *testing.T) {
	dsn := database(t, `
		create table styles (id int, d date, ts timestamp, tz timestamptz, i interval, f float8, b bytea, m money, r tstzrange, x xml);
		insert into styles values
			(1, '2024-02-03', '2024-02-03 04:05:06.789', '2024-02-03 04:05:06.789+00', '1 day -2 hours', 1.0/3, '\xff00', 12.34,
			'[2024-01-01 00:00+00,]', '<a/>'),
			(2, 'infinity', '-infinity', '1900-01-01 00:00+00', '1 mon', 1e-300, '', -1, 'empty', '')`)
	for _, setting := range []string{
		"timezone=UTC", "timezone=America/New_York", "timezone=Africa/Monrovia", "datestyle=German,DMY", "datestyle=SQL,MDY",
		"datestyle=Postgres", "intervalstyle=iso_8601", "intervalstyle=sql_standard", "extra_float_digits=-9",
		"bytea_output=escape", "application_name=x",
	} {
		for _, mode := range unlikeModes {
			t.Run(setting+"/"+mode, func(t *testing.T) {
				p := open(t, dsn, setting, "default_query_exec_mode="+mode)
				for _, name := range []string{"*", "d", "ts", "tz", "i", "f", "b", "m", "r", "x"} {
					p.both(t, once, func(s *subject) { s.query(s.db, "select "+name+" from styles order by id") })
				}
			})
		}
	}
}

// TestScanTypes reads each column into a value of the type that its ColumnTypes propose.
func TestScanTypes(t *testing.T) {
	inEveryMode(t, `
		create table all_kinds (id int, s int2, b int8, f4 float4, f8 float8, n numeric, o bool, d date, z timestamptz, y bytea, t text, j jsonb, u uuid);
		insert into all_kinds values (1, 2, 3, 4.5, 5.5, 6.50, true, '2024-01-01', '2024-01-01 00:00+00', '\x01', 't', '{}', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11')`,
		func(t *testing.T, p *pair) {
			seen := p.both(t, once, func(s *subject) { s.scanTypes("select * from all_kinds") })
			if !strings.Contains(seen, "row 1: []interface {}[*int32") || strings.Contains(seen, "error: \"") {
				t.Errorf("pgx itself gave %s", seen)
			}
		})
}

// newOf gives a pointer to a new value of each column's scan type.
func newOf(types []*sql.ColumnType) (dest []any) {
	for _, c := range types {
		dest = append(dest, reflect.New(c.ScanType()).Interface())
	}
	return dest
}

func (s *subject) scanTypes(query string) {
	s.t.Helper()
	rows, err := s.db.QueryContext(s.ctx, query)
	s.must(err)
	defer rows.Close()
	types, err := rows.ColumnTypes()
	s.must(err)
	for n := 1; rows.Next(); n++ {
		dest := newOf(types)
		err := rows.Scan(dest...)
		s.saw(fmt.Sprintf("row %d", n), dest, err)
	}
	s.must(rows.Err())
}
