package catalog

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
)

//go:embed session.sql
var sessionSQL string

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
}

// AskSession reads the session's state in one round trip. The connection must be idle; it is not safe for concurrent use.
func AskSession(ctx context.Context, conn *pgconn.PgConn) (*Session, error) {
	if conn.TxStatus() != 'I' {
		return nil, ErrBusy
	}
	result := conn.ExecParams(ctx, sessionSQL, nil, nil, nil, nil).Read()
	if result.Err != nil {
		return nil, fmt.Errorf("pgcache: reading the session's state: %w", result.Err)
	}
	if len(result.Rows) != 1 {
		return nil, fmt.Errorf("pgcache: reading the session's state: %d rows", len(result.Rows))
	}
	var answer struct {
		Refusal  string          `json:"refusal"`
		Version  int             `json:"version"`
		Recovery bool            `json:"recovery"`
		Identity json.RawMessage `json:"identity"`
	}
	if err := json.Unmarshal(result.Rows[0][0], &answer); err != nil {
		return nil, fmt.Errorf("pgcache: the session's state: %w", err)
	}
	return &Session{
		Identity: string(answer.Identity),
		Refusal:  answer.Refusal, Version: answer.Version, Recovery: answer.Recovery,
	}, nil
}
