package catalog

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/gopgcache/pgcache/internal/statement"
)

//go:embed resolve.sql
var resolveSQL string

//go:embed reach.sql
var reachSQL string

//go:embed search.sql
var searchSQL string

// ErrBusy means that the connection is in a transaction, where nothing may be asked: a question that fails would end the
// caller's transaction.
var ErrBusy = errors.New("pgcache: the catalog can't be asked inside a transaction")

// Answer is what the catalog knows of a statement.
type Answer struct {
	Resolution
	// Reach is what the statement's named targets lead to.
	Reach Reach
	// Version is a fingerprint of everything in the catalogs that the answer and the meaning of the statement's result rest
	// on. It is another one after any change to that, whoever made it.
	Version string
	// Snapshot is what the catalog was seen by, or by a later one, as pg_current_snapshot gives it.
	Snapshot string
}

// Ask resolves the names of a statement and the reach of its writes in one round trip. The connection must be idle and is
// left so; it is not safe for concurrent use.
func Ask(ctx context.Context, conn *pgconn.PgConn, st *statement.Statement) (*Answer, error) {
	if conn.TxStatus() != 'I' {
		return nil, ErrBusy
	}
	batch, err := questions(st)
	if err != nil {
		return nil, err
	}
	results, err := conn.ExecBatch(ctx, batch).ReadAll()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("pgcache: asking the catalog: %w", err), leave(ctx, conn))
	}
	answer, search, err := readAnswer(results)
	if err == nil && len(st.Writes) > 0 {
		answer.Reach, err = readReach(results)
	}
	if err == nil && search {
		err = askSearch(ctx, conn, answer)
	}
	return answer, err
}

// readAnswer takes the answer and its version from the results, and whether text search has a part in it.
func readAnswer(results []*pgconn.Result) (*Answer, bool, error) {
	var raw resolved
	if err := read(results, resolveQuestion, &raw); err != nil {
		return nil, false, err
	}
	return &Answer{
		Resolution: raw.resolution(), Version: version(results[resolveQuestion].Rows[0]...),
		Snapshot: string(results[snapshotQuestion].Rows[0][0]),
	}, slices.Contains(raw.Asks, searches), nil
}

// Where the questions stand among the statements that are sent.
const (
	snapshotQuestion = 2 + iota
	resolveQuestion
	reachQuestion
)

func readReach(results []*pgconn.Result) (Reach, error) {
	var raw reached
	if err := read(results, reachQuestion, &raw); err != nil {
		return Reach{}, err
	}
	return raw.reach(), nil
}

// askSearch makes the configurations and dictionaries of text search, which have catalogs of their own, a part of the
// version. Few statements search, so those pay another round trip.
func askSearch(ctx context.Context, conn *pgconn.PgConn, answer *Answer) error {
	result := conn.ExecParams(ctx, searchSQL, nil, nil, nil, nil).Read()
	if result.Err != nil {
		return fmt.Errorf("pgcache: asking the catalog about text search: %w", result.Err)
	}
	if len(result.Rows) != 1 {
		return fmt.Errorf("pgcache: the catalog gave %d answers about text search", len(result.Rows))
	}
	answer.Version = version([]byte(answer.Version), result.Rows[0][0])
	return nil
}

// version is a hash of texts, each led by its length.
func version(texts ...[]byte) string {
	hash := sha256.New()
	for _, t := range texts {
		hash.Write(binary.AppendUvarint(nil, uint64(len(t))))
		hash.Write(t)
	}
	return hex.EncodeToString(hash.Sum(nil)[:versionBytes])
}

// versionBytes is how much of a hash makes a version: no two are the same by chance.
const versionBytes = 16

// quickly makes a question of milliseconds take no longer: it keeps the just-in-time compiler off, which would take a second, and
// the planner from thinking of catalogs as large tables to be read whole. It also makes the server write names in one way, and read
// strings in one.
const quickly = `
	select pg_catalog.set_config(s.name, s.value, true)
	from (values ('jit', 'off'), ('enable_seqscan', 'off'), ('enable_hashjoin', 'off'), ('enable_mergejoin', 'off'),
		('join_collapse_limit', '1'), ('quote_all_identifiers', 'off'), ('standard_conforming_strings', 'on')) s(name, value)`

// questions are asked in a transaction of their own, which is what the settings are for.
func questions(st *statement.Statement) (*pgconn.Batch, error) {
	batch := &pgconn.Batch{}
	plain := func(sql string) { batch.ExecParams(sql, nil, nil, nil, nil) }
	plain("begin read only")
	plain(quickly)
	plain("select pg_catalog.pg_current_snapshot()")
	n := &st.Names
	var args arguments
	args.names(n.Relations)
	args.functions(n.Functions)
	args.texts(n.Operators)
	args.texts(n.Columns)
	args.names(n.Types)
	args.texts(n.Fields)
	args.texts(n.Casts)
	batch.ExecParams(resolveSQL, args.values, nil, nil, nil)
	if len(st.Writes) > 0 {
		var targets arguments
		targets.names(st.Writes)
		targets.texts(append([]string{"timezone"}, harmlessFunctions...))
		targets.texts(harmlessOperators)
		targets.texts(harmlessTypes)
		batch.ExecParams(reachSQL, targets.values, nil, nil, nil)
		args.err = errors.Join(args.err, targets.err)
	}
	plain("commit")
	return batch, args.err
}

// leave ends the transaction of a question that failed. With a statement_timeout of a millisecond that may fail, too: it is tried again,
// and if all fails the connection is closed, since its user must not be in a transaction that it did not begin.
func leave(ctx context.Context, conn *pgconn.PgConn) error {
	const tries = 5
	var err error
	for range tries {
		if conn.IsClosed() || conn.TxStatus() == 'I' {
			return nil
		}
		err = conn.Exec(ctx, "rollback").Close()
	}
	if conn.TxStatus() != 'I' {
		err = errors.Join(err, conn.Close(ctx))
	}
	return err
}

func read(results []*pgconn.Result, i int, into any) error {
	if len(results) <= i || len(results[i].Rows) != 1 {
		return fmt.Errorf("pgcache: the catalog gave no answer to question %d", i)
	}
	if err := json.Unmarshal(results[i].Rows[0][0], into); err != nil {
		return fmt.Errorf("pgcache: the catalog's answer: %w", err)
	}
	return nil
}

// arguments collects query parameters as text.
type arguments struct {
	types  *pgtype.Map // not safe for concurrent use, so each has its own
	values [][]byte
	err    error
}

func (a *arguments) add(oid uint32, value any) {
	if a.types == nil {
		a.types = pgtype.NewMap()
	}
	text, err := a.types.Encode(oid, pgtype.TextFormatCode, value, nil)
	a.values = append(a.values, text)
	a.err = errors.Join(a.err, err)
}

func (a *arguments) texts(list []string) {
	if list == nil {
		list = []string{}
	}
	a.add(pgtype.TextArrayOID, list)
}

// names adds two parallel arrays: schemas, NULL where none is given, and names.
func (a *arguments) names(list []statement.Name) {
	schemas, names := make([]*string, len(list)), make([]string, len(list))
	for i, n := range list {
		names[i] = n.Name
		if n.Schema != "" {
			schemas[i] = &n.Schema
		}
	}
	a.add(pgtype.TextArrayOID, schemas)
	a.texts(names)
}

func (a *arguments) functions(list []statement.Function) {
	names, counts := make([]statement.Name, len(list)), make([]int32, len(list))
	for i, f := range list {
		names[i], counts[i] = f.Name, int32(f.Args)
	}
	a.names(names)
	a.add(pgtype.Int4ArrayOID, counts)
}
