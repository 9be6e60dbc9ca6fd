//go:build go1.27

package driver

import "database/sql/driver"

var _ driver.RowsColumnScanner = (*observedRows)(nil)

// NextRow is how database/sql goes to the next row from Go 1.27 on. The values are asked for once more, since pgx then gives
// them to the caller's destinations alone.
func (r *observedRows) NextRow() error {
	err := r.passedRows.NextRow()
	if err != nil {
		r.saw(nil, err)
		return err
	}
	row := make([]driver.Value, len(r.Columns()))
	for i := range row {
		var value any
		if r.ScanColumn(driver.ScanContext{}, i, &value) == nil {
			row[i] = value
		}
	}
	r.saw(row, nil)
	return nil
}
