package setup

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gopgcache/pgcache/internal/statement"
)

// The parts of what is installed; each is one script.
var (
	//go:embed schema.sql
	schemaSQL string
	//go:embed events.sql
	eventsSQL string
	//go:embed touchtables.sql
	touchTablesSQL string
	//go:embed touchlog.sql
	touchLogSQL string
)

// ErrNoTable means that a table that was named is not there, or is none.
var ErrNoTable = errors.New("pgcache: there is no such table")

// Report is what Install and Uninstall have come to: a row for each thing, and the state behind them.
type Report struct {
	Items []Item
	State *State
}

// Install puts what is missing into the database for feeds of some kinds: for the tables that are named, with their
// partitions and children, or else for all. What can't be done is in the report, with what would help; the rest is done
// nevertheless. It may be called again at any time. The connection must be idle.
//
// No writer waits for long: who can't have a table's lock soon leaves it and says so.
func Install(
	ctx context.Context, conn *pgconn.PgConn, kind Kind, publication string, tables ...statement.Name,
) (*Report, error) {
	state, err := Inspect(ctx, conn, kind, publication)
	if err != nil {
		return nil, err
	}
	in := &installer{workman: workman{ctx: ctx, conn: conn}, State: state, failed: make(map[string]Item)}
	if in.targets, err = in.find(tables); err != nil {
		return nil, err
	}
	if !state.Standby {
		in.home()
		in.events()
		if kind&WAL != 0 {
			in.publish()
		}
		if kind&Touch != 0 {
			in.triggers()
		}
		in.tell()
	}
	if in.err != nil {
		return nil, in.err
	}
	return in.report()
}

// installer is one call of Install. Its steps do nothing once err is set.
type installer struct {
	workman
	*State
	// targets are the tables that are to be tracked.
	targets []*Table
	// failed is what could not be done, by the name of the item.
	failed map[string]Item
	// changed is set once there is something that other processes should know, and told once there is what tells them.
	changed, told bool
}

// find gives the tables that are meant: those that are named, what lies below them and, for the triggers, above them.
func (in *installer) find(names []statement.Name) ([]*Table, error) {
	var found []*Table
	if len(names) == 0 {
		for i := range in.Tables {
			found = append(found, &in.Tables[i])
		}
		return found, nil
	}
	byOID := make(map[uint32]*Table)
	for i := range in.Tables {
		byOID[in.Tables[i].OID] = &in.Tables[i]
	}
	for _, name := range names {
		oid, err := in.oid(name)
		if err != nil {
			return nil, err
		}
		named := byOID[oid]
		if named == nil {
			return nil, fmt.Errorf("%w that can be tracked: %s", ErrNoTable, name)
		}
		for i := range in.Tables {
			t := &in.Tables[i]
			if t == named || slices.Contains(t.Above, oid) || slices.Contains(named.Above, t.OID) {
				found = append(found, t)
			}
		}
	}
	return found, nil
}

// home makes the schema and what is always in it, for the touch log: the other feed needs it for the event triggers only.
func (in *installer) home() {
	if in.Kind&Touch == 0 || in.Schema != nil && in.Schema.Foreign || in.strangers() {
		return
	}
	in.told = in.try("touch log", in.grantCreate(), in.homeSQL())
}

func (in *installer) homeSQL() string {
	if in.Schema != nil {
		return schemaSQL
	}
	return "CREATE SCHEMA IF NOT EXISTS pgcache; COMMENT ON SCHEMA pgcache IS " +
		"'pgcache: what its feeds of changes need; CALL pgcache.uninstall() takes it away';\n" + schemaSQL
}

// strangers tells whether somebody could change what functions of ours do who has less rights than those that they run
// with.
func (in *installer) strangers() bool {
	if in.Schema == nil || len(in.Schema.Strangers) == 0 {
		return false
	}
	who := strings.Join(in.Schema.Strangers, ", ")
	in.failed["schema pgcache"] = Item{
		"schema pgcache", "something in it belongs to " + who + ", who could run code with other people's rights",
		"install as " + who + ", or CALL pgcache.uninstall() first",
	}
	return true
}

// events makes the event triggers, with the schema and all, if the role may. Superusers may, and whom a provider lets.
func (in *installer) events() {
	if in.Events || in.strangers() || in.err != nil || in.Schema != nil && in.Schema.Foreign && !in.Superuser {
		return
	}
	var drop strings.Builder
	for _, name := range in.EventTriggers {
		fmt.Fprintf(&drop, "DROP EVENT TRIGGER IF EXISTS %s;\n", quoted(name))
	}
	if in.try("event triggers", "CALL pgcache.install() as a superuser", in.homeSQL(), drop.String(), eventsSQL) {
		in.told = true
	}
}

// publish makes the publication and puts the tables into it.
func (in *installer) publish() {
	item, name := "publication "+in.Name, "PUBLICATION "+quoted(in.Name)
	if in.Publication == nil {
		made := in.try(item, in.grantCreate(),
			"CREATE "+name+" WITH (publish = 'insert, update, delete, truncate', publish_via_partition_root = false);",
			"COMMENT ON "+name+" IS 'pgcache: the tables that it follows; CALL pgcache.uninstall() takes it away';")
		if !made {
			return
		}
		in.Publication = &PublicationState{Ours: true, Mine: true, Complete: true}
	}
	switch {
	case !in.Publication.Ours:
		return
	case !in.Publication.Mine:
		in.failed[item] = Item{item, "it belongs to " + in.Publication.Owner, "CALL pgcache.install() as " + in.Publication.Owner}
		return
	}
	in.unpublish()
	for _, t := range in.targets {
		if t.Kind == "p" && t.Mine && !t.Member && in.publishable(t) {
			in.publishTable(t)
		}
	}
	for _, t := range in.targets {
		if t.Kind == "r" && t.Mine && !t.WAL && t.Persistence == "p" && t.Identity != "" && !in.below(t) {
			in.publishTable(t)
		}
	}
}

// unpublish takes tables out of the publication that have lost their identity: PostgreSQL refuses to update them.
func (in *installer) unpublish() {
	for i := range in.Tables {
		if t := &in.Tables[i]; t.Member && !in.publishable(t) {
			in.try("table "+t.String(), "", "ALTER PUBLICATION "+quoted(in.Name)+" DROP TABLE ONLY "+t.quoted()+";", in.tellSQL())
			t.Member = false
			for j := range in.Tables {
				if slices.Contains(in.Tables[j].Above, t.OID) {
					in.Tables[j].WAL = in.Tables[j].Member
				}
			}
		}
	}
}

// publishable tells whether a table's rows have an identity: in a partitioned table those of all partitions. Then partitions
// to come have one, too, since they get the key.
func (in *installer) publishable(t *Table) bool {
	if t.Kind != "p" {
		return t.Identity != ""
	}
	if t.Identity != "key" {
		return false
	}
	return !slices.ContainsFunc(in.Tables, func(part Table) bool {
		return slices.Contains(part.Above, t.OID) && part.Identity == ""
	})
}

// below tells whether a table is published with one that it is a partition of. Children that are no partitions are not.
func (in *installer) below(t *Table) bool {
	return slices.ContainsFunc(in.Tables, func(above Table) bool {
		return above.Kind == "p" && above.Member && slices.Contains(t.Above, above.OID)
	})
}

func (in *installer) publishTable(t *Table) {
	// Without ONLY its children would come along, with or without an identity.
	t.Member = in.try("table "+t.String(), "", "ALTER PUBLICATION "+quoted(in.Name)+" ADD TABLE ONLY "+t.quoted()+";")
}

// triggers makes the touch log and puts the trigger on the tables.
func (in *installer) triggers() {
	if in.strangers() || in.Schema == nil && !in.told {
		return
	}
	if in.Schema == nil || !in.Schema.Foreign {
		script := []string{touchLogSQL}
		if !in.has("touches", "touch_state", "touch_limit") {
			script = []string{
				"DROP TABLE IF EXISTS pgcache.touches, pgcache.touch_state; DROP SEQUENCE IF EXISTS pgcache.touch_limit;",
				touchTablesSQL, touchLogSQL,
			}
		}
		if !in.try("touch log", in.grantCreate(), script...) {
			return
		}
	} else if !in.hasLog() {
		return
	}
	for _, t := range in.targets {
		if t.Mine && !t.Triggered && !t.Subscribed {
			in.triggerTable(t)
		}
	}
}

func (in *installer) triggerTable(t *Table) {
	name := t.quoted()
	var drop string
	if t.Trigger {
		drop = "DROP TRIGGER pgcache_touch ON " + name + ";"
	}
	in.try("table "+t.String(), "", drop,
		"CREATE TRIGGER pgcache_touch AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON "+name+
			" FOR EACH STATEMENT EXECUTE FUNCTION pgcache.touch();",
		"ALTER TABLE ONLY "+name+" ENABLE ALWAYS TRIGGER pgcache_touch;",
		"COMMENT ON TRIGGER pgcache_touch ON "+name+" IS 'pgcache: writes the touch log';")
}

// tell lets other processes know that more is tracked, where no event trigger does.
func (in *installer) tell() {
	if in.changed && in.err == nil {
		in.err = in.do(in.tellSQL())
	}
}

// tellSQL is a statement that tells the feeds of a change of the schema.
func (in *installer) tellSQL() string {
	if in.told || in.has("schema_changed") {
		return "SELECT pgcache.schema_changed('pgcache');"
	}
	return "SELECT pg_logical_emit_message(true, 'pgcache.ddl', 'pgcache');"
}

// try does a step and tells whether that went well. What stands in its way goes into the report, unless the connection does.
func (in *installer) try(item, todo string, script ...string) bool {
	if in.err != nil {
		return false
	}
	err := in.do(script...)
	if err == nil {
		in.changed = true
		delete(in.failed, item)
		return true
	}
	state, help, ok := obstacle(err)
	if !ok {
		in.err = err
		return false
	}
	if todo == "" {
		todo = help
	}
	in.failed[item] = Item{item, state, todo}
	return false
}

// report looks at what has come of it.
func (in *installer) report() (*Report, error) {
	state, err := Inspect(in.ctx, in.conn, in.Kind, in.Name)
	if err != nil {
		return nil, err
	}
	items := state.Items()
	for i := range items {
		if failed, ok := in.failed[items[i].Name]; ok && items[i].ToDo != "" {
			items[i] = failed
			delete(in.failed, failed.Name)
		}
	}
	if failed, ok := in.failed["schema pgcache"]; ok {
		items = append(items, failed)
	}
	return &Report{Items: items, State: state}, nil
}

func (t *Table) quoted() string { return quoted(t.Schema) + "." + quoted(t.Name) }
