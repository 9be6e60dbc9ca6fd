// Command sqlx has sqlx answered from the cache: it opens the driver by its name, and is told once which placeholders that has. It
// starts a PostgreSQL server of its own:
//
//	go run ./examples/sqlx
//
// The server and its files are gone afterwards, also after Ctrl-C.
package main

import (
	"context"
	"errors"
	"io"

	"github.com/jmoiron/sqlx"

	_ "github.com/gopgcache/pgcache/driver" // the driver "pgcache"
	"github.com/gopgcache/pgcache/dsn"
	"github.com/gopgcache/pgcache/examples/internal/pgbench"
	"github.com/gopgcache/pgcache/examples/internal/program"
)

// rule is all that the cache is told.
const rule = "shop: table=products,orders ttl=10m"

// sqlx picks placeholders by the driver's name, and doesn't know this one: without this, named queries would be sent with "?".
func init() { sqlx.BindDriver("pgcache", sqlx.DOLLAR) }

func main() { program.Main("sqlx", run) }

// run is the whole program.
func run(ctx context.Context, args []string, out io.Writer) (err error) {
	if len(args) > 0 {
		return errors.New("usage: sqlx")
	}
	database, err := pgbench.Start(ctx, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, database.Close()) }()
	text, err := database.CacheDSN(rule, func(*dsn.Config) {})
	if err != nil {
		return err
	}
	db, err := sqlx.ConnectContext(ctx, "pgcache", text)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	return (&shop{db: db, out: out}).play(ctx)
}
