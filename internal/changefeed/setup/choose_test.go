package setup

import (
	"errors"
	"strings"
	"testing"

	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

// What is chosen is what is there; who follows the log of touches goes on with it until there is a publication.
func TestChoose(t *testing.T) {
	conn := connect(t, pgtest.Database(t))
	exec(t, conn, "create table a (id int primary key)")
	chosen := func(want Kind, wantErr error) error {
		t.Helper()
		kind, state, err := Choose(soon(t), conn.PgConn(), "pgcache")
		if kind != want || !errors.Is(err, wantErr) || (state == nil) != (err != nil) {
			t.Errorf("kind %v, state %v, %v", kind, state, err)
		}
		return err
	}
	_ = chosen(0, ErrNothingInstalled)
	install(t, conn, Touch)
	_ = chosen(Touch, nil)
	install(t, conn, WAL)
	_ = chosen(WAL, nil)
	exec(t, conn, "alter publication pgcache set (publish = 'insert')")
	_ = chosen(Touch, nil)
	exec(t, conn, "drop table pgcache.touches cascade")
	if err := chosen(0, ErrNotReady); err != nil && !strings.Contains(err.Error(), "publication") {
		t.Errorf("%v: it does not say what there is to do", err)
	}
	uninstall(t, conn)
	_ = chosen(0, ErrNothingInstalled)
}

// What is asked for by name is installed where it is missing, and only there.
func TestPrepare(t *testing.T) {
	for _, kind := range []Kind{WAL, Touch} {
		conn := connect(t, pgtest.Database(t))
		exec(t, conn, "create table a (id int primary key)")
		for range 2 {
			state, err := Prepare(soon(t), conn.PgConn(), kind, "pgcache")
			if err != nil || !state.ready(kind) {
				t.Fatalf("kind %v: %v", kind, err)
			}
		}
		if state := inspect(t, conn, WAL|Touch); state.ready(WAL) != (kind == WAL) || state.ready(Touch) != (kind == Touch) {
			t.Errorf("kind %v: something else is installed too, or it is not", kind)
		}
	}
}
