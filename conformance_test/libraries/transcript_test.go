package libraries_test

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

// transcript is what a shop saw, step by step.
type transcript struct {
	t      *testing.T
	db     *sql.DB
	cached bool // the database is opened with pgcache
	lines  []string
}

// watch tells which sql.DB the shop uses. Its connections have to be free at the end.
func (l *transcript) watch(at place, db *sql.DB) {
	l.t.Helper()
	l.db, l.cached = db, at.driver == "pgcache"
	l.t.Cleanup(func() {
		if n := db.Stats().InUse; n != 0 {
			l.t.Errorf("the shop on %s left %d connections in use", at.driver, n)
		}
	})
}

// does takes a step that has to work.
func (l *transcript) does(step string, do func() (any, error)) {
	l.t.Helper()
	seen, err := do()
	if err != nil {
		l.t.Fatalf("%s (cached %t): %v", step, l.cached, err)
	}
	l.note(step, describe(seen))
}

// runs takes a step that gives nothing but an error, and has to give none.
func (l *transcript) runs(step string, err error) {
	l.t.Helper()
	l.does(step, func() (any, error) { return nil, err })
}

// fails takes a step that has to fail.
func (l *transcript) fails(step string, err error) {
	l.t.Helper()
	if err == nil {
		l.t.Fatalf("%s (cached %t): no error", step, l.cached)
	}
	l.note(step, describeError(err))
}

// reads takes a step that reads, three times. After the first every statement of it has to be answered from the cache.
func (l *transcript) reads(step string, read func() (any, error)) {
	l.t.Helper()
	l.does(step, read)
	before := l.stats()
	l.does(step, read)
	after := l.stats()
	l.does(step, read)
	if end := l.lines[len(l.lines)-3:]; end[0] != end[1] || end[0] != end[2] {
		l.t.Errorf("one thing was read in three ways:\n%s", strings.Join(end, "\n"))
	}
	if !l.cached {
		return
	}
	if after["hits"] == before["hits"] {
		l.t.Errorf("%s: nothing is answered from the cache", step)
	}
	for _, counter := range []string{"misses", "bypassed"} {
		if n := after[counter] - before[counter]; n != 0 {
			l.t.Errorf("%s: %d %s when read again\n%s", step, n, counter, l.statements())
		}
	}
}

// asks takes a step that reads, three times, of which PostgreSQL has to answer every statement.
func (l *transcript) asks(step string, read func() (any, error)) {
	l.t.Helper()
	before := l.stats()
	for range 3 {
		l.does(step, read)
	}
	if n := l.stats()["hits"] - before["hits"]; n != 0 {
		l.t.Errorf("%s: %d hits", step, n)
	}
}

// replanned gives a step that reads once more where pgx fails for a plan that doesn't fit the tables any more. By failing pgx
// finds out, and makes another plan the next time; pgcache knows of the change, and has no reason to fail.
func (l *transcript) replanned(read func() (any, error)) func() (any, error) {
	return func() (any, error) {
		seen, err := read()
		if refusal, ok := errors.AsType[*pgconn.PgError](err); ok && refusal.Code == "0A000" && !l.cached {
			return read()
		}
		return seen, err
	}
}

func (l *transcript) note(step, seen string) { l.lines = append(l.lines, step+": "+seen) }

// stats are the cache's counters, where there is a cache.
func (l *transcript) stats() map[string]int64 {
	stats := make(map[string]int64)
	if !l.cached {
		return stats
	}
	for _, row := range l.table("show pgcache.stats") {
		if n, err := strconv.ParseInt(row[1], 10, 64); err == nil {
			stats[row[0]] = n
		}
	}
	return stats
}

// statements tells what the cache thinks of the texts that it has seen.
func (l *transcript) statements() string {
	var text strings.Builder
	for _, row := range l.table("show pgcache.statements") {
		fmt.Fprintf(&text, "%q\n", row)
	}
	return text.String()
}

// table reads a result of texts.
func (l *transcript) table(query string) [][]string {
	l.t.Helper()
	rows, err := l.db.QueryContext(l.t.Context(), query)
	if err != nil {
		l.t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		l.t.Fatal(err)
	}
	var table [][]string
	for rows.Next() {
		values, dest := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range values {
			dest[i] = &values[i]
		}
		if err := rows.Scan(dest...); err != nil {
			l.t.Fatal(err)
		}
		row := make([]string, len(columns))
		for i, value := range values {
			row[i] = value.String
		}
		table = append(table, row)
	}
	if err := rows.Err(); err != nil {
		l.t.Fatal(err)
	}
	return table
}

// firstDifference shows where two transcripts part.
func firstDifference(want, got []string) string {
	for i := range max(len(want), len(got)) {
		sides := [2]string{"(nothing more)", "(nothing more)"}
		for side, lines := range [2][]string{want, got} {
			if i < len(lines) {
				sides[side] = lines[i]
			}
		}
		if sides[0] != sides[1] {
			return fmt.Sprintf("after %d equal steps:\npgx:     %s\npgcache: %s", i, sides[0], sides[1])
		}
	}
	return ""
}

// TestTranscript shows that a step that is answered from the cache is told from one that isn't, and that a difference shows.
func TestTranscript(t *testing.T) {
	log := &transcript{t: t}
	db := place{"pgcache", withParams(t, pgtest.Database(t), "pgcache_rule=all: * ttl=1h")}.open(t, log)
	if _, err := db.ExecContext(t.Context(), "create table t (id int); insert into t values (1)"); err != nil {
		t.Fatal(err)
	}
	one := func(query string) func() (any, error) {
		return func() (id any, err error) {
			err = db.QueryRowContext(t.Context(), query).Scan(&id)
			return id, err
		}
	}
	log.reads("cached", one("select id from t"))
	log.asks("not cached", one("select id from t for update"))
	other := slices.Clone(log.lines)
	if diff := firstDifference(log.lines, other); diff != "" {
		t.Errorf("a transcript differs from itself: %s", diff)
	}
	other[3] += "!"
	if diff := firstDifference(log.lines, other); !strings.Contains(diff, "after 3 equal steps") {
		t.Errorf("the difference of two transcripts is %q", diff)
	}
	if diff := firstDifference(log.lines, log.lines[1:]); diff == "" {
		t.Error("a step left out makes no difference")
	}
}
