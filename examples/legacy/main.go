// Command legacy is a shop's program as it may have been in use for years: it knows database/sql and nothing of pgcache, but for
// the blank import of its driver. Which driver it opens, and the connection string, come from the environment:
//
//	DATABASE_URL=postgres://... go run ./examples/legacy
//	DB_DRIVER=pgcache DATABASE_URL='postgres://...&pgcache_rule=shop: table=legacy_shop.* ttl=1m' go run ./examples/legacy
//
// Both print the same. With -last a statement is run at the end and shown on the standard error; SHOW pgcache.stats is one that
// the second can answer. The program keeps its tables in the schema legacy_shop, which it makes anew each time.
package main

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	_ "github.com/gopgcache/pgcache/driver" // the driver "pgcache": all that this program was told
	"github.com/gopgcache/pgcache/examples/internal/program"
)

func main() {
	program.Main("legacy", func(ctx context.Context, args []string, out io.Writer) error {
		return run(ctx, args, out, os.Stderr)
	})
}

// run is the whole program.
func run(ctx context.Context, args []string, out, log io.Writer) error {
	flags := flag.NewFlagSet("legacy", flag.ContinueOnError)
	flags.SetOutput(log)
	last := flags.String("last", "", "a statement to run at the end")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return errors.New("usage: legacy [-last statement]")
	}
	db, err := sql.Open(cmp.Or(os.Getenv("DB_DRIVER"), "pgx"), os.Getenv("DATABASE_URL"))
	if err != nil {
		return fmt.Errorf("opening the database: %w", err)
	}
	defer db.Close()
	if err := (&shop{db: db, out: out}).open(ctx); err != nil {
		return err
	}
	if *last == "" {
		return nil
	}
	return printRows(ctx, db, log, *last)
}
