package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/jmoiron/sqlx"
)

const tables = `
CREATE TABLE products (id int PRIMARY KEY, name text NOT NULL, price numeric(10, 2) NOT NULL, stock int NOT NULL);
CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, product int NOT NULL, amount int NOT NULL);`

// product is a row of products.
type product struct {
	ID    int    `db:"id"`
	Name  string `db:"name"`
	Price string `db:"price"` // numeric, to the last digit
	Stock int    `db:"stock"`
}

// order is what somebody buys.
type order struct {
	Product int `db:"product"`
	Amount  int `db:"amount"`
}

// shop is a program that uses sqlx, and need not know what answers.
type shop struct {
	db  *sqlx.DB
	out io.Writer
}

// play reads, writes, and reads again.
func (s *shop) play(ctx context.Context) error {
	if err := s.stock(ctx); err != nil {
		return fmt.Errorf("stocking the shop: %w", err)
	}
	for _, step := range []struct {
		what string
		buy  []order
	}{
		{"at first", nil},
		{"once more", nil},
		{"after an order", []order{{Product: 1, Amount: 3}}},
		{"after two", []order{{Product: 2, Amount: 1}, {Product: 3, Amount: 5}}},
		{"once more", nil},
	} {
		for _, o := range step.buy {
			if err := s.buy(ctx, o); err != nil {
				return fmt.Errorf("%s: %w", step.what, err)
			}
		}
		if err := s.shelf(ctx, step.what); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return nil
}

// stock makes the tables and fills them.
func (s *shop) stock(ctx context.Context) error {
	if _, err := s.db.ExecContext(ctx, tables); err != nil {
		return err
	}
	_, err := s.db.NamedExecContext(ctx, "INSERT INTO products (id, name, price, stock) VALUES (:id, :name, :price, :stock)", []product{
		{ID: 1, Name: "lamp", Price: "19.90", Stock: 10},
		{ID: 2, Name: "chair", Price: "49.00", Stock: 10},
		{ID: 3, Name: "table", Price: "120.00", Stock: 10},
	})
	return err
}

// buy writes the order and takes it out of stock, in one statement.
func (s *shop) buy(ctx context.Context, o order) error {
	_, err := s.db.NamedExecContext(ctx, `
		WITH sold AS (INSERT INTO orders (product, amount) VALUES (:product, :amount) RETURNING product, amount)
		UPDATE products p SET stock = p.stock - sold.amount FROM sold WHERE p.id = sold.product`, o)
	return err
}

// shelf shows what is there, and what was sold.
func (s *shop) shelf(ctx context.Context, what string) error {
	cheap, err := s.cheap(ctx, "100")
	if err != nil {
		return err
	}
	var some []string
	for _, p := range cheap {
		some = append(some, fmt.Sprintf("%d of %s at %s", p.Stock, p.Name, p.Price))
	}
	var sold int
	if err := s.db.GetContext(ctx, &sold, "SELECT coalesce(sum(amount), 0) FROM orders"); err != nil {
		return err
	}
	stats, err := s.stats(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "  %-15s %s; %d sold (%s)\n", what+":", strings.Join(some, ", "), sold, stats)
	return nil
}

// cheap are the products that cost at most so much: a named query, whose rows are scanned into structs.
func (s *shop) cheap(ctx context.Context, most string) (list []product, err error) {
	rows, err := s.db.NamedQueryContext(ctx,
		"SELECT id, name, price, stock FROM products WHERE price <= :most ORDER BY price", map[string]any{"most": most})
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var p product
		if err := rows.StructScan(&p); err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, rows.Err()
}

// stats is what the driver says of itself; it answers through any library.
func (s *shop) stats(ctx context.Context) (string, error) {
	var rows []struct{ Name, Value string }
	if err := s.db.SelectContext(ctx, &rows, "SHOW pgcache.stats"); err != nil {
		return "", err
	}
	var parts []string
	for _, row := range rows {
		if row.Name == "hits" || row.Name == "misses" {
			parts = append(parts, row.Name+" "+row.Value)
		}
	}
	return strings.Join(parts, ", "), nil
}
