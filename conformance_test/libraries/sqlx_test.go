package libraries_test

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
)

// tables is the schema of the shops whose library has no way of its own to make one.
//
//go:embed sqlcapp/schema.sql
var tables string

// sqlx knows pgx's placeholders by the driver's name, and has to be told of this one.
func init() { sqlx.BindDriver("pgcache", sqlx.DOLLAR) }

type sqlxBook struct {
	ID       int64           `db:"id"`
	AuthorID int64           `db:"author_id"`
	ISBN     string          `db:"isbn"`
	Title    string          `db:"title"`
	Price    string          `db:"price"`
	Stock    int             `db:"stock"`
	Rating   sql.NullFloat64 `db:"rating"`
	Binding  string          `db:"binding"`
	Cover    []byte          `db:"cover"`
	Added    time.Time       `db:"added"`
}

func TestSQLX(t *testing.T) {
	inModes(t, func(t *testing.T, at place, log *transcript) {
		db, err := sqlx.Open(at.driver, at.dsn)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		log.watch(at, db.DB)
		db.MustExec(tables)
		stockSQLX(db, log)
		readSQLX(db, log)
		changeSQLX(db, log)
		transactSQLX(t.Context(), db, log)
		failSQLX(db, log)
		migrateSQLX(db, log)
	})
}

const insertSQLXBook = `INSERT INTO books (author_id, isbn, title, price, stock, rating, cover, added)
	VALUES (:author_id, :isbn, :title, :price, :stock, :rating, :cover, :added)`

func stockSQLX(db *sqlx.DB, log *transcript) {
	log.does("insert", func() (any, error) {
		result, err := db.NamedExec(`INSERT INTO authors (name, born) VALUES (:name, :born)`, []map[string]any{
			{"name": "Ursula", "born": noon}, {"name": "Stanisław", "born": nil},
		})
		if err != nil {
			return nil, err
		}
		return result.RowsAffected()
	})
	log.does("insert many", func() (any, error) {
		var books []sqlxBook
		for i := range 25 {
			books = append(books, sqlxBook{
				AuthorID: int64(i%2 + 1), ISBN: gormISBN(i), Title: fmt.Sprintf("Volume %02d", i), Price: fmt.Sprintf("%d.50", i), Stock: i,
				Rating: sql.NullFloat64{Float64: float64(i) / 3, Valid: i > 3}, Cover: []byte{byte(i), 0, 0xff}, Added: noon.Add(time.Duration(i) * time.Hour),
			})
		}
		result, err := db.NamedExec(insertSQLXBook, books)
		if err != nil {
			return nil, err
		}
		return result.RowsAffected()
	})
}

func readSQLX(db *sqlx.DB, log *transcript) {
	log.does("the placeholder", func() (any, error) { return db.Rebind("id = ?"), nil })
	log.reads("get", func() (any, error) {
		var book sqlxBook
		err := db.Get(&book, "SELECT * FROM books WHERE id = $1", 5)
		return book, err
	})
	log.reads("select", func() (any, error) {
		var books []*sqlxBook
		err := db.Select(&books, db.Rebind("SELECT * FROM books WHERE price > ? AND stock < ? ORDER BY id"), "3.5", 10)
		return books, err
	})
	log.reads("in", func() (any, error) {
		query, args, err := sqlx.In("SELECT title FROM books WHERE id IN (?) AND author_id = ? ORDER BY title DESC", []int{1, 2, 3, 4}, 1)
		if err != nil {
			return nil, err
		}
		var titles []string
		err = db.Select(&titles, db.Rebind(query), args...)
		return titles, err
	})
	log.reads("pages", func() (any, error) {
		var pages [][]string
		for offset := 0; offset < 25; offset += 10 {
			var titles []string
			if err := db.Select(&titles, "SELECT title FROM books ORDER BY title LIMIT $1 OFFSET $2", 10, offset); err != nil {
				return nil, err
			}
			pages = append(pages, titles)
		}
		return pages, nil
	})
	log.reads("join", func() (any, error) {
		var rows []struct {
			sqlxBook

			Author struct {
				Name string     `db:"name"`
				Born *time.Time `db:"born"`
			} `db:"author"`
		}
		err := db.Select(&rows, `SELECT books.*, a.name AS "author.name", a.born AS "author.born" FROM books JOIN authors a ON a.id = author_id ORDER BY books.id LIMIT 3`)
		return rows, err
	})
	log.reads("named", func() (any, error) { return namedSQLX(db) })
	log.reads("maps and slices", func() (any, error) { return rowsSQLX(db) })
}

func namedSQLX(db *sqlx.DB) (any, error) {
	rows, err := db.NamedQuery("SELECT * FROM books WHERE author_id = :author_id AND stock > :stock ORDER BY id", sqlxBook{AuthorID: 1, Stock: 20})
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var books []sqlxBook
	for rows.Next() {
		var book sqlxBook
		if err := rows.StructScan(&book); err != nil {
			return nil, err
		}
		books = append(books, book)
	}
	return books, rows.Err()
}

func rowsSQLX(db *sqlx.DB) (any, error) {
	rows, err := db.Queryx("SELECT b.*, languages, profile FROM books b JOIN authors a ON a.id = author_id WHERE b.id < 4 ORDER BY b.id")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var seen []any
	for rows.Next() {
		row := make(map[string]any)
		values, err := rows.SliceScan()
		if err := errors.Join(err, rows.MapScan(row)); err != nil {
			return nil, err
		}
		seen = append(seen, row, values)
	}
	return seen, rows.Err()
}

func changeSQLX(db *sqlx.DB, log *transcript) {
	look := func() {
		log.reads("look again", func() (any, error) {
			var books []sqlxBook
			err := db.Select(&books, "SELECT * FROM books WHERE id < 4 ORDER BY id")
			return books, err
		})
	}
	look()
	log.does("update", func() (any, error) {
		result, err := db.NamedExec("UPDATE books SET price = price + :more, cover = :cover WHERE id = :id", map[string]any{"more": "0.49", "cover": []byte("new"), "id": 2})
		if err != nil {
			return nil, err
		}
		return result.RowsAffected()
	})
	look()
	log.does("upsert", func() (any, error) {
		var book sqlxBook
		err := db.Get(&book, `INSERT INTO books (author_id, isbn, title, price, added) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (isbn) DO UPDATE SET title = excluded.title RETURNING *`, 1, gormISBN(0), "Volume Zero", 1, noon)
		return book, err
	})
	look()
	log.does("delete", func() (any, error) { return db.MustExec("DELETE FROM books WHERE id = $1", 3).RowsAffected() })
	look()
}

func transactSQLX(ctx context.Context, db *sqlx.DB, log *transcript) {
	count := func(on sqlx.Queryer) func() (any, error) {
		return func() (any, error) {
			var n int
			err := sqlx.Get(on, &n, "SELECT count(*) FROM authors")
			return n, err
		}
	}
	log.reads("count", count(db))
	tx := db.MustBeginTx(ctx, nil)
	tx.MustExec("INSERT INTO authors (name) VALUES ($1)", "lost")
	log.asks("count in the transaction", count(tx))
	log.asks("count beside the transaction", count(db))
	log.runs("roll back", tx.Rollback())
	log.reads("count after the rollback", count(db))
	log.fails("use what ended", tx.Get(new(int), "SELECT 1"))

	tx = db.MustBegin()
	tx.MustExec("INSERT INTO authors (name) VALUES ($1)", "kept")
	log.fails("a duplicate", func() error {
		_, err := tx.Exec("INSERT INTO authors (name) VALUES ($1)", "kept")
		return err
	}())
	log.fails("read in a failed transaction", tx.Get(new(int), "SELECT count(*) FROM authors"))
	log.fails("commit a failed transaction", tx.Commit())
	tx = db.MustBegin()
	log.does("prepared in a transaction", func() (any, error) {
		stmt, err := tx.PrepareNamed("INSERT INTO authors (name) VALUES (:name) RETURNING id")
		if err != nil {
			return nil, err
		}
		var id int64
		err = stmt.Get(&id, map[string]any{"name": "kept"})
		return id, errors.Join(err, stmt.Close())
	})
	log.runs("commit", tx.Commit())
	log.reads("count after the commit", count(db))
	prepared, err := db.Preparex("SELECT name FROM authors WHERE id > $1 ORDER BY id")
	log.runs("prepare", err)
	log.reads("prepared", func() (any, error) {
		var names []string
		err := prepared.Select(&names, 1)
		return names, err
	})
	log.runs("close", prepared.Close())
}

func failSQLX(db *sqlx.DB, log *transcript) {
	var book sqlxBook
	log.fails("no rows", db.Get(&book, "SELECT * FROM books WHERE id = $1", 999))
	log.fails("no rows again", db.Get(&book, "SELECT * FROM books WHERE id = $1", 999))
	log.fails("not a number", db.Get(&book, "SELECT * FROM books WHERE id = $1", "one"))
	log.fails("no such column", db.Get(&book, "SELECT nonsense FROM books"))
	log.fails("no place for a column", db.Get(&book, "SELECT id, 1 AS other FROM books WHERE id = 1"))
	log.fails("too few arguments", db.Get(&book, "SELECT * FROM books WHERE id = $1"))
	log.fails("a wrong type", db.Get(new(int), "SELECT title FROM books WHERE id = 1"))
	log.fails("and on the hit", db.Get(new(int), "SELECT title FROM books WHERE id = 1"))
	log.fails("a check", func() error {
		_, err := db.Exec("UPDATE books SET stock = -1")
		return err
	}())
}

// migrateSQLX changes a table while it is in use.
func migrateSQLX(db *sqlx.DB, log *transcript) {
	read := func() {
		log.reads("read everything", func() (any, error) {
			row := make(map[string]any)
			err := db.QueryRowx("SELECT id, stock FROM books ORDER BY id LIMIT 1").MapScan(row)
			return row, err
		})
	}
	read()
	db.MustExec("ALTER TABLE books ADD COLUMN pages int DEFAULT 100")
	read()
	db.MustExec("ALTER TABLE books RENAME COLUMN title TO name")
	log.fails("no such column any more", db.Get(new(string), "SELECT title FROM books WHERE id = 1"))
	read()
}

// TestSQLXWithoutBindDriver shows why sqlx has to be told of the name, and the other way of telling it.
func TestSQLXWithoutBindDriver(t *testing.T) {
	if bind := sqlx.BindType("a name that sqlx never heard of"); bind != sqlx.UNKNOWN {
		t.Errorf("sqlx binds for an unknown driver in the way %d", bind)
	}
	db := sqlx.NewDb(place{"pgcache", "host=/nowhere"}.open(t, &transcript{t: t}), "pgx")
	if query := db.Rebind("id = ?"); query != "id = $1" {
		t.Errorf("with the name of pgx, sqlx binds %q", query)
	}
}
