package fanout

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// Table says what Split reads: a table, materialized view, or with a Key any view.
//
// Schema, Name, Columns and Key are names as the catalog has them, and are quoted;
// Where is SQL and is not: never build it from a stranger's input, use Args.
type Table struct {
	Schema  string   // empty: found by search_path
	Name    string   //
	Columns []string // empty: all
	Where   string   // a condition with its parameters as $1, $2, …; empty: every row
	Args    []any    // the parameters

	// Key is the column by whose ranges the rows are dealt out: one with an index,
	// of any type that can be ordered. Integers are cut evenly between the lowest
	// and the highest, other types where the planner's statistics (ANALYZE) or else
	// the values themselves say. Without Key the table is cut by its blocks (ctid),
	// which needs no index, and is fast from PostgreSQL 14 on.
	Key string

	// Ordered yields the rows in the order of Key, NULLs last; rows of equal keys
	// come in any order. Without it rows come as they are read. A worker that is
	// ahead of the loop by its share of Buffer waits.
	Ordered bool

	Parts  int // ranges to cut the table into; 0: eight for each worker
	Buffer int // most rows read and not yet yielded; 0: 16,384
}

// statement is SQL with its parameters.
type statement struct {
	sql  string
	args []any
}

// cut makes one statement for each range of the table. The ranges are open at
// both ends and every cut is the end of one and the beginning of the next, so each
// row is in exactly one of them wherever the cuts are: they may be out of date, and
// need not be read in the snapshot.
func (t Table) cut(ctx context.Context, db *sql.DB) ([]statement, error) {
	switch {
	case t.Name == "":
		return nil, errors.New("fanout: Table.Name is empty")
	case t.Ordered && t.Key == "":
		return nil, errors.New("fanout: Table.Ordered needs a Key")
	}
	cuts, err := t.cuts(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("fanout: where to cut %s: %w", t.relation(), err)
	}
	if len(cuts) == 0 {
		return []statement{t.read("")}, nil
	}
	column := t.column()
	lower := fmt.Sprintf("%s >= $%d", column, len(t.Args)+1)
	reads := []statement{t.read(fmt.Sprintf("%s < $%d", column, len(t.Args)+1), cuts[0])}
	for i := 1; i < len(cuts); i++ {
		reads = append(reads, t.read(fmt.Sprintf("%s and %s < $%d", lower, column, len(t.Args)+2), cuts[i-1], cuts[i]))
	}
	reads = append(reads, t.read(lower, cuts[len(cuts)-1]))
	if t.Key != "" {
		reads = append(reads, t.read(column+" is null"))
	}
	return reads, nil
}

// cuts returns ascending values of the column, in their text form: PostgreSQL gives
// a parameter the column's own type.
func (t Table) cuts(ctx context.Context, db *sql.DB) ([]any, error) {
	if t.Parts <= 1 {
		return nil, nil
	}
	if t.Key == "" {
		return t.blockCuts(ctx, db)
	}
	integer, err := t.integerKey(ctx, db)
	if err != nil {
		return nil, err
	}
	if integer {
		return t.integerCuts(ctx, db)
	}
	cuts, err := t.statisticsCuts(ctx, db)
	if err != nil || len(cuts) > 0 {
		return cuts, err
	}
	return t.percentileCuts(ctx, db)
}

func (t Table) blockCuts(ctx context.Context, db *sql.DB) ([]any, error) {
	var blocks int64
	err := db.QueryRowContext(ctx,
		"select pg_relation_size($1::text::regclass) / current_setting('block_size')::bigint", t.relation()).Scan(&blocks)
	if err != nil {
		return nil, err
	}
	var cuts []any
	for _, block := range evenly(0, blocks, t.Parts) {
		cuts = append(cuts, fmt.Sprintf("(%d,0)", block))
	}
	return cuts, nil
}

func (t Table) integerKey(ctx context.Context, db *sql.DB) (bool, error) {
	var typ string
	err := db.QueryRowContext(ctx,
		fmt.Sprintf("select pg_typeof((select %s from %s limit 0))::text", t.column(), t.relation())).Scan(&typ)
	return slices.Contains([]string{"smallint", "integer", "bigint"}, typ), err
}

func (t Table) integerCuts(ctx context.Context, db *sql.DB) ([]any, error) {
	var lowest, highest sql.Null[int64]
	err := db.QueryRowContext(ctx,
		fmt.Sprintf("select min(%[1]s), max(%[1]s) from %[2]s%[3]s", t.column(), t.relation(), t.where("")), t.Args...,
	).Scan(&lowest, &highest)
	if err != nil || !lowest.Valid {
		return nil, err
	}
	var cuts []any
	for _, key := range evenly(lowest.V, highest.V, t.Parts) {
		cuts = append(cuts, fmt.Sprint(key))
	}
	return cuts, nil
}

// evenly returns the values that cut [lowest, highest] into n ranges, without
// repeating any. The distance may be larger than the largest int64.
func evenly(lowest, highest int64, n int) []int64 {
	distance := uint64(highest) - uint64(lowest)
	var cuts []int64
	for i := 1; i < n; i++ {
		high, low := bits.Mul64(distance, uint64(i))
		offset, _ := bits.Div64(high, low, uint64(n))
		cut := lowest + int64(offset)
		if cut > lowest && (len(cuts) == 0 || cut > cuts[len(cuts)-1]) {
			cuts = append(cuts, cut)
		}
	}
	return cuts
}

// statisticsCuts takes the planner's histogram, which costs no scan. It is about
// the whole table: with a Where the ranges may be uneven.
func (t Table) statisticsCuts(ctx context.Context, db *sql.DB) ([]any, error) {
	bounds, err := texts(ctx, db, `
		select bound
		from (select histogram_bounds
		      from pg_stats s
		      join pg_namespace n on n.nspname = s.schemaname
		      join pg_class c on c.relnamespace = n.oid and c.relname = s.tablename
		      where c.oid = $1::text::regclass and s.attname = $2
		      order by s.inherited desc
		      limit 1) s,
		     unnest(s.histogram_bounds::text::text[]) with ordinality as b(bound, n)
		order by b.n`, t.relation(), t.Key)
	if err != nil || len(bounds) < 3 {
		return nil, err
	}
	var cuts []any
	for _, i := range evenly(0, int64(len(bounds)-1), t.Parts) {
		cuts = append(cuts, bounds[i])
	}
	return cuts, nil
}

// percentileCuts reads the key of every row.
func (t Table) percentileCuts(ctx context.Context, db *sql.DB) ([]any, error) {
	fractions := make([]string, 0, t.Parts)
	for i := 1; i < t.Parts; i++ {
		fractions = append(fractions, fmt.Sprint(float64(i)/float64(t.Parts)))
	}
	return texts(ctx, db, fmt.Sprintf(`
		select s.cut::text
		from (select distinct unnest(percentile_disc(array[%s]::float8[]) within group (order by %s)) as cut
		      from %s%s) s
		where s.cut is not null
		order by s.cut`, strings.Join(fractions, ","), t.column(), t.relation(), t.where("")), t.Args...)
}

func texts(ctx context.Context, db *sql.DB, query string, args ...any) ([]any, error) {
	found, err := Select[[]string](query, args...).answer(ctx, db)
	values := make([]any, len(found))
	for i, v := range found {
		values[i] = v
	}
	return values, err
}

// read is the statement for the rows in one range.
func (t Table) read(within string, cuts ...any) statement {
	columns := "*"
	if len(t.Columns) > 0 {
		quoted := make([]string, len(t.Columns))
		for i, c := range t.Columns {
			quoted[i] = identifier(c)
		}
		columns = strings.Join(quoted, ", ")
	}
	text := fmt.Sprintf("select %s from %s%s", columns, t.relation(), t.where(within))
	if t.Ordered {
		text += " order by " + t.column()
	}
	return statement{text, slices.Concat(t.Args, cuts)}
}

// where joins the caller's condition and ours. The line break ends a comment in
// the caller's.
func (t Table) where(within string) string {
	switch {
	case t.Where == "" && within == "":
		return ""
	case t.Where == "":
		return " where " + within
	case within == "":
		return " where (" + t.Where + "\n)"
	}
	return " where (" + t.Where + "\n) and " + within
}

func (t Table) column() string {
	if t.Key == "" {
		return "ctid"
	}
	return identifier(t.Key)
}

func (t Table) relation() string {
	if t.Schema == "" {
		return identifier(t.Name)
	}
	return identifier(t.Schema) + "." + identifier(t.Name)
}

// identifier quotes a name for SQL. PostgreSQL's names have no NUL; it would end
// the statement early.
func identifier(name string) string {
	name = strings.ReplaceAll(name, "\x00", "")
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}
