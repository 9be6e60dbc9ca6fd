package driver

import (
	"strings"
	"testing"
)

// A transaction that is the first to use the session's temporary schema can't be prepared, and that stays so.
func TestTemporarySchemaIsLeftAlone(t *testing.T) {
	f := newFixture(t)
	conn := f.pin()
	f.exec(conn, "set search_path to 'pg_temp'")
	f.exec(conn, "begin")
	f.read(conn, "select current_schema() is null")
	_, err := conn.ExecContext(t.Context(), "prepare transaction 'first'")
	if err == nil || !strings.Contains(err.Error(), "temporary objects") && !strings.Contains(err.Error(), "disabled") {
		t.Error(err)
	}
	if got := f.read(conn, "explain (pgcache) select 1"); !strings.Contains(got, "temporary schema") {
		t.Error(got)
	}
}
