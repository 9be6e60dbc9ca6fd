package driver

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"slices"
)

// Name is the name under which the driver registers itself.
const Name = "pgcache"

var (
	_ driver.Driver        = (*Driver)(nil)
	_ driver.DriverContext = (*Driver)(nil)
)

func init() {
	// Two versions of this module in one program must not panic at start.
	if !slices.Contains(sql.Drivers(), Name) {
		sql.Register(Name, &Driver{})
	}
}

// Driver is the driver that sql.Open("pgcache", dsn) uses. The zero Driver is ready and safe for concurrent use.
type Driver struct{}

// Open opens one connection with a cache of its own, which is rarely what is wanted: database/sql uses OpenConnector.
func (d *Driver) Open(dsn string) (driver.Conn, error) {
	connector, err := NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	conn, err := connector.Connect(context.Background())
	if own, ok := conn.(*Conn); ok {
		own.owns = connector
	}
	return conn, err
}

// OpenConnector makes the connector for a connection string. A string that is wrong is reported by the first use of the
// database and not by sql.Open, as with pgx.
func (d *Driver) OpenConnector(dsn string) (driver.Connector, error) {
	connector, err := NewConnector(dsn)
	if err != nil {
		return failed{err}, nil //nolint:nilerr // the first use reports it
	}
	return connector, nil
}

// failed is the connector of a connection string that is wrong.
type failed struct{ err error }

func (f failed) Connect(context.Context) (driver.Conn, error) { return nil, f.err }
func (f failed) Driver() driver.Driver                        { return &Driver{} }
