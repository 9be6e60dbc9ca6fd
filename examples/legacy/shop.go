package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// tables is the shop's schema, and what is in stock.
const tables = `
DROP SCHEMA IF EXISTS legacy_shop CASCADE;
CREATE SCHEMA legacy_shop;
CREATE TABLE legacy_shop.products (id int PRIMARY KEY, name text NOT NULL, price numeric(10, 2) NOT NULL, stock int NOT NULL);
CREATE TABLE legacy_shop.orders (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	product int NOT NULL REFERENCES legacy_shop.products,
	amount int NOT NULL,
	note text,
	ordered timestamptz NOT NULL
);
INSERT INTO legacy_shop.products SELECT g, 'Product ' || g, g % 97 + 0.99, 100 FROM generate_series(1, 500) g;
INSERT INTO legacy_shop.orders (product, amount, note, ordered)
	SELECT g % 500 + 1, g % 5 + 1, CASE WHEN g % 3 = 0 THEN 'a gift' END, timestamptz '2024-01-01 00:00Z' + g * interval '1 hour'
	FROM generate_series(1, 5000) g;`

// shop answers its visitors.
type shop struct {
	db  *sql.DB
	out io.Writer
}

// open makes the shop and has visitors come, look and buy. Most of them look at the same.
func (s *shop) open(ctx context.Context) error {
	if _, err := s.db.ExecContext(ctx, tables); err != nil {
		return fmt.Errorf("making the tables: %w", err)
	}
	for day := range 3 {
		fmt.Fprintf(s.out, "Day %d\n", day+1)
		for range 3 {
			if err := errors.Join(s.frontPage(ctx), s.productPage(ctx, 42)); err != nil {
				return err
			}
		}
		if err := s.buy(ctx, 42, 2); err != nil {
			return err
		}
		if err := s.productPage(ctx, 42); err != nil {
			return err
		}
	}
	return nil
}

// frontPage shows what sells best.
func (s *shop) frontPage(ctx context.Context) error {
	return printRows(ctx, s.db, s.out, `
		SELECT p.name, sum(o.amount) AS sold, sum(o.amount * p.price) AS worth
		  FROM legacy_shop.orders o JOIN legacy_shop.products p ON p.id = o.product
		 GROUP BY p.id, p.name ORDER BY sold DESC, p.id LIMIT 5`)
}

// productPage shows a product, and its last order.
func (s *shop) productPage(ctx context.Context, id int) error {
	var (
		name, price string
		stock       int
		note        sql.NullString
		ordered     time.Time
	)
	err := s.db.QueryRowContext(ctx, "SELECT name, price, stock FROM legacy_shop.products WHERE id = $1", id).Scan(&name, &price, &stock)
	if err != nil {
		return fmt.Errorf("product %d: %w", id, err)
	}
	latest, err := s.db.PrepareContext(ctx, "SELECT note, ordered FROM legacy_shop.orders WHERE product = $1 ORDER BY id DESC LIMIT 1")
	if err != nil {
		return fmt.Errorf("latest order: %w", err)
	}
	defer latest.Close()
	if err := latest.QueryRowContext(ctx, id).Scan(&note, &ordered); err != nil {
		return fmt.Errorf("latest order of product %d: %w", id, err)
	}
	if !note.Valid {
		note.String = "no note"
	}
	at := ordered.UTC().Format(time.DateTime)
	fmt.Fprintf(s.out, "  %s costs %s, %d left, last ordered %s (%s)\n", name, price, stock, at, note.String)
	return nil
}

// buy takes a product out of stock and writes the order, or does neither.
func (s *shop) buy(ctx context.Context, id, amount int) (err error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("buying: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("buying: %w", err), tx.Rollback())
		}
	}()
	if _, err := tx.ExecContext(ctx, "UPDATE legacy_shop.products SET stock = stock - $2 WHERE id = $1", id, amount); err != nil {
		return err
	}
	var order int64
	err = tx.QueryRowContext(ctx, `
		INSERT INTO legacy_shop.orders (product, amount, ordered)
		SELECT $1, $2, max(ordered) + interval '1 day' FROM legacy_shop.orders RETURNING id`, id, amount).Scan(&order)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "  order %d: %d of product %d\n", order, amount, id)
	return tx.Commit()
}

// printRows asks, and prints the answer, whatever its columns are.
func printRows(ctx context.Context, db *sql.DB, out io.Writer, query string) error {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	values, into := make([]sql.NullString, len(names)), make([]any, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		cells := make([]string, len(names))
		for i, name := range names {
			cells[i] = name + " " + values[i].String
		}
		fmt.Fprintln(out, "  "+strings.Join(cells, ", "))
	}
	return rows.Err()
}
