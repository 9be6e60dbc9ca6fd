package driver_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/gopgcache/pgcache/driver"
	"github.com/gopgcache/pgcache/dsn"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

// shop opens a database with three products through a cache with one rule, and the same database plainly, as another
// program would.
func shop(rule string) (db, elsewhere *sql.DB, end func()) {
	connString, drop := pgtest.ForExample()
	config, err := pgx.ParseConfig(connString)
	must(err)
	connector, err := driver.NewConnectorConfig(config, "pgcache_rule='"+rule+"'")
	must(err)
	db = sql.OpenDB(connector)
	elsewhere, err = sql.Open("pgx", connString)
	must(err)
	_, err = elsewhere.Exec(`
		create table products (id int primary key, name text not null, price int not null);
		insert into products values (1, 'teapot', 1250), (2, 'cup', 390), (3, 'spoon', 120)`)
	must(err)
	return db, elsewhere, func() {
		must(errors.Join(db.Close(), elsewhere.Close()))
		drop()
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// highest asks for the highest price.
func highest(ctx context.Context, db *sql.DB) int {
	var price int
	must(db.QueryRowContext(ctx, "select max(price) from products").Scan(&price))
	return price
}

// A query that a rule matches is asked of PostgreSQL once. A write through the same *sql.DB is seen at once.
func Example() {
	db, _, end := shop("hot: table=products ttl=10m") // as sql.Open("pgcache", "...?pgcache_rule=hot: table=products ttl=10m")
	defer end()
	ctx := context.Background()

	fmt.Println(highest(ctx, db), highest(ctx, db))
	_, err := db.Exec("update products set price = 1400 where id = 1")
	must(err)
	fmt.Println(highest(ctx, db))

	rows, err := db.Query("SHOW pgcache.stats")
	must(err)
	defer rows.Close()
	for rows.Next() {
		var name, value string
		must(rows.Scan(&name, &value))
		if name == "hits" || name == "misses" {
			fmt.Println(name, value)
		}
	}
	must(rows.Err())
	// Output:
	// 1250 1250
	// 1400
	// hits 1
	// misses 2
}

// The driver tells why it does not cache a statement.
func Example_explain() {
	db, _, end := shop("hot: table=products ttl=10m")
	defer end()

	rows, err := db.Query("EXPLAIN (PGCACHE) SELECT name, now() FROM products")
	must(err)
	defer rows.Close()
	for rows.Next() {
		var item, value string
		must(rows.Scan(&item, &value))
		fmt.Printf("%s: %s\n", item, value)
	}
	must(rows.Err())
	// Output:
	// verdict: not cacheable
	// reason: it may call now(), which is only STABLE; allow=now in the rule would vouch for it
	// tables: public.products
	// function: now(), which is only STABLE
}

// A mistake in a connection string is named, with what was probably meant.
func ExampleNewConnector() {
	_, err := driver.NewConnector("postgres://app@db/shop?pgcache_rule=hot: table=products tll=10m")
	fmt.Println(err)
	if e, ok := errors.AsType[*dsn.Error](err); ok {
		fmt.Println(e.Parameter)
	}
	// Output:
	// pgcache: pgcache_rule="hot: table=products tll=10m": has an unknown word "tll="; did you mean "ttl="?
	// pgcache_rule
}

// What another program wrote is seen when the ttl has passed, if no feed tells of it; or when somebody asks for it.
func ExampleRefresh() {
	db, elsewhere, end := shop("hot: table=products ttl=10m")
	defer end()
	ctx := context.Background()

	fmt.Println(highest(ctx, db))
	_, err := elsewhere.Exec("update products set price = 1400 where id = 1")
	must(err)
	fmt.Println(highest(ctx, db), "is old")
	fmt.Println(highest(driver.Bypass(ctx), db), "is what PostgreSQL says")
	fmt.Println(highest(driver.Refresh(ctx), db), "is kept")
	fmt.Println(highest(ctx, db))
	// Output:
	// 1250
	// 1250 is old
	// 1400 is what PostgreSQL says
	// 1400 is kept
	// 1400
}

// A job that writes through another program can say afterwards what it wrote.
func ExampleConnector_Invalidate() {
	db, elsewhere, end := shop("hot: table=products ttl=10m")
	defer end()
	ctx := context.Background()

	fmt.Println(highest(ctx, db))
	_, err := elsewhere.Exec("update products set price = 1400 where id = 1")
	must(err)
	_, err = db.Exec("CALL pgcache.invalidate($1)", "public.products") // or connector.Invalidate(ctx, "public.products")
	must(err)
	fmt.Println(highest(ctx, db))
	// Output:
	// 1250
	// 1400
}

// A page that can do without an answer takes only what is there.
func ExampleCacheOnly() {
	db, _, end := shop("hot: table=products ttl=10m")
	defer end()
	ctx := context.Background()

	var price int
	err := db.QueryRowContext(driver.CacheOnly(ctx), "select max(price) from products").Scan(&price)
	fmt.Println(errors.Is(err, driver.ErrNotCached))
	highest(ctx, db)
	fmt.Println(highest(driver.CacheOnly(ctx), db))
	// Output:
	// true
	// 1250
}

// A rule with the matcher hint is only for statements that name it: by a comment, or by their context.
func ExampleWithRule() {
	db, elsewhere, end := shop("report: hint table=products ttl=1h")
	defer end()
	ctx := driver.WithRule(context.Background(), "report")

	fmt.Println(highest(ctx, db))
	_, err := elsewhere.Exec("update products set price = 1400 where id = 1")
	must(err)
	fmt.Println(highest(ctx, db), "by the rule")
	fmt.Println(highest(context.Background(), db), "without it")
	// Output:
	// 1250
	// 1250 by the rule
	// 1400 without it
}

// COPY is reached through pgx's own connection. All that is cached counts as changed until that is over.
func ExamplePgxConn() {
	db, _, end := shop("hot: table=products ttl=10m")
	defer end()
	ctx := context.Background()

	fmt.Println(highest(ctx, db))
	conn, err := db.Conn(ctx)
	must(err)
	err = conn.Raw(func(driverConn any) error {
		pgxConn, ok := driver.PgxConn(driverConn)
		if !ok {
			return errors.New("no connection")
		}
		rows := pgx.CopyFromRows([][]any{{4, "samovar", 9900}})
		_, err := pgxConn.CopyFrom(ctx, pgx.Identifier{"products"}, []string{"id", "name", "price"}, rows)
		return err
	})
	must(errors.Join(err, conn.Close()))
	fmt.Println(highest(ctx, db))
	// Output:
	// 1250
	// 9900
}
