package fanout_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gopgcache/pgcache/fanout"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

const manyRows = 20_000

// keys are the columns of the table "many": each a function of g, with NULLs,
// repeated values, gaps and extremes.
var keys = map[string]string{
	"small":                        "(g % 7)::smallint",
	"gaps":                         "case when g < 10000 then g else 9000000000000000000 + g end::bigint",
	"extremes":                     "case g when 1 then -9223372036854775808 when 2 then 9223372036854775807 else g end::bigint",
	"nulls":                        "case when g % 3 = 0 then null else g end::int",
	"words":                        "md5(g::text)",
	"skewed":                       "case when g % 100 = 0 then 'rare ' || g else 'often' end",
	"padded":                       "('x' || g % 50)::char(10)",
	"instant":                      "timestamptz '2024-01-01 00:00+00' + g * interval '1 minute'",
	"floats":                       "case when g % 500 = 0 then 'NaN' when g % 501 = 0 then '-Infinity' else (g / 7.0)::text end::float8",
	"exact":                        "(g * 1.25)::numeric",
	"uid":                          "md5(g::text)::uuid",
	"flags":                        "g % 2 = 0",
	"bits":                         "(g % 16)::bit(4)",
	"Weird\"; drop table many; --": "g",
}

// many makes the table of manyRows rows, with statistics or without.
func many(t *testing.T, db *sql.DB, analyzed bool) {
	columns := []string{"g as id"}
	for name, expression := range keys {
		columns = append(columns, expression+` as "`+strings.ReplaceAll(name, `"`, `""`)+`"`)
	}
	exec(t, db, fmt.Sprintf("create table many with (autovacuum_enabled = off) as select %s from generate_series(1, %d) g",
		strings.Join(columns, ", "), manyRows))
	if analyzed {
		exec(t, db, "analyze many")
	}
}

// split collects the ids, and checks that each is there once.
func split(t *testing.T, g fanout.Group, table fanout.Table, want int) []int {
	t.Helper()
	ids := make([]int, 0, want)
	for id, err := range fanout.Split[int](testContext(t), g, table) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	sorted := slices.Sorted(slices.Values(ids))
	if len(slices.Compact(sorted)) != len(ids) || len(ids) != want {
		t.Fatalf("%d rows, %d of them different, want %d", len(ids), len(slices.Compact(sorted)), want)
	}
	return ids
}

func TestSplitByKeyReadsEachRowOnce(t *testing.T) {
	for _, analyzed := range []bool{true, false} {
		db := postgres(t, 4)
		many(t, db, analyzed)
		for key := range keys {
			for _, ordered := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, ordered %v, analyzed %v", key, ordered, analyzed), func(t *testing.T) {
					g, parts := fanout.Group{DB: db, Workers: 3}, 0
					g.Progress = func(e fanout.Event) { parts = e.Total }
					table := fanout.Table{Name: "many", Columns: []string{"id"}, Key: key, Ordered: ordered, Parts: 16}
					ids := split(t, g, table, manyRows)
					if ordered {
						inOrder(t, db, key, ids)
					}
					if parts < 2 {
						t.Errorf("%d parts", parts)
					}
				})
			}
		}
		allBack(t, db)
	}
}

// inOrder asks PostgreSQL whether the rows of these ids are in the order of key.
func inOrder(t *testing.T, db *sql.DB, key string, ids []int) {
	var yes bool
	err := db.QueryRow(fmt.Sprintf(`
		select coalesce(bool_and(place >= before), true)
		from (select r.place, lag(r.place) over (order by i.n) as before
		      from unnest($1::int[]) with ordinality i(id, n)
		      join (select id, dense_rank() over (order by "%s") as place from many) r using (id)) x`,
		strings.ReplaceAll(key, `"`, `""`)), ids).Scan(&yes)
	if err != nil || !yes {
		t.Errorf("in order: %v, %v", yes, err)
	}
}

func TestSplitByBlocks(t *testing.T) {
	db := postgres(t, 4)
	many(t, db, false)
	parts := 0
	g := fanout.Group{DB: db, Workers: 3, Progress: func(e fanout.Event) { parts = e.Total }}
	split(t, g, fanout.Table{Name: "many", Columns: []string{"id"}}, manyRows)
	if parts != 24 {
		t.Errorf("%d parts, want eight for each of three workers", parts)
	}
	var plan string
	rows, err := fanout.Collect(testContext(t), g, fanout.Select[[]string]("explain select id from many where ctid >= $1 and ctid < $2", "(10,0)", "(20,0)"))
	if err != nil {
		t.Fatal(err)
	}
	if plan = strings.Join(rows[0], "\n"); !strings.Contains(plan, "Tid Range Scan") {
		t.Errorf("not a range scan:\n%s", plan)
	}
}

func TestSplitOfWhatIsNoPlainTable(t *testing.T) {
	db := postgres(t, 4)
	many(t, db, true)
	exec(t, db,
		"create view seen as select id, words from many",
		"create table empty (id int)",
		`create schema "other one"`,
		`create table "other one"."Odd.name" as select id from many limit 1000`,
		"create table pieces (id int, k int) partition by range (k)",
		"create table piece1 partition of pieces for values from (0) to (500)",
		"create table piece2 partition of pieces for values from (500) to (1000)",
		"insert into pieces select g, g % 1000 from generate_series(1, 5000) g",
		"create table one as select 1 as id")
	for name, c := range map[string]struct {
		table fanout.Table
		want  int
	}{
		"view":                {fanout.Table{Name: "seen", Columns: []string{"id"}, Key: "words", Ordered: true}, manyRows},
		"empty by key":        {fanout.Table{Name: "empty", Key: "id"}, 0},
		"empty by block":      {fanout.Table{Name: "empty"}, 0},
		"one row":             {fanout.Table{Name: "one", Key: "id"}, 1},
		"quoted":              {fanout.Table{Schema: "other one", Name: "Odd.name", Key: "id"}, 1000},
		"quoted by block":     {fanout.Table{Schema: "other one", Name: "Odd.name"}, 1000},
		"partitioned":         {fanout.Table{Name: "pieces", Columns: []string{"id"}, Key: "k"}, 5000},
		"partitioned, block":  {fanout.Table{Name: "pieces", Columns: []string{"id"}}, 5000},
		"one part":            {fanout.Table{Name: "many", Columns: []string{"id"}, Key: "id", Parts: 1}, manyRows},
		"condition":           {fanout.Table{Name: "many", Columns: []string{"id"}, Key: "id", Where: "id > $1 or id = $2 -- both", Args: []any{19000, 7}}, 1001},
		"condition by word":   {fanout.Table{Name: "many", Columns: []string{"id"}, Key: "words", Where: "id > $1", Args: []any{19000}}, 1000},
		"condition by block":  {fanout.Table{Name: "many", Columns: []string{"id"}, Where: "id > $1 or id = $2", Args: []any{19000, 7}}, 1001},
		"more parts than ids": {fanout.Table{Name: "many", Columns: []string{"id"}, Key: "id", Where: "id < 4", Parts: 100}, 3},
	} {
		t.Run(name, func(t *testing.T) { split(t, fanout.Group{DB: db}, c.table, c.want) })
	}
	allBack(t, db)
}

func TestSplitReadsStructs(t *testing.T) {
	db := postgres(t, 0)
	many(t, db, true)
	type row struct {
		ID    int
		Words string
		Nulls *int
	}
	n := 0
	for r, err := range fanout.Split[row](testContext(t), fanout.Group{DB: db},
		fanout.Table{Name: "many", Columns: []string{"id", "words", "nulls"}, Key: "id", Ordered: true}) {
		if n++; err != nil || r.ID != n || len(r.Words) != 32 || (r.Nulls == nil) != (n%3 == 0) {
			t.Fatalf("row %d: %+v, %v", n, r, err)
		}
	}
	if n != manyRows {
		t.Errorf("%d rows", n)
	}
}

// A writer moves rows to other key ranges all the time: one snapshot has each once.
func TestSplitSeesOneSnapshot(t *testing.T) {
	dsn := pgtest.Database(t)
	db, writer := open(t, dsn, 4), open(t, dsn, 1)
	exec(t, db, "create table moving as select g as id, g as k from generate_series(1, 2000) g",
		"create index on moving (k)", "analyze moving")
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for ctx.Err() == nil {
			if _, err := writer.ExecContext(ctx, "update moving set k = 2000 - k where id % 10 = (random() * 10)::int"); err != nil && ctx.Err() == nil {
				t.Error(err)
				return
			}
		}
	}()
	for range 30 {
		for _, key := range []string{"k", ""} {
			split(t, fanout.Group{DB: db}, fanout.Table{Name: "moving", Columns: []string{"id"}, Key: key}, 2000)
		}
	}
	stop()
	<-stopped
}

// scanned counts the rows that were read, as a type that counts its scans.
var scanned atomic.Int64

type counted int64

func (c *counted) Scan(src any) error {
	scanned.Add(1)
	*c = counted(src.(int64))
	return nil
}

func TestSplitHoldsAtMostBufferRows(t *testing.T) {
	db := postgres(t, 0)
	many(t, db, true)
	for _, c := range []struct {
		buffer, workers, parts int
		ordered                bool
	}{
		{64, 4, 64, false},
		{64, 4, 64, true},
		{16, 4, 64, true},
		{1000, 8, 64, true},
		{1000, 1, 64, true},
		{0, 8, 64, true},
		{0, 8, 64, false},
		{1000, 4, 800, true}, // many parts end before the first is taken
		{1000, 4, 800, false},
	} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			scanned.Store(0)
			bound := int64(c.buffer)
			if bound == 0 {
				bound = 16384
			}
			n, most := int64(0), int64(0)
			for _, err := range fanout.Split[counted](testContext(t), fanout.Group{DB: db, Workers: c.workers},
				fanout.Table{Name: "many", Columns: []string{"id"}, Key: "id", Ordered: c.ordered, Buffer: c.buffer, Parts: c.parts}) {
				if err != nil {
					t.Fatal(err)
				}
				if n == 0 {
					letWorkersRunAhead(t, db)
				}
				most = max(most, scanned.Load()-n)
				n++
			}
			if n != manyRows || most > bound {
				t.Errorf("%d rows, at most %d of them held, bound %d", n, most, bound)
			}
		})
	}
}

// letWorkersRunAhead returns when no row was read for as long as many round trips take.
func letWorkersRunAhead(t *testing.T, db *sql.DB) {
	for before, still := int64(-1), 0; still < 50; still++ {
		if now := scanned.Load(); now != before {
			before, still = now, 0
		}
		exec(t, db, "select 1")
	}
}

func TestLeavingASplit(t *testing.T) {
	dsn := pgtest.Database(t)
	db, admin := open(t, dsn, 0), open(t, dsn, 0)
	many(t, db, true)
	for _, table := range []fanout.Table{
		{Name: "many", Columns: []string{"id"}},
		{Name: "many", Columns: []string{"id"}, Key: "words", Ordered: true, Buffer: 16},
	} {
		for range fanout.Split[int](testContext(t), fanout.Group{DB: db}, table) {
			break
		}
		allBack(t, db)
		nothingLeft(t, admin)
	}
}

// No row comes after a gap: an ordered read ends where its failing part begins to
// miss rows, and any read ends with the error.
func TestSplitFails(t *testing.T) {
	dsn := pgtest.Database(t)
	db, admin := open(t, dsn, 0), open(t, dsn, 0)
	many(t, db, true)
	exec(t, db, "create view failing as select id, 1 / (id - 12345) as n from many")
	for _, ordered := range []bool{false, true} {
		var last error
		n := 0
		for r, err := range fanout.Split[map[string]any](testContext(t), fanout.Group{DB: db},
			fanout.Table{Name: "failing", Key: "id", Ordered: ordered, Buffer: 256}) {
			if last != nil {
				t.Fatal("the loop goes on after an error")
			}
			if last = err; err != nil {
				break
			}
			if n++; ordered && r["id"] != int64(n) {
				t.Fatalf("row %d has id %v", n, r["id"])
			}
		}
		if !state("22012")(last) || n >= 20_000 || ordered && n >= 12345 {
			t.Errorf("%d rows, then %v", n, last)
		}
		allBack(t, db)
		nothingLeft(t, admin)
	}
}

func TestSplitMisuse(t *testing.T) {
	db := postgres(t, 1)
	exec(t, db, "create table t (id int)")
	nested := fanout.Query[int]{SQL: "select 1", Read: func(ctx context.Context, _ *sql.Rows) (int, error) {
		for _, err := range fanout.Split[int](ctx, fanout.Group{DB: db}, fanout.Table{Name: "t"}) {
			return 0, err
		}
		return 0, nil
	}}
	_, nestedErr := fanout.Collect(testContext(t), fanout.Group{DB: db}, nested)
	if !errors.Is(nestedErr, fanout.ErrNested) {
		t.Errorf("got %v", nestedErr)
	}
	for want, c := range map[string]struct {
		db    *sql.DB
		table fanout.Table
	}{
		"fanout: Group.DB is nil":             {nil, fanout.Table{Name: "t"}},
		"fanout: Table.Name is empty":         {db, fanout.Table{}},
		"fanout: Table.Ordered needs a Key":   {db, fanout.Table{Name: "t", Ordered: true}},
		`fanout: where to cut "x": `:          {db, fanout.Table{Name: "x", Key: "id"}},
		`fanout: where to cut "t": `:          {db, fanout.Table{Name: "t", Key: "no", Parts: 4}},
		`fanout: where to cut "nowhere"."t":`: {db, fanout.Table{Schema: "nowhere", Name: "t", Key: "id"}},
		`fanout: where to cut "missing":`:     {db, fanout.Table{Name: "missing"}},
	} {
		n := 0
		for _, err := range fanout.Split[int](testContext(t), fanout.Group{DB: c.db}, c.table) {
			n++
			if err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("got %v, want %s", err, want)
			}
		}
		if n != 1 {
			t.Errorf("%s: the loop ran %d times", want, n)
		}
	}
}
