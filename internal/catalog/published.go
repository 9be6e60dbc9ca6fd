package catalog

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

//go:embed published.sql
var publishedSQL string

// Published is how well a publication covers some tables.
type Published struct {
	// Missing are the tables that it does not tell everything of.
	Missing []string `json:"missing"`
	// After is the last transaction that may have changed the others before they were published.
	After uint64 `json:"after"`
}

// AskPublished tells how well a publication covers tables. The connection must be idle; it is not safe for concurrent use.
func AskPublished(ctx context.Context, conn *pgconn.PgConn, tables []uint32, publication string) (*Published, error) {
	if conn.TxStatus() != 'I' {
		return nil, ErrBusy
	}
	var args arguments
	args.add(pgtype.OIDArrayOID, tables)
	args.add(pgtype.TextOID, publication)
	if args.err != nil {
		return nil, args.err
	}
	result := conn.ExecParams(ctx, publishedSQL, args.values, nil, nil, nil).Read()
	if result.Err != nil {
		return nil, fmt.Errorf("pgcache: asking what is published: %w", result.Err)
	}
	if len(result.Rows) != 1 {
		return nil, fmt.Errorf("pgcache: asking what is published: %d rows", len(result.Rows))
	}
	var published Published
	if err := json.Unmarshal(result.Rows[0][0], &published); err != nil {
		return nil, fmt.Errorf("pgcache: what is published: %w", err)
	}
	return &published, nil
}
