package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// Patience is how long the server may take for anything that it has no reason to take long for. It bounds how long a
// connection can be dead before that is noticed.
const Patience = 5 * time.Second

// Question is a query that gives one row. Those of the same name have the same text.
type Question struct{ Name, SQL string }

// Line is an ordinary connection, for questions, one at a time. It speaks the protocol itself: a barrier has no time for
// more, and after an error there is nothing to save.
type Line struct {
	conn     net.Conn
	frontend *pgproto3.Frontend
	prepared map[string]bool
}

// Dial connects. The line is closed when the context ends.
func Dial(ctx context.Context, config *pgconn.Config) (*Line, error) {
	hijacked, err := connectAndHijack(ctx, config)
	if err != nil {
		return nil, err
	}
	l := &Line{conn: hijacked.Conn, frontend: hijacked.Frontend, prepared: make(map[string]bool)}
	context.AfterFunc(ctx, l.Close)
	return l, nil
}

func connectAndHijack(ctx context.Context, config *pgconn.Config) (*pgconn.HijackedConn, error) {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	conn, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	return conn.Hijack()
}

// Close closes the connection, without a word: the server takes that well from a session that does nothing.
func (l *Line) Close() { _ = l.conn.Close() }

// Ask gives the answer's one row. NULLs are empty.
func (l *Line) Ask(q Question, args ...string) ([]string, error) {
	if err := l.conn.SetDeadline(time.Now().Add(Patience)); err != nil {
		return nil, err
	}
	if !l.prepared[q.Name] {
		l.frontend.SendParse(&pgproto3.Parse{Name: q.Name, Query: q.SQL})
	}
	values := make([][]byte, len(args))
	for i, arg := range args {
		values[i] = []byte(arg)
	}
	l.frontend.SendBind(&pgproto3.Bind{PreparedStatement: q.Name, Parameters: values})
	l.frontend.SendExecute(&pgproto3.Execute{})
	l.frontend.SendSync(&pgproto3.Sync{})
	if err := l.frontend.Flush(); err != nil {
		return nil, fmt.Errorf("pgcache: asking the server: %w", err)
	}
	row, err := l.answer()
	l.prepared[q.Name] = err == nil
	return row, err
}

// answer reads up to the server's being ready again.
func (l *Line) answer() (row []string, err error) {
	for {
		message, broken := l.frontend.Receive()
		if broken != nil {
			return nil, fmt.Errorf("pgcache: waiting for the server's answer: %w", broken)
		}
		switch m := message.(type) {
		case *pgproto3.DataRow:
			row = make([]string, len(m.Values))
			for i, value := range m.Values {
				row[i] = string(value)
			}
		case *pgproto3.ErrorResponse:
			err = pgconn.ErrorResponseToPgError(m)
		case *pgproto3.ReadyForQuery:
			if err == nil && row == nil {
				err = errors.New("pgcache: the server gave no row")
			}
			return row, err
		}
	}
}
