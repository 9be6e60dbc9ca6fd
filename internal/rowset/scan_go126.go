//go:build !go1.27

package rowset

// A cursor is where ScanColumn is in the row at hand. Before Go 1.27 there is no ScanColumn.
type cursor struct{}
