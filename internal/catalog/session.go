package catalog

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"
)

//go:embed session.sql
var sessionSQL string

// identitySettings are the server's own settings that results depend on. Those of the planner decide in which order rows come that
// nobody has asked to be in order, and what is found where an index and the table itself disagree.
var identitySettings = []string{
	"array_nulls", "backslash_quote", "bytea_output", "client_encoding", "datestyle", "default_text_search_config", "extra_float_digits",
	"gin_fuzzy_search_limit", "intervalstyle", "is_superuser", "lc_messages", "lc_monetary", "lc_numeric", "lc_time",
	"quote_all_identifiers", "role", "row_security", "search_path", "server_version_num", "session_replication_role", "timezone",
	"timezone_abbreviations", "transform_null_equals", "xmlbinary", "xmloption",

	"enable_bitmapscan", "enable_gathermerge", "enable_hashagg", "enable_hashjoin", "enable_incremental_sort", "enable_indexonlyscan",
	"enable_indexscan", "enable_material", "enable_memoize", "enable_mergejoin", "enable_nestloop", "enable_parallel_append",
	"enable_parallel_hash", "enable_partition_pruning", "enable_partitionwise_aggregate", "enable_partitionwise_join", "enable_seqscan",
	"enable_sort", "enable_tidscan", "geqo", "max_parallel_workers_per_gather", "plan_cache_mode", "random_page_cost", "seq_page_cost",
	"work_mem",
}

// InIdentity tells whether the value of a setting, named in lower case, is a part of every session's identity.
func InIdentity(setting string) bool { return slices.Contains(identitySettings, setting) }

// Session is what shapes the results of a session beside the statements themselves.
type Session struct {
	// Identity holds database, user, role and every setting that results depend on, in one canonical text.
	Identity string
	// Refusal says why nothing may be cached in this session as it stands, or nothing.
	Refusal string
	// Version is the server's, as in 150004.
	Version int
	// Recovery is set on a hot standby.
	Recovery bool
	// Pooled is set when the server process is not the one that the connection was told of: something stands between that may
	// give it another with each transaction, and what one statement sets the next may not find.
	Pooled bool
	// Settings are the present values of the settings that were asked for, by the names they were asked by. One that does
	// not exist is absent, which is not the same as empty. They are no part of the identity.
	Settings map[string]string
	// ConfigLoaded is when the server last read its configuration files. It is no part of the identity.
	ConfigLoaded string
}

// AskSession reads the session's state, and the values of some settings, in one round trip. The connection must be idle; it is
// not safe for concurrent use.
func AskSession(ctx context.Context, conn *pgconn.PgConn, settings []string) (*Session, error) {
	if conn.TxStatus() != 'I' {
		return nil, ErrBusy
	}
	result := readSession(ctx, conn, settings)
	if refused, ok := errors.AsType[*pgconn.PgError](result.Err); ok && refused.Code == insufficientPrivilege && len(settings) > 0 {
		result = readSession(ctx, conn, readable(ctx, conn, settings))
	}
	if result.Err != nil {
		return nil, fmt.Errorf("pgcache: reading the session's state: %w", result.Err)
	}
	if len(result.Rows) != 1 {
		return nil, fmt.Errorf("pgcache: reading the session's state: %d rows", len(result.Rows))
	}
	var answer struct {
		Refusal      string             `json:"refusal"`
		Version      int                `json:"version"`
		Recovery     bool               `json:"recovery"`
		PID          uint32             `json:"pid"`
		Identity     json.RawMessage    `json:"identity"`
		Settings     map[string]*string `json:"settings"`
		ConfigLoaded string             `json:"configLoaded"`
	}
	if err := json.Unmarshal(result.Rows[0][0], &answer); err != nil {
		return nil, fmt.Errorf("pgcache: the session's state: %w", err)
	}
	return &Session{
		Identity: string(answer.Identity),
		Refusal:  answer.Refusal, Version: answer.Version, Recovery: answer.Recovery,
		Pooled: answer.PID != conn.PID(), Settings: existing(answer.Settings), ConfigLoaded: answer.ConfigLoaded,
	}, nil
}

// insufficientPrivilege is what the server says of settings that only a superuser may read.
const insufficientPrivilege = "42501"

// readable leaves out the settings that the role may not read. For it they don't exist: a statement that reads one fails. That
// somebody asks for such a setting must not keep a session from being known.
func readable(ctx context.Context, conn *pgconn.PgConn, settings []string) []string {
	return slices.DeleteFunc(slices.Clone(settings), func(name string) bool {
		return conn.ExecParams(ctx, "select pg_catalog.current_setting($1, true)", [][]byte{[]byte(name)}, nil, nil, nil).Read().Err != nil
	})
}

func readSession(ctx context.Context, conn *pgconn.PgConn, settings []string) *pgconn.Result {
	var args arguments
	args.texts(settings)
	args.texts(identitySettings)
	if args.err != nil {
		return &pgconn.Result{Err: args.err}
	}
	return conn.ExecParams(ctx, sessionSQL, args.values, nil, nil, nil).Read()
}

// existing leaves out what is NULL.
func existing(settings map[string]*string) map[string]string {
	values := make(map[string]string, len(settings))
	for name, value := range settings {
		if value != nil {
			values[name] = *value
		}
	}
	return values
}
