//go:build go1.27

package driver

import (
	"database/sql/driver"

	"github.com/gopgcache/pgcache/internal/rowset"
)

var (
	_ driver.RowsColumnScanner = (*passedRows)(nil)
	_ driver.RowsColumnScanner = (*rowset.Rows)(nil)
)
