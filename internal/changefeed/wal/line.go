package wal

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// patience is how long the server may take for anything that it has no reason to take long for. It bounds how long a
// connection can be dead before that is noticed.
const patience = 5 * time.Second

// question is a query that gives one row.
type question struct{ name, sql string }

// line is an ordinary connection, for questions, one at a time. It speaks the protocol itself: a barrier has no time for
// more, and after an error there is nothing to save.
type line struct {
	conn     net.Conn
	frontend *pgproto3.Frontend
	prepared map[string]bool
}

// dial connects. The line is closed when the context ends.
func dial(ctx context.Context, config *pgconn.Config) (*line, error) {
	hijacked, err := connectAndHijack(ctx, config)
	if err != nil {
		return nil, err
	}
	l := &line{conn: hijacked.Conn, frontend: hijacked.Frontend, prepared: make(map[string]bool)}
	context.AfterFunc(ctx, l.close)
	return l, nil
}

func connectAndHijack(ctx context.Context, config *pgconn.Config) (*pgconn.HijackedConn, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	return conn.Hijack()
}

// close closes the connection, without a word: the server takes that well from a session that does nothing.
func (l *line) close() { _ = l.conn.Close() }

// ask gives the answer's one row. NULLs are empty.
func (l *line) ask(q question, args ...string) ([]string, error) {
	if err := l.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	if !l.prepared[q.name] {
		l.frontend.SendParse(&pgproto3.Parse{Name: q.name, Query: q.sql})
	}
	values := make([][]byte, len(args))
	for i, arg := range args {
		values[i] = []byte(arg)
	}
	l.frontend.SendBind(&pgproto3.Bind{PreparedStatement: q.name, Parameters: values})
	l.frontend.SendExecute(&pgproto3.Execute{})
	l.frontend.SendSync(&pgproto3.Sync{})
	if err := l.frontend.Flush(); err != nil {
		return nil, fmt.Errorf("pgcache: asking the server: %w", err)
	}
	row, err := l.answer()
	l.prepared[q.name] = err == nil
	return row, err
}

// answer reads up to the server's being ready again.
func (l *line) answer() (row []string, err error) {
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
