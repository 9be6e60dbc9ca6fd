package fanout_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gopgcache/pgcache/fanout"
)

// shop is a pool on an in-process server that knows the answers of the examples.
func shop() *sql.DB {
	return sql.OpenDB(&fakeServer{answer: func(_ context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
		switch {
		case strings.Contains(query, "count(*)"):
			return table([]string{"count"}, []driver.Value{int64(1042)}), nil
		case strings.Contains(query, "from products"):
			return table([]string{"name", "unit_price"},
				[]driver.Value{"teapot", int64(1250)}, []driver.Value{"cup", int64(390)}), nil
		case strings.Contains(query, "from users"):
			return table([]string{"id"}), nil
		case strings.Contains(query, "pg_export_snapshot"):
			return table([]string{"id"}, []driver.Value{"00000003-0000001B-1"}), nil
		case strings.Contains(query, "from sales"):
			return table([]string{"sum"}, []driver.Value{100 * args[0].Value.(int64)}), nil
		case strings.Contains(query, "pg_typeof"):
			return table([]string{"type"}, []driver.Value{"integer"}), nil
		case strings.Contains(query, "min("):
			return table([]string{"min", "max"}, []driver.Value{int64(1), int64(4)}), nil
		case strings.Contains(query, `< $1`):
			return table([]string{"id"}, []driver.Value{int64(1)}, []driver.Value{int64(2)}), nil
		case strings.Contains(query, `>= $1`):
			return table([]string{"id"}, []driver.Value{int64(3)}, []driver.Value{int64(4)}), nil
		case strings.Contains(query, "is null"):
			return table([]string{"id"}), nil
		}
		return nil, errors.New("relation does not exist")
	}})
}

type product struct {
	Name  string
	Price int64 `db:"unit_price"`
}

type user struct{ ID int64 }

// The queries of a page differ in type: each goes into its own variable.
func ExampleGroup_Run() {
	db := shop()
	defer db.Close()
	pages := fanout.Group{DB: db, Timeout: 2 * time.Second}

	var page struct {
		Orders int64
		Best   []product
		User   *user
	}
	err := pages.Run(context.Background(),
		fanout.Into(&page.Orders, "select count(*) from orders"),
		fanout.Into(&page.Best, "select name, unit_price from products order by sold desc limit 10"),
		fanout.Into(&page.User, "select * from users where id = $1", 7),
	)
	fmt.Println(page.Orders, page.Best, page.User, err)
	// Output: 1042 [{teapot 1250} {cup 390}] <nil> <nil>
}

// Many queries of one shape are a slice; the answers have the same order.
func ExampleCollect() {
	db := shop()
	defer db.Close()

	var queries []fanout.Query[int64]
	for branch := range 5 {
		queries = append(queries, fanout.Select[int64]("select sum(amount) from sales where branch = $1", branch))
	}
	sums, err := fanout.Collect(context.Background(), fanout.Group{DB: db}, queries...)
	fmt.Println(sums, err)
	// Output: [0 100 200 300 400] <nil>
}

// A total of parts that are read at once is only right in one snapshot.
func ExampleGroup_snapshot() {
	db := shop()
	defer db.Close()

	g := fanout.Group{DB: db, Snapshot: true}
	var total int64
	for branch, err := range fanout.Stream(context.Background(), g,
		fanout.Select[int64]("select sum(amount) from sales where branch = $1", 1),
		fanout.Select[int64]("select sum(amount) from sales where branch = $1", 2),
	) {
		if err != nil {
			fmt.Println(err)
			return
		}
		total += branch.Value
	}
	fmt.Println(total)
	// Output: 300
}

// A stream shows each part of a report when it is there. With KeepGoing a part that
// fails does not take the others with it.
func ExampleStream() {
	db := shop()
	defer db.Close()

	g := fanout.Group{DB: db, Workers: 1, KeepGoing: true, History: new(fanout.History)}
	for part, err := range fanout.Stream(context.Background(), g,
		fanout.Query[int64]{Name: "orders", SQL: "select count(*) from orders"},
		fanout.Query[int64]{Name: "weather", SQL: "select degrees from weather"},
		fanout.Query[int64]{Name: "sales", SQL: "select sum(amount) from sales where branch = $1", Args: []any{3}},
	) {
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(part.Name, part.Value)
	}
	// Output:
	// orders 1042
	// fanout: query 1 (weather): relation does not exist
	// sales 300
}

// A large table is read by all workers and comes in the order of its key.
func ExampleSplit() {
	db := shop()
	defer db.Close()

	table := fanout.Table{Schema: "public", Name: "events", Columns: []string{"id"}, Key: "id", Ordered: true, Parts: 2}
	for id, err := range fanout.Split[int64](context.Background(), fanout.Group{DB: db}, table) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(id)
	}
	// Output:
	// 1
	// 2
	// 3
	// 4
}

// A Read function makes anything of the rows.
func ExampleQuery() {
	db := shop()
	defer db.Close()

	prices := fanout.Query[map[string]int64]{
		SQL: "select name, unit_price from products",
		Read: func(_ context.Context, rows *sql.Rows) (map[string]int64, error) {
			prices := make(map[string]int64)
			for rows.Next() {
				var name string
				var price int64
				if err := rows.Scan(&name, &price); err != nil {
					return nil, err
				}
				prices[name] = price
			}
			return prices, nil // errors of rows are checked for us
		},
	}
	got, err := fanout.Collect(context.Background(), fanout.Group{DB: db}, prices)
	fmt.Println(got, err)
	// Output: [map[cup:390 teapot:1250]] <nil>
}

// Every failure knows its query, and the driver's error is behind it.
func ExampleQueryError() {
	db := shop()
	defer db.Close()

	_, err := fanout.Collect(context.Background(), fanout.Group{DB: db},
		fanout.Select[int64]("select degrees from weather where city = 'Mordor'"))
	if failed, ok := errors.AsType[*fanout.QueryError](err); ok {
		fmt.Println(failed.Index, failed.Err)
	}
	fmt.Println(err)
	// Output:
	// 0 relation does not exist
	// fanout: query 0 (select degrees from weather where city = …): relation does not exist
}

// Anything that writes lines can show progress; a terminal gets one that moves.
func ExampleProgressLine() {
	db := shop()
	defer db.Close()

	var log strings.Builder
	g := fanout.Group{DB: db, Progress: fanout.ProgressLine(&log)}
	var orders int64
	_ = g.Run(context.Background(), fanout.Query[int64]{Name: "orders", SQL: "select count(*) from orders"}.Into(&orders))

	fields := strings.Fields(log.String())
	fmt.Println(fields[0], slices.Contains(fields, "orders"), slices.Contains(fields, "done"))
	// Output: 1/1, true true
}
