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
	in := &installer{workman: workman{ctx: ctx, conn: conn}, State: state, failed: make(map[string]Item)}
	if !state.Standby {
		in.dropShared()
		in.dropTriggers()
		in.dropHome()
	}
	if in.err != nil {
		return nil, in.err
	}
	return in.remains()
}

// dropShared takes away what stands in no schema. What is tracked less from then on is told in the same transaction.
func (in *installer) dropShared() {
	for _, name := range in.EventTriggers {
		in.try("event trigger "+name, "CALL pgcache.uninstall() as a superuser",
			in.tellSQL(), "DROP EVENT TRIGGER IF EXISTS "+quoted(name)+";")
	}
	for _, name := range in.Publications {
		in.try("publication "+name, "", in.tellSQL(), "DROP PUBLICATION IF EXISTS "+quoted(name)+";")
	}
}

// dropTriggers takes the triggers off the tables, one at a time: that needs a lock on the table.
func (in *installer) dropTriggers() {
	for i := range in.Tables {
		if t := &in.Tables[i]; t.Trigger {
			t.Trigger = !in.try("table "+t.String(), "", in.tellSQL(), "DROP TRIGGER IF EXISTS pgcache_touch ON "+t.quoted()+";")
		}
	}
}

// dropHome takes away the functions and the touch log, once nothing calls them any more, and the schema if it is ours and
// nothing else is in it.
func (in *installer) dropHome() {
	if in.Schema == nil {
		return
	}
	for i := range in.Tables {
		if in.Tables[i].Trigger {
			return // its table could not be written any more
		}
	}
	script := []string{
		"DROP FUNCTION IF EXISTS pgcache.touch(), pgcache.touch_tree(oid), pgcache.touch_raise(), " +
			"pgcache.touch_confirm(bigint), pgcache.touch_collect(), pgcache.ddl_changed(), pgcache.schema_changed(text);",
		"DROP TABLE IF EXISTS pgcache.touches, pgcache.touch_state; DROP SEQUENCE IF EXISTS pgcache.touch_limit;",
	}
	if !in.try("schema pgcache", "", script...) || !in.Schema.Ours {
		return
	}
	in.try("schema pgcache", "", "DROP SCHEMA pgcache;")
}

// remains reports what is still there.
func (in *installer) remains() (*Report, error) {
	state, err := Inspect(in.ctx, in.conn, WAL|Touch, in.Name)
	if err != nil {
		return nil, err
	}
	report := &Report{State: state}
	for _, name := range slices.Sorted(maps.Keys(in.failed)) {
		report.Items = append(report.Items, in.failed[name])
	}
	if len(report.Items) == 0 {
		report.Items = append(report.Items, Item{Name: "pgcache", State: "nothing of it is left in database " + state.Database})
	}
	return report, nil
}
