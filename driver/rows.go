package driver

import (
	"database/sql/driver"

	"github.com/jackc/pgx/v5/stdlib"

	"github.com/gopgcache/pgcache/internal/rowset"
)

var (
	_ driver.RowsColumnTypeDatabaseTypeName = (*passedRows)(nil)
	_ driver.RowsColumnTypeLength           = (*passedRows)(nil)
	_ driver.RowsColumnTypePrecisionScale   = (*passedRows)(nil)
	_ driver.RowsColumnTypeScanType         = (*passedRows)(nil)
	_ driver.RowsColumnTypeDatabaseTypeName = (*rowset.Rows)(nil)
	_ driver.RowsColumnTypeLength           = (*rowset.Rows)(nil)
	_ driver.RowsColumnTypePrecisionScale   = (*rowset.Rows)(nil)
	_ driver.RowsColumnTypeScanType         = (*rowset.Rows)(nil)
)

// passedRows are pgx's own rows, of a statement that was passed on. They have all of pgx's methods, those that a later Go
// version brings included, and tell when they are closed.
type passedRows struct {
	*stdlib.Rows
	closed func(error)
}

func newPassedRows(rows driver.Rows, closed func(error)) *passedRows {
	return &passedRows{Rows: rows.(*stdlib.Rows), closed: closed}
}

func (r *passedRows) Close() error {
	err := r.Rows.Close()
	if r.closed != nil {
		r.closed(err)
		r.closed = nil
	}
	return err
}
