package catalog

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

//go:embed columns.sql
var columnsSQL string

// Column is a column whose values have one text form: rows of its table can be told by them.
type Column struct {
	Table uint32 `json:"table"`
	Name  string `json:"name"`
	Type  uint32 `json:"type"`
}

// Columns are the columns by whose values the rows of some tables can be told.
type Columns struct {
	List []Column `json:"columns"`
	// After is the last transaction that had begun when this was asked.
	After uint64 `json:"after"`
}

// AskColumns gives the columns by whose values the rows of plain tables can be told. The connection must be idle; it is not
// safe for concurrent use.
func AskColumns(ctx context.Context, conn *pgconn.PgConn, tables []uint32) (*Columns, error) {
	if conn.TxStatus() != 'I' {
		return nil, ErrBusy
	}
	var args arguments
	args.add(pgtype.OIDArrayOID, tables)
	if args.err != nil {
		return nil, args.err
	}
	result := conn.ExecParams(ctx, columnsSQL, args.values, nil, nil, nil).Read()
	if result.Err != nil {
		return nil, fmt.Errorf("pgcache: asking for columns: %w", result.Err)
	}
	if len(result.Rows) != 1 {
		return nil, fmt.Errorf("pgcache: asking for columns: %d rows", len(result.Rows))
	}
	var columns Columns
	if err := json.Unmarshal(result.Rows[0][0], &columns); err != nil {
		return nil, fmt.Errorf("pgcache: the columns: %w", err)
	}
	return &columns, nil
}
