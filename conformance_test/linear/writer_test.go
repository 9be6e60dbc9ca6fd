package linear_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// writer writes registers of its own through plain pgx, in every way there is.
type writer struct {
	dsn    string
	number int
	// gid names what it prepares: that is nobody else's on the whole server.
	gid string
	// mine are the cells that nobody else writes; board is set for the one who writes the board.
	mine  []int32
	board bool
	dice  *rand.Rand

	conn    *pgx.Conn
	version int64
	writes  []write
	// open are those of the transaction at hand.
	open []write
	// lost counts the connections that broke.
	lost int
	// kinds are the ways to write that it has.
	kinds []kind
}

// next gives a register a version that nobody has had. It is called before the version is sent.
func (w *writer) next(register int32, kind string) int64 {
	w.version++
	w.open = append(w.open, write{Register: register, Version: w.version, Begin: now(), Kind: kind})
	return w.version
}

// end says how the writes at hand ended.
func (w *writer) end(how outcome) {
	at := now()
	for _, o := range w.open {
		o.Outcome, o.End = how, at
		w.writes = append(w.writes, o)
	}
	w.open = w.open[:0]
}

// kind is a way to write.
type kind struct {
	name  string
	write func(ctx context.Context, w *writer, name string) error
}

var kinds = []kind{
	{"update", updateRow},
	{"update", updateRow},
	{"update", updateRow},
	{"update through a view", updateThroughView},
	{"transaction", updateTwo},
	{"rollback", rollBack},
	{"savepoint", savepoint},
	{"prepared", prepared},
	{"prepared, rolled back", preparedNot},
	{"delete and insert", replace},
	{"other keys", swapKeys},
	{"truncate", truncate},
}

const update = "update cell set version = $2 where id = $1"

// any gives one of the writer's cells.
func (w *writer) any() int32 { return w.mine[w.dice.IntN(len(w.mine))] }

// two gives two of them.
func (w *writer) two() (a, b int32) {
	i := w.dice.IntN(len(w.mine))
	return w.mine[i], w.mine[(i+1+w.dice.IntN(len(w.mine)-1))%len(w.mine)]
}

func (w *writer) exec(ctx context.Context, sql string, args ...any) error {
	_, err := w.conn.Exec(ctx, sql, args...)
	return err
}

// all runs statements without arguments one after the other.
func (w *writer) all(ctx context.Context, statements ...string) error {
	for _, s := range statements {
		if err := w.exec(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

func updateRow(ctx context.Context, w *writer, name string) error {
	cell := w.any()
	return w.exec(ctx, update, cell, w.next(cell, name))
}

func updateThroughView(ctx context.Context, w *writer, name string) error {
	cell := w.any()
	return w.exec(ctx, "update cells set version = $2 where id = $1", cell, w.next(cell, name))
}

func updateTwo(ctx context.Context, w *writer, name string) error {
	a, b := w.two()
	return errors.Join(
		w.all(ctx, "begin"),
		w.exec(ctx, update, a, w.next(a, name)),
		w.exec(ctx, update, b, w.next(b, name)),
		w.all(ctx, "commit"))
}

func rollBack(ctx context.Context, w *writer, name string) error {
	a, b := w.two()
	err := errors.Join(
		w.all(ctx, "begin"),
		w.exec(ctx, update, a, w.next(a, name)),
		w.exec(ctx, update, b, w.next(b, name)),
		w.all(ctx, "rollback"))
	w.end(rolledBack)
	return err
}

// savepoint changes one cell for good, and another in a part of the transaction that is rolled back.
func savepoint(ctx context.Context, w *writer, name string) error {
	a, b := w.two()
	err := errors.Join(
		w.all(ctx, "begin", "savepoint one"),
		w.exec(ctx, update, b, w.next(b, name+", rolled back to")),
		w.exec(ctx, update, a, w.next(a, name+", rolled back to")),
		w.all(ctx, "rollback to one"))
	w.end(rolledBack)
	return errors.Join(err,
		w.all(ctx, "savepoint two"),
		w.exec(ctx, update, a, w.next(a, name)),
		w.all(ctx, "release two", "commit"))
}

func (w *writer) prepare(ctx context.Context, name, outcome string) error {
	a, b := w.two()
	return errors.Join(
		w.all(ctx, "begin"),
		w.exec(ctx, update, a, w.next(a, name)),
		w.exec(ctx, update, b, w.next(b, name)),
		w.all(ctx, fmt.Sprintf("prepare transaction '%s'", w.gid), fmt.Sprintf("%s prepared '%s'", outcome, w.gid)))
}

func prepared(ctx context.Context, w *writer, name string) error {
	return w.prepare(ctx, name, "commit")
}

func preparedNot(ctx context.Context, w *writer, name string) error {
	err := w.prepare(ctx, name, "rollback")
	w.end(rolledBack)
	return err
}

// replace deletes a cell, with its parts, and makes it anew.
func replace(ctx context.Context, w *writer, name string) error {
	cell := w.any()
	return errors.Join(
		w.all(ctx, "begin"),
		w.exec(ctx, "delete from cell where id = $1", cell),
		w.exec(ctx, "insert into cell values ($1, ($1::int - 1) / 4, $2)", cell, w.next(cell, name)),
		w.all(ctx, "commit"))
}

// swapKeys gives two rows each other's key, by way of a third, and each key a new version.
func swapKeys(ctx context.Context, w *writer, name string) error {
	a, b := w.two()
	const move = "update cell set id = $2, grp = ($3::int - 1) / 4, version = $4 where id = $1"
	va := w.next(a, name)
	vb := w.next(b, name)
	hidden := -1 - w.number
	return errors.Join(
		w.all(ctx, "begin"),
		w.exec(ctx, move, a, hidden, b, 0),
		w.exec(ctx, move, b, a, a, va),
		w.exec(ctx, move, hidden, b, b, vb),
		w.all(ctx, "commit"))
}

// truncate empties the board and fills it anew.
func truncate(ctx context.Context, w *writer, name string) error {
	if !w.board {
		return updateRow(ctx, w, "update")
	}
	err := w.all(ctx, "begin", "truncate board")
	for i := range int32(boardRows) {
		register := boardFirst + i
		err = errors.Join(err, w.exec(ctx, "insert into board values ($1, $2)", register, w.next(register, name)))
	}
	return errors.Join(err, w.all(ctx, "commit"))
}

// once writes once, and connects anew if the connection broke. Anything else that goes wrong is an error.
func (w *writer) once(ctx context.Context) error {
	if !w.connected(ctx) {
		return nil // the server is not there; the next turn tries again
	}
	k := w.kinds[w.dice.IntN(len(w.kinds))]
	err := k.write(ctx, w, k.name)
	switch {
	case err == nil:
		w.end(committed)
	case w.conn.IsClosed() || ctx.Err() != nil:
		w.end(unknown)
		w.lost++
	default:
		w.end(unknown)
		return fmt.Errorf("%s: %w", k.name, err)
	}
	return nil
}

// connected tells whether there is a connection, if need be a new one.
func (w *writer) connected(ctx context.Context) bool {
	return w.conn != nil && !w.conn.IsClosed() || w.connect(ctx) == nil
}

// connect connects, and ends what an earlier connection has left prepared.
func (w *writer) connect(ctx context.Context) (err error) {
	if w.conn, err = pgx.Connect(ctx, w.dsn); err != nil {
		return err
	}
	if w.lost == 0 {
		return nil
	}
	err = w.exec(ctx, fmt.Sprintf("rollback prepared '%s'", w.gid))
	if pgErr := (*pgconn.PgError)(nil); errors.As(err, &pgErr) && pgErr.Code == "42704" { // there is none
		return nil
	}
	return err
}

// writers write at the same time.
type writers struct {
	list    []*writer
	stopped chan struct{}
	ending  sync.Once
	running sync.WaitGroup
	count   atomic.Int64
	errors  []error
}

const writersAtOnce = 3

// startWriters starts writers that take so many turns a second together. If only is set it names the one kind of writes.
func startWriters(dsn string, perSecond int, only string, seed uint64) *writers {
	ways := slices.DeleteFunc(slices.Clone(kinds), func(k kind) bool { return only != "" && k.name != only })
	ws := &writers{stopped: make(chan struct{}), errors: make([]error, writersAtOnce)}
	for i := range writersAtOnce {
		w := &writer{dsn: dsn, number: i, board: i == 0, kinds: ways, dice: rand.New(rand.NewPCG(seed, uint64(1000+i)))}
		w.gid = fmt.Sprintf("writer %d of %d", i, seed)
		for cell := int32(1); cell <= cells; cell++ {
			if int(cell)%writersAtOnce == i {
				w.mine = append(w.mine, cell)
			}
		}
		ws.list = append(ws.list, w)
		ws.running.Go(func() { ws.errors[i] = ws.write(w, time.Second*writersAtOnce/time.Duration(perSecond)) })
	}
	return ws
}

func (ws *writers) write(w *writer, every time.Duration) error {
	pace := time.NewTicker(every)
	defer pace.Stop()
	ctx := context.Background()
	defer func() {
		if w.conn != nil {
			_ = w.conn.Close(ctx)
		}
	}()
	for {
		select {
		case <-ws.stopped:
			return nil
		case <-pace.C:
		}
		if err := w.once(ctx); err != nil {
			return err
		}
		ws.count.Add(1)
	}
}

// stop ends the writing and gives what was written.
func (ws *writers) stop(t *testing.T) []write {
	t.Helper()
	ws.ending.Do(func() { close(ws.stopped) })
	ws.running.Wait()
	var all []write
	for i, w := range ws.list {
		if err := ws.errors[i]; err != nil {
			t.Errorf("writer %d: %v", i, err)
		}
		all = append(all, w.writes...)
	}
	return all
}
