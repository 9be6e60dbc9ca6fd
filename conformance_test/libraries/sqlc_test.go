package libraries_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"

	"github.com/gopgcache/pgcache/conformance_test/libraries/sqlcapp"
)

//go:generate go run github.com/sqlc-dev/sqlc/cmd/sqlc@v1.31.1 generate -f sqlcapp/sqlc.yaml

func TestSQLC(t *testing.T) {
	inModes(t, func(t *testing.T, at place, log *transcript) {
		db := at.open(t, log)
		_, err := db.ExecContext(t.Context(), tables)
		log.runs("create the tables", err)
		runSQLC(t.Context(), db, sqlcapp.New(db), log)
	})
}

// TestSQLCPrepared has every query prepared beforehand, as sqlc does with emit_prepared_queries.
func TestSQLCPrepared(t *testing.T) {
	inModes(t, func(t *testing.T, at place, log *transcript) {
		db := at.open(t, log)
		_, err := db.ExecContext(t.Context(), tables)
		log.runs("create the tables", err)
		queries, err := sqlcapp.Prepare(t.Context(), db)
		log.runs("prepare", err)
		runSQLC(t.Context(), db, queries, log)
		log.runs("close", queries.Close())
	})
}

func runSQLC(ctx context.Context, db *sql.DB, q *sqlcapp.Queries, log *transcript) {
	log.does("create an author", func() (any, error) {
		return q.CreateAuthor(ctx, sqlcapp.CreateAuthorParams{Name: "Ursula", Born: sql.NullTime{Time: noon, Valid: true}})
	})
	book := sqlcapp.CreateBookParams{AuthorID: 1, Price: "7.25", Rating: sql.NullFloat64{Float64: 4.5, Valid: true}, Binding: sqlcapp.BindingSoft, Cover: []byte{0, 0xff}, Added: noon}
	for i := range 12 {
		book.Isbn, book.Title, book.Stock = gormISBN(i), fmt.Sprintf("Volume %02d", i), int32(i)
		if i > 9 {
			book.Binding, book.Rating.Valid, book.Cover = sqlcapp.BindingHard, false, nil
		}
		log.does("create a book", func() (any, error) { return q.CreateBook(ctx, book) })
	}
	log.does("create sales", func() (any, error) {
		return q.CreateSales(ctx, sqlcapp.CreateSalesParams{BookIds: []int64{1, 2, 3}, Amounts: []int32{3, 2, 1}, Sold: noon})
	})
	readSQLC(ctx, q, log)
	again := sqlcapp.UpsertBookParams{AuthorID: 1, Isbn: book.Isbn, Title: book.Title, Price: "8.00", Stock: 3, Added: noon}
	log.does("upsert", func() (any, error) { return q.UpsertBook(ctx, again) })
	readSQLC(ctx, q, log)
	buy := func(on *sqlcapp.Queries, amount int32) error {
		log.does("lock", func() (any, error) { return on.LockBook(ctx, 5) })
		if _, err := on.TakeFromStock(ctx, sqlcapp.TakeFromStockParams{ID: 5, Amount: amount}); err != nil {
			return err
		}
		log.asks("look in the transaction", func() (any, error) { return on.GetBookByISBN(ctx, gormISBN(4)) })
		_, err := on.CreateSales(ctx, sqlcapp.CreateSalesParams{BookIds: []int64{5}, Amounts: []int32{amount}, Sold: noon})
		return err
	}
	for _, amount := range []int32{1, 2, 3} {
		tx, err := db.BeginTx(ctx, nil)
		log.runs("begin", err)
		if err := buy(q.WithTx(tx), amount); err != nil {
			log.fails("buy", err)
			log.runs("roll back", tx.Rollback())
		} else {
			log.runs("commit", tx.Commit())
		}
		readSQLC(ctx, q, log)
	}
	tx, err := db.BeginTx(ctx, nil)
	log.runs("begin", err)
	log.runs("buy", buy(q.WithTx(tx), 1))
	log.runs("roll back", tx.Rollback())
	log.fails("use what ended", tx.Commit())
	readSQLC(ctx, q, log)
	for range 2 {
		_, err = q.GetBookByISBN(ctx, gormISBN(99))
		log.fails("no rows", err)
		_, err = q.GetBookByISBN(ctx, "not an ISBN")
		log.fails("no uuid", err)
	}
	_, err = db.ExecContext(ctx, "ALTER TABLE books ADD COLUMN pages int; UPDATE books SET title = title || '!'")
	log.runs("migrate", err)
	readSQLC(ctx, q, log)
	_, err = db.ExecContext(ctx, "ALTER TABLE books RENAME COLUMN title TO name")
	log.runs("migrate once more", err)
	_, err = q.GetBookByISBN(ctx, gormISBN(1))
	log.fails("no such column any more", err)
}

func readSQLC(ctx context.Context, q *sqlcapp.Queries, log *transcript) {
	log.reads("get", func() (any, error) { return q.GetBookByISBN(ctx, gormISBN(4)) })
	log.reads("list by ids", func() (any, error) { return q.ListBooksByIDs(ctx, []int64{3, 1, 2}) })
	log.reads("sales", func() (any, error) { return q.Sales(ctx) })
	log.reads("revenue", func() (any, error) { return q.Revenue(ctx) })
	log.reads("pages", func() (any, error) {
		first, err := q.ListBooks(ctx, sqlcapp.ListBooksParams{Limit: 5})
		second, again := q.ListBooks(ctx, sqlcapp.ListBooksParams{Limit: 5, Offset: 5})
		hard, once := q.ListBooks(ctx, sqlcapp.ListBooksParams{Limit: 5, Binding: sqlcapp.NullBinding{Binding: sqlcapp.BindingHard, Valid: true}})
		return []any{first, second, hard}, errors.Join(err, again, once)
	})
}
