package inspect

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"
)

// patience is how long a page may wait for the database.
const patience = 5 * time.Second

// source is where everything comes from: the SQL that any client may ask.
type source struct{ db *sql.DB }

// table is a result, all text.
type table struct {
	Columns []string
	Rows    [][]string
}

// column gives the index of a column, or -1.
func (t *table) column(name string) int { return slices.Index(t.Columns, name) }

// value gives what a table of names and values has for a name, or nothing.
func (t *table) value(name string) string {
	for _, row := range t.Rows {
		if len(row) > 1 && row[0] == name {
			return row[1]
		}
	}
	return ""
}

// show asks SHOW pgcache.what.
func (s source) show(ctx context.Context, what string) (table, error) {
	t, err := s.ask(ctx, "SHOW pgcache."+what)
	if err == nil && len(t.Columns) < 2 {
		// PostgreSQL answers with one column, if it has a setting of that name.
		return table{}, errors.New("pgcache: the database was not opened with the driver pgcache")
	}
	return t, err
}

// explain asks how a statement that the driver knows would be answered, and why. The driver takes whatever follows the words
// as the statement to be judged, and executes none of it.
func (s source) explain(ctx context.Context, statement string) (table, error) {
	return s.ask(ctx, "EXPLAIN (PGCACHE) "+statement)
}

// flush empties the cache.
func (s source) flush(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := s.db.ExecContext(ctx, "CALL pgcache.flush()")
	return err
}

func (s source) ask(ctx context.Context, query string) (t table, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	rows, err := s.db.QueryContext(ctx, query)
	if err != nil {
		return table{}, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if t.Columns, err = rows.Columns(); err != nil {
		return table{}, err
	}
	for rows.Next() {
		values, into := make([]sql.NullString, len(t.Columns)), make([]any, len(t.Columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return table{}, err
		}
		row := make([]string, len(values))
		for i, v := range values {
			row[i] = v.String
		}
		t.Rows = append(t.Rows, row)
	}
	return t, rows.Err()
}
