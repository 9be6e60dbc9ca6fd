package libraries_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"

	"github.com/Masterminds/squirrel"
)

func TestSquirrel(t *testing.T) {
	inModes(t, func(t *testing.T, at place, log *transcript) {
		db := at.open(t, log)
		runSquirrel(t.Context(), db, db, log)
	})
}

// TestSquirrelPrepared has squirrel prepare every statement, and keep it.
func TestSquirrelPrepared(t *testing.T) {
	onBoth(t, func(t *testing.T, at place, log *transcript) {
		db := at.open(t, log)
		cache := squirrel.NewStmtCache(db)
		runSquirrel(t.Context(), db, cache, log)
		log.runs("close the statements", cache.Clear())
	})
}

func runSquirrel(ctx context.Context, db *sql.DB, runner squirrel.BaseRunner, log *transcript) {
	_, err := db.ExecContext(ctx, tables)
	log.runs("create the tables", err)
	shop := squirrel.StatementBuilder.PlaceholderFormat(squirrel.Dollar).RunWith(runner)
	log.does("insert", func() (any, error) {
		var id int64
		err := shop.Insert("authors").SetMap(map[string]any{"name": "Ursula", "born": noon}).Suffix("RETURNING id").QueryRow().Scan(&id)
		return id, err
	})
	log.does("insert many", func() (any, error) {
		insert := shop.Insert("books").Columns("author_id", "isbn", "title", "price", "stock", "cover", "added")
		for i := range 25 {
			insert = insert.Values(1, gormISBN(i), fmt.Sprintf("Volume %02d", i), fmt.Sprintf("%d.5", i), i, []byte{byte(i), 0xff}, noon)
		}
		return affected(insert.Exec())
	})
	readSquirrel(shop, log)
	changeSquirrel(shop, log)
	transactSquirrel(ctx, db, shop, log)
	log.fails("no rows", shop.Select("title").From("books").Where("id = ?", 999).QueryRow().Scan(new(string)))
	log.fails("a wrong type", shop.Select("title").From("books").Where("id = ?", 5).QueryRow().Scan(new(int)))
	log.fails("no such table", func() error {
		_, err := shop.Select("*").From("nonsense").Query()
		return err
	}())
}

// rowsOf runs a query and gives its rows as they come.
func rowsOf(query interface{ Query() (*sql.Rows, error) }) (any, error) {
	rows, err := query.Query()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	return scanAll(rows)
}

func scanAll(rows *sql.Rows) (table [][]any, err error) {
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		row, dest := make([]any, len(columns)), make([]any, len(columns))
		for i := range row {
			dest[i] = &row[i]
		}
		if err := rows.Scan(dest...); err != nil {
			return nil, err
		}
		table = append(table, row)
	}
	return table, errors.Join(rows.Err(), rows.Close())
}

func readSquirrel(shop squirrel.StatementBuilderType, log *transcript) {
	for page := range uint64(3) {
		log.reads("page", func() (any, error) {
			return rowsOf(shop.Select("b.*", "a.name").From("books b").Join("authors a ON a.id = b.author_id").OrderBy("title").Limit(10).Offset(page * 10))
		})
	}
	log.reads("conditions", func() (any, error) {
		return rowsOf(shop.Select("id", "title", "price").From("books").Where(squirrel.And{
			squirrel.Eq{"id": []int{1, 2, 3, 4, 5}}, squirrel.Or{squirrel.Gt{"price": "2.5"}, squirrel.Like{"title": "%00"}}, squirrel.NotEq{"cover": nil},
		}).OrderBy("id"))
	})
	log.reads("group", func() (any, error) {
		return rowsOf(shop.Select("stock % 3 AS rest", "count(*)", "avg(price)").From("books").GroupBy("rest").Having("count(*) > ?", 1).OrderBy("rest"))
	})
	log.reads("a subquery", func() (any, error) {
		inner := shop.Select("author_id").From("books").Where(squirrel.Lt{"stock": 3}).PlaceholderFormat(squirrel.Question)
		return rowsOf(shop.Select("*").FromSelect(inner, "cheap").Prefix("WITH few AS (SELECT 1)"))
	})
	log.reads("one", func() (any, error) {
		var title string
		err := shop.Select("title").From("books").Where("isbn = ?", gormISBN(3)).QueryRow().Scan(&title)
		return title, err
	})
}

func changeSquirrel(shop squirrel.StatementBuilderType, log *transcript) {
	look := func() {
		log.reads("look again", func() (any, error) {
			return rowsOf(shop.Select("*").From("books").Where("id < ?", 4).OrderBy("id"))
		})
	}
	look()
	log.does("update", func() (any, error) {
		return affected(shop.Update("books").Set("price", squirrel.Expr("price * ?", 2)).SetMap(map[string]any{"stock": 9}).Where(squirrel.Eq{"id": 2}).Exec())
	})
	look()
	log.does("upsert", func() (any, error) {
		return affected(shop.Insert("books").Columns("author_id", "isbn", "title", "price", "added").Values(1, gormISBN(0), "Volume Zero", 1, noon).
			Suffix("ON CONFLICT (isbn) DO UPDATE SET title = excluded.title").Exec())
	})
	look()
	log.does("delete", func() (any, error) { return affected(shop.Delete("books").Where("id = ?", 3).Exec()) })
	look()
}

func transactSquirrel(ctx context.Context, db *sql.DB, shop squirrel.StatementBuilderType, log *transcript) {
	count := func(shop squirrel.StatementBuilderType) func() (any, error) {
		return func() (any, error) { return rowsOf(shop.Select("count(*)").From("books")) }
	}
	log.reads("count", count(shop))
	for _, end := range []func(*sql.Tx) error{(*sql.Tx).Rollback, (*sql.Tx).Commit} {
		tx, err := db.BeginTx(ctx, nil)
		log.runs("begin", err)
		inside := shop.RunWith(tx)
		log.does("delete in the transaction", func() (any, error) { return affected(inside.Delete("books").Where("stock > 20").Exec()) })
		log.asks("count in the transaction", count(inside))
		log.asks("count beside the transaction", count(shop))
		log.runs("end", end(tx))
		log.reads("count after the transaction", count(shop))
	}
}
