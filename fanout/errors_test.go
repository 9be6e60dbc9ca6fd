package fanout_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"strings"
	"testing"

	"github.com/gopgcache/pgcache/fanout"
)

func TestErrorShowsNoLiteral(t *testing.T) {
	db, _ := fake(t, func(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
		return nil, errors.New("no")
	})
	for query, want := range map[string]string{
		"select *\n\tfrom t where id = $1":                 "select * from t where id = $1",
		"select dblink('password=hunter2', 'x')":           "select dblink( …",
		"select $$hunter2$$":                               "select …",
		"select $tag$hunter2$tag$":                         "select …",
		"select " + strings.Repeat("a, ", 100) + " b":      "select a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a,…",
		"select E'it''s hunter2' from t where a = $hunter": "select E …",
	} {
		err := func() error {
			_, err := fanout.Collect(testContext(t), fanout.Group{DB: db}, fanout.Select[int](query))
			return err
		}()
		if got, want := err.Error(), "fanout: query 0 ("+want+"): no"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
