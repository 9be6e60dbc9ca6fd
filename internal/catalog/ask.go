package catalog

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/gopgcache/pgcache/internal/statement"
)

//go:embed resolve.sql
var resolveSQL string

//go:embed reach.sql
var reachSQL string

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
	var answer Answer
	if err := read(results, 2, &answer.Resolution); err != nil {
		return nil, err
	}
	if len(st.Writes) == 0 {
		return &answer, nil
	}
	return &answer, read(results, 3, &answer.Reach)
}

// questions are asked in a transaction of their own, with the just-in-time compiler off: it would take a second to compile
// what runs for a millisecond.
func questions(st *statement.Statement) (*pgconn.Batch, error) {
	batch := &pgconn.Batch{}
	plain := func(sql string) { batch.ExecParams(sql, nil, nil, nil, nil) }
	plain("begin read only")
	plain("set local jit = off")
	n := &st.Names
	var args arguments
	args.names(n.Relations)
	args.functions(n.Functions)
	args.texts(n.Operators)
	args.texts(n.Columns)
	args.names(n.Types)
	args.texts(n.Fields)
	batch.ExecParams(resolveSQL, args.values, nil, nil, nil)
	if len(st.Writes) > 0 {
		var targets arguments
		targets.names(st.Writes)
		batch.ExecParams(reachSQL, targets.values, nil, nil, nil)
		args.err = errors.Join(args.err, targets.err)
	}
	plain("commit")
	return batch, args.err
}

// leave ends the transaction of a question that failed.
func leave(ctx context.Context, conn *pgconn.PgConn) error {
	if conn.IsClosed() || conn.TxStatus() == 'I' {
		return nil
	}
	return conn.Exec(ctx, "rollback").Close()
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
