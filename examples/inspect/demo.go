package main

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/gopgcache/pgcache/dsn"
	"github.com/gopgcache/pgcache/examples/internal/pgbench"
)

// rule is all that the cache is told.
const rule = "shop: table=products,orders ttl=30s"

const tables = `
CREATE TABLE products (id int PRIMARY KEY, name text NOT NULL, price numeric(10, 2) NOT NULL);
INSERT INTO products SELECT g, 'Product ' || g, g % 997 + 0.99 FROM generate_series(1, 20000) g;
CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, product int NOT NULL, amount int NOT NULL);
INSERT INTO orders (product, amount) SELECT g % 20000 + 1, g % 5 + 1 FROM generate_series(1, 200000) g;`

// open makes the tables, and opens the database through the cache, with a feed.
func open(ctx context.Context, database *pgbench.Database) (*sql.DB, error) {
	text, err := database.CacheDSN(rule, func(c *dsn.Config) { c.Feed = dsn.FeedAuto })
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("pgcache", text)
	if err != nil {
		return nil, err
	}
	for _, statement := range []string{tables, "CALL pgcache.install()"} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	return db, nil
}

// What is asked. The last can't be cached, since it sees the time.
const (
	product = "SELECT name, price FROM products WHERE id = $1"
	report  = "SELECT product, sum(amount) FROM orders GROUP BY product ORDER BY 2 DESC, 1 LIMIT 10"
	dearest = "SELECT name, price FROM products ORDER BY price DESC, id LIMIT 20"
	value   = "SELECT sum(o.amount * p.price) FROM orders o JOIN products p ON p.id = o.product"
	clock   = "SELECT count(*), now() FROM products WHERE price > 500"
	order   = "INSERT INTO orders (product, amount) VALUES ($1, 1)"
	reprice = "UPDATE products SET price = price + 0.01 WHERE id = $1"
)

// busy asks and writes until the context ends.
func busy(ctx context.Context, db *sql.DB) error {
	beat := time.NewTicker(5 * time.Millisecond)
	defer beat.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-beat.C:
		}
		if err := step(ctx, db, n); err != nil {
			return err
		}
	}
}

// step is one beat: reads of what many ask, now and then of what few ask, and now and then a write.
func step(ctx context.Context, db *sql.DB, n int) error {
	id := 1 + int(20*rand.ExpFloat64())%20000
	err := read(ctx, db, product, id)
	switch {
	case err != nil:
	case n%10 == 0:
		err = errors.Join(read(ctx, db, report), read(ctx, db, dearest), read(ctx, db, value))
	case n%73 == 0:
		err = read(ctx, db, clock)
	case n%301 == 0:
		_, err = db.ExecContext(ctx, reprice, id)
	case n%997 == 0:
		_, err = db.ExecContext(ctx, order, id)
	}
	return err
}

// read asks, and reads the answer to its end.
func read(ctx context.Context, db *sql.DB, query string, args ...any) error {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		continue // nobody looks at them
	}
	return rows.Err()
}
