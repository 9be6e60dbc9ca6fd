// Command gorm has GORM answered from the cache: its dialector is given the driver's name, and nothing else changes. It starts a
// PostgreSQL server of its own:
//
//	go run ./examples/gorm
//
// The server and its files are gone afterwards, also after Ctrl-C.
package main

import (
	"context"
	"errors"
	"io"

	"gorm.io/driver/postgres"
	"gorm.io/gorm"

	_ "github.com/gopgcache/pgcache/driver" // the driver "pgcache"
	"github.com/gopgcache/pgcache/dsn"
	"github.com/gopgcache/pgcache/examples/internal/pgbench"
	"github.com/gopgcache/pgcache/examples/internal/program"
)

// rule is all that the cache is told. GORM names the tables after the models.
const rule = "shop: table=authors,books ttl=10m"

func main() { program.Main("gorm", run) }

// run is the whole program.
func run(ctx context.Context, args []string, out io.Writer) (err error) {
	if len(args) > 0 {
		return errors.New("usage: gorm")
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
	db, err := open(text)
	if err != nil {
		return err
	}
	pool, err := db.DB()
	if err != nil {
		return err
	}
	defer pool.Close()
	return (&shop{db: db.WithContext(ctx), out: out}).play()
}

// open is how GORM is told. Without DriverName it would make connections of its own, past any driver's name.
func open(text string) (*gorm.DB, error) {
	return gorm.Open(postgres.New(postgres.Config{DriverName: "pgcache", DSN: text}), &gorm.Config{})
}
