package setup

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gopgcache/pgcache/internal/statement"
)

// Kind says which feeds are meant. Kinds can be added up.
type Kind uint8

// The feeds that need something in the database.
const (
	// WAL streams commits from the server's log, by logical replication.
	WAL Kind = 1 << iota
	// Touch reads a log of who has written what, kept by triggers.
	Touch
)

// Publication is the name of the publication where the user gives none.
const Publication = "pgcache"

// ErrBusy means that the connection is in a transaction.
var ErrBusy = errors.New("pgcache: this can't be done inside a transaction")

// State is what there is in a database, and what the server and the role allow.
type State struct {
	// Kind and Name are what was asked about: feeds, and a publication.
	Kind Kind   `json:"-"`
	Name string `json:"-"`
	// Pooled is set when the connection ends at something between us and PostgreSQL.
	Pooled bool `json:"-"`

	Version     int    `json:"version"` // server_version_num
	Database    string `json:"database"`
	Role        string `json:"role"`
	Superuser   bool   `json:"superuser"`
	Replication bool   `json:"replication"` // whether the role may start a stream
	MayCreate   bool   `json:"mayCreate"`   // whether it may create schemas and publications
	Standby     bool   `json:"standby"`
	PID         uint32 `json:"pid"`
	WALLevel    string `json:"walLevel"`
	Slots       int    `json:"slots"`
	SlotsUsed   int    `json:"slotsUsed"`
	Senders     int    `json:"senders"`
	SendersUsed int    `json:"sendersUsed"`
	Synchronous string `json:"synchronous"` // synchronous_standby_names
	Autovacuum  bool   `json:"autovacuum"`

	// Schema is the schema pgcache; nil when there is none.
	Schema *SchemaState `json:"schema"`
	// Publication is the one that was asked about; nil when there is none.
	Publication *PublicationState `json:"publication"`
	// Publications are those that Install made, and EventTriggers too.
	Publications  []string `json:"publications"`
	EventTriggers []string `json:"eventTriggers"`
	// Events is set when changes of the schema are told.
	Events bool `json:"events"`
	// Tables are the tables of the database outside the system's schemas and ours, sorted by name.
	Tables []Table `json:"tables"`
}

// SchemaState is the state of the schema pgcache.
type SchemaState struct {
	Ours      bool `json:"ours"` // whether Install made it
	Mine      bool `json:"mine"` // whether the role has its owner's rights
	MayCreate bool `json:"mayCreate"`
	// Objects are the names of what is in it: functions, and the relations of the touch log.
	Objects []string `json:"objects"`
	// Strangers own some of it, and are neither the role nor superusers: they could change what a function of ours does.
	Strangers []string `json:"strangers"`
	// Foreign is set when some of it belongs to somebody whose rights the role has not.
	Foreign bool `json:"foreign"`
}

// PublicationState is the state of a publication.
type PublicationState struct {
	Ours     bool   `json:"ours"`
	Mine     bool   `json:"mine"`
	Owner    string `json:"owner"`
	Complete bool   `json:"complete"` // whether it publishes inserts, updates, deletes and truncates
	ViaRoot  bool   `json:"viaRoot"`  // whether it names partitions by their roots
}

// Table is a table as the feeds see it.
type Table struct {
	OID         uint32 `json:"oid"`
	Schema      string `json:"schema"`
	Name        string `json:"name"`
	Kind        string `json:"kind"`        // pg_class.relkind: r, or p when it is partitioned
	Persistence string `json:"persistence"` // pg_class.relpersistence: p, or u when it is unlogged
	// Identity is how rows are told apart in a publication: by key, index, full, or not at all.
	Identity string `json:"identity"`
	Mine     bool   `json:"mine"`
	Owner    string `json:"owner"`
	// Above are the tables that it is a partition or a child of, directly or not.
	Above []uint32 `json:"above"`
	// Member is set when the table itself is in the publication, and Trigger when it has our trigger.
	Member  bool `json:"member"`
	Trigger bool `json:"trigger"`
	// Triggered is set when that is as it should be, and on.
	Triggered bool `json:"triggered"`
	// Subscribed is set when changes come from another server.
	Subscribed bool `json:"subscribed"`
	// WAL and Touch tell whether all its changes are seen: see [CoveredByWAL] and [CoveredByTouch].
	WAL   bool `json:"wal"`
	Touch bool `json:"touch"`
}

func (t *Table) String() string { return statement.Name{Schema: t.Schema, Name: t.Name}.String() }

// touchLog are the names of what makes the touch log.
var touchLog = []string{
	"touches", "touch_state", "touch_limit", "touch", "touch_tree", "touch_raise", "touch_confirm", "touch_collect",
}

// hasLog tells whether the touch log is there.
func (s *State) hasLog() bool { return s.has(touchLog...) }

// has tells whether all the objects are in the schema.
func (s *State) has(names ...string) bool {
	if s.Schema == nil {
		return false
	}
	there := make(map[string]bool)
	for _, name := range s.Schema.Objects {
		there[name] = true
	}
	for _, name := range names {
		if !there[name] {
			return false
		}
	}
	return true
}

//go:embed inspect.sql
var inspectSQL string

// Inspect looks at everything that the feeds need. The connection must be idle.
func Inspect(ctx context.Context, conn *pgconn.PgConn, kind Kind, publication string) (*State, error) {
	if conn.TxStatus() != 'I' {
		return nil, ErrBusy
	}
	version, err := serverVersion(ctx, conn)
	if err != nil {
		return nil, err
	}
	sql := expression(inspectSQL,
		"{wal}", CoveredByWAL(version, "t.oid", "$1::name"), "{touch}", CoveredByTouch("t.oid"), "{touches}", touchTrigger,
		"{events}", eventsComplete, "{version}", strconv.Itoa(version))
	batch := &pgconn.Batch{}
	batch.ExecParams("BEGIN READ ONLY", nil, nil, nil, nil)
	batch.ExecParams("SET LOCAL search_path = pg_catalog, pg_temp", nil, nil, nil, nil)
	batch.ExecParams("SET LOCAL jit = off", nil, nil, nil, nil)
	batch.ExecParams(sql, [][]byte{[]byte(publication)}, nil, nil, nil)
	batch.ExecParams("COMMIT", nil, nil, nil, nil)
	results, err := conn.ExecBatch(ctx, batch).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("pgcache: looking at what the feeds need: %w", errors.Join(err, rollback(ctx, conn)))
	}
	s := &State{Kind: kind, Name: publication}
	if err := json.Unmarshal(results[3].Rows[0][0], s); err != nil {
		return nil, fmt.Errorf("pgcache: looking at what the feeds need: %w", err)
	}
	s.Pooled = s.PID != conn.PID()
	return s, nil
}

// Events tells whether changes of the schema are told, by event triggers.
func Events(ctx context.Context, conn *pgconn.PgConn) (bool, error) {
	result := conn.ExecParams(ctx, "SELECT "+eventsComplete, nil, nil, nil, nil).Read()
	if result.Err != nil {
		return false, fmt.Errorf("pgcache: whether changes of the schema are told: %w", result.Err)
	}
	return len(result.Rows) == 1 && string(result.Rows[0][0]) == "t", nil
}

// Covered tells of each relation whether all its changes are seen by a feed: of tables and materialized views, as
// catalog.Resolution.Tables gives them, partitions and children included. See [CoveredByWAL].
func Covered(ctx context.Context, conn *pgconn.PgConn, kind Kind, publication string, oids []uint32) (map[uint32]Kind, error) {
	version, err := serverVersion(ctx, conn)
	if err != nil {
		return nil, err
	}
	list := []byte{'{'}
	for i, oid := range oids {
		if i > 0 {
			list = append(list, ',')
		}
		list = strconv.AppendUint(list, uint64(oid), 10)
	}
	list = append(list, '}')
	sql := "SELECT o.oid, (" + CoveredByWAL(version, "o.oid", "$2::name") + ")::int, (" + CoveredByTouch("o.oid") + ")::int " +
		"FROM pg_catalog.unnest($1::oid[]) o(oid)"
	result := conn.ExecParams(ctx, sql, [][]byte{list, []byte(publication)}, nil, nil, nil).Read()
	if result.Err != nil {
		return nil, fmt.Errorf("pgcache: which tables are tracked: %w", result.Err)
	}
	covered := make(map[uint32]Kind, len(oids))
	for _, row := range result.Rows {
		oid, err := strconv.ParseUint(string(row[0]), 10, 32)
		if err != nil {
			return nil, fmt.Errorf("pgcache: which tables are tracked: %w", err)
		}
		covered[uint32(oid)] = (Kind(row[1][0]-'0')*WAL | Kind(row[2][0]-'0')*Touch) & kind
	}
	return covered, nil
}

// serverVersion asks for server_version_num. What the server reports by itself is for people.
func serverVersion(ctx context.Context, conn *pgconn.PgConn) (int, error) {
	const sql = "SELECT pg_catalog.current_setting('server_version_num')"
	result := conn.ExecParams(ctx, sql, nil, nil, nil, nil).Read()
	if result.Err != nil {
		return 0, fmt.Errorf("pgcache: the server's version: %w", result.Err)
	}
	return strconv.Atoi(string(result.Rows[0][0]))
}
