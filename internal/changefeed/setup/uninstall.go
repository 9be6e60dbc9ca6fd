package setup

import (
	"context"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"
)

// Uninstall takes away all that Install has made, however much of it is there, publications of any name included. What can't
// be taken away is in the report. The connection must be idle.
func Uninstall(ctx context.Context, conn *pgconn.PgConn, publication string) (*Report, error) {
	state, err := Inspect(ctx, conn, WAL|Touch, publication)
	if err != nil {
		return nil, err
	}
	un := &installer{workman: workman{ctx: ctx, conn: conn}, State: state, failed: make(map[string]Item)}
	if !state.Standby {
		un.dropShared()
		un.dropTriggers()
		un.dropHome()
	}
	if un.err != nil {
		return nil, un.err
	}
	return un.remains()
}

// dropShared takes away what stands in no schema. What is tracked less from then on is told in the same transaction.
func (un *installer) dropShared() {
	for _, name := range un.EventTriggers {
		un.try("event trigger "+name, "CALL pgcache.uninstall() as a superuser",
			un.tellSQL(), "DROP EVENT TRIGGER IF EXISTS "+quoted(name)+";")
	}
	for _, name := range un.Publications {
		un.try("publication "+name, "", un.tellSQL(), "DROP PUBLICATION IF EXISTS "+quoted(name)+";")
	}
}

// dropTriggers takes the triggers off the tables, one at a time: that needs a lock on the table.
func (un *installer) dropTriggers() {
	for i := range un.Tables {
		if t := &un.Tables[i]; t.Trigger {
			t.Trigger = !un.try("table "+t.String(), "", un.tellSQL(), "DROP TRIGGER IF EXISTS pgcache_touch ON "+t.quoted()+";")
		}
	}
}

// dropHome takes away the functions and the touch log, once nothing calls them any more, and the schema if it is ours and
// nothing else is in it.
func (un *installer) dropHome() {
	if un.Schema == nil {
		return
	}
	for i := range un.Tables {
		if un.Tables[i].Trigger {
			return // its table could not be written any more
		}
	}
	script := []string{
		"DROP FUNCTION IF EXISTS pgcache.touch(), pgcache.touch_raise(), pgcache.touch_confirm(bigint), pgcache.touch_collect(), " +
			"pgcache.ddl_changed(), pgcache.schema_changed(text);",
		"DROP TABLE IF EXISTS pgcache.touches, pgcache.touch_state; DROP SEQUENCE IF EXISTS pgcache.touch_limit;",
	}
	if !un.try("schema pgcache", "", script...) || !un.Schema.Ours {
		return
	}
	un.try("schema pgcache", "", "DROP SCHEMA pgcache;")
}

// remains reports what is still there.
func (un *installer) remains() (*Report, error) {
	state, err := Inspect(un.ctx, un.conn, WAL|Touch, un.Name)
	if err != nil {
		return nil, err
	}
	report := &Report{State: state}
	for _, name := range slices.Sorted(maps.Keys(un.failed)) {
		report.Items = append(report.Items, un.failed[name])
	}
	if len(report.Items) == 0 {
		report.Items = append(report.Items, Item{Name: "pgcache", State: "nothing of it is left in database " + state.Database})
	}
	return report, nil
}
