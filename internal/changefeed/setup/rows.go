package setup

import (
	"fmt"
	"slices"
	"strings"
)

// Item is one row for people: what it is about, how it stands, and what to do about it, if anything.
type Item struct{ Name, State, ToDo string }

// Items says in words how everything stands.
func (s *State) Items() []Item {
	items := append(s.feedItems(), s.eventItem())
	for i := range s.Tables {
		items = append(items, s.tableItem(&s.Tables[i]))
	}
	return items
}

// ready tells whether a feed of one kind can run: the tables apart, nothing is missing.
func (s *State) ready(kind Kind) bool {
	of := *s
	of.Kind = kind
	return len(of.wants()) == 0
}

// wants are the items without which no feed of the state's kinds can run.
func (s *State) wants() []Item {
	return slices.DeleteFunc(s.feedItems(), func(i Item) bool { return i.ToDo == "" })
}

// feedItems are what feeds of the state's kinds need, the tables apart.
func (s *State) feedItems() []Item {
	items := s.serverItems()
	if s.Kind&WAL != 0 {
		items = append(items, s.walItems()...)
	}
	if s.Kind&Touch != 0 {
		items = append(items, s.touchItems()...)
	}
	return items
}

func (s *State) serverItems() []Item {
	items := []Item{{Name: "server", State: fmt.Sprintf("PostgreSQL %d, database %s, role %s", s.Version/10000, s.Database, s.Role)}}
	if s.Version < 140000 {
		items[0].ToDo = "PostgreSQL 14 or newer is needed"
	}
	if s.Standby {
		items = append(items, Item{"standby", "this is a hot standby", "connect to the primary: changes can't be followed here"})
	}
	if s.Pooled {
		items = append(items, Item{
			"connection", "there is a pooler between pgcache and PostgreSQL",
			"connect directly: a feed needs a session of its own",
		})
	}
	return items
}

func (s *State) walItems() []Item {
	level := Item{Name: "wal_level", State: s.WALLevel}
	if s.WALLevel != "logical" {
		level.ToDo = "ALTER SYSTEM SET wal_level = 'logical', and restart the server (where it is managed: " +
			"rds.logical_replication, cloudsql.logical_decoding or the like)"
	}
	role := Item{Name: "role " + s.Role, State: "may replicate"}
	if !s.Replication {
		role.State = "may not replicate"
		role.ToDo = fmt.Sprintf("ALTER ROLE %s REPLICATION (on RDS: GRANT rds_replication TO %[1]s)", quoted(s.Role))
	}
	items := []Item{
		level, role, free("max_wal_senders", s.Senders, s.SendersUsed), free("max_replication_slots", s.Slots, s.SlotsUsed),
		s.publicationItem(),
	}
	if strings.Contains(s.Synchronous, "*") {
		items = append(items, Item{
			"synchronous_standby_names", s.Synchronous,
			"name the standbys: as it is, the feed counts as one, and commits would wait for it",
		})
	}
	return items
}

// free tells of a number of places.
func free(name string, places, used int) Item {
	item := Item{Name: name, State: fmt.Sprintf("%d of %d are in use", used, places)}
	if used >= places {
		item.ToDo = "ALTER SYSTEM SET " + name + " to more, and restart the server"
	}
	return item
}

func (s *State) publicationItem() Item {
	item := Item{Name: "publication " + s.Name}
	switch p := s.Publication; {
	case p == nil:
		item.State, item.ToDo = "missing", s.howToMake(s.MayCreate)
	case !p.Complete:
		item.State = "does not publish everything"
		item.ToDo = "ALTER PUBLICATION " + quoted(s.Name) + " SET (publish = 'insert, update, delete, truncate')"
	case p.ViaRoot:
		item.State = "names partitions by their roots"
		item.ToDo = "ALTER PUBLICATION " + quoted(s.Name) + " SET (publish_via_partition_root = false)"
	case !p.Ours:
		item.State = "there, not made by pgcache, and left as it is"
	default:
		item.State = "there"
	}
	return item
}

func (s *State) touchItems() []Item {
	log := Item{Name: "touch log", State: "there"}
	switch {
	case !s.hasLog():
		log.State, log.ToDo = "missing", s.howToMake(s.MayCreate || s.Schema != nil && s.Schema.MayCreate)
	case !s.Autovacuum:
		log.State, log.ToDo = "there, but nothing vacuums it", "turn autovacuum on"
	}
	return []Item{log}
}

// howToMake says what makes something that is missing.
func (s *State) howToMake(may bool) string {
	if may {
		return "CALL pgcache.install()"
	}
	return s.grantCreate() + ", then CALL pgcache.install()"
}

func (s *State) grantCreate() string {
	return "GRANT CREATE ON DATABASE " + quoted(s.Database) + " TO " + quoted(s.Role)
}

func (s *State) eventItem() Item {
	switch {
	case s.Events:
		return Item{Name: "event triggers", State: "there"}
	case s.Superuser:
		return Item{"event triggers", "missing: changes of the schema are not told", "CALL pgcache.install()"}
	default:
		return Item{
			"event triggers",
			"missing: changes of the schema that others make are noticed after a minute, and materialized views are not tracked",
			"CALL pgcache.install() as a superuser",
		}
	}
}

func (s *State) tableItem(t *Table) Item {
	item := Item{Name: "table " + t.String()}
	var by []string
	if s.Kind&WAL != 0 && t.WAL {
		by = append(by, "WAL")
	}
	if s.Kind&Touch != 0 && t.Touch {
		by = append(by, "touch log")
	}
	switch {
	case len(by) == 0:
		item.State, item.ToDo = s.untracked(t)
	case !s.ready(WAL) && !s.ready(Touch):
		item.State = "ready for the " + strings.Join(by, " and the ") + ", which can't be followed yet: see above"
	case t.Kind == "p" && by[0] == "WAL":
		item.State = "tracked as far as its partitions are"
	default:
		item.State = "tracked by " + strings.Join(by, " and ")
	}
	return item
}

// untracked says why a table is not tracked, and what would help.
func (s *State) untracked(t *Table) (state, todo string) {
	install := "CALL pgcache.install('" + strings.ReplaceAll(t.String(), "'", "''") + "')"
	if s.Kind&Touch != 0 {
		switch {
		case t.Subscribed:
			return "not tracked: its changes come by a subscription, which fires no trigger of statements", ""
		case !t.Mine:
			return "not tracked: it belongs to " + t.Owner, install + " as " + t.Owner
		case t.Trigger && !t.Triggered:
			return "not tracked: its trigger pgcache_touch is off", install
		default:
			return "not tracked", install
		}
	}
	switch {
	case t.Persistence == "u":
		return "not tracked: unlogged", "use the touch log"
	case t.Identity == "":
		return "not tracked: no replica identity", "ALTER TABLE " + t.quoted() + " ADD PRIMARY KEY, or use the touch log"
	case s.Publication != nil && !s.Publication.Ours:
		return "not tracked: not in the publication",
			"ALTER PUBLICATION " + quoted(s.Name) + " ADD TABLE ONLY " + t.quoted()
	case !t.Mine:
		return "not tracked: it belongs to " + t.Owner, install + " as " + t.Owner
	default:
		return "not tracked", install
	}
}

// quoted writes a name as SQL wants it.
func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
