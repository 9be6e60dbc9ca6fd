package sqlcapp

import (
	"context"
	"database/sql"
	"time"
)

const createAuthor = `-- name: CreateAuthor :one
INSERT INTO authors (name, born) VALUES ($1, $2) RETURNING id, name, born
`

// CreateAuthor adds an author.
func (q *Queries) CreateAuthor(ctx context.Context, name string, born sql.NullTime) (Author, error) {
	row := q.queryRow(ctx, createAuthor, name, born)
	var i Author
	err := row.Scan(&i.ID, &i.Name, &i.Born)
	return i, err
}

const createBook = `-- name: CreateBook :one
INSERT INTO books (author_id, isbn, title, price, stock, rating, binding, cover, added)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
RETURNING id, author_id, isbn, title, price, stock, rating, binding, cover, added
`

// CreateBook adds a book.
func (q *Queries) CreateBook(ctx context.Context, arg Book) (Book, error) {
	return scanBook(q.queryRow(ctx, createBook,
		arg.AuthorID, arg.Isbn, arg.Title, arg.Price, arg.Stock, arg.Rating, arg.Binding, arg.Cover, arg.Added))
}

const getBookByISBN = `-- name: GetBookByISBN :one
SELECT id, author_id, isbn, title, price, stock, rating, binding, cover, added FROM books WHERE isbn = $1
`

// GetBookByISBN finds a book.
func (q *Queries) GetBookByISBN(ctx context.Context, isbn string) (Book, error) {
	return scanBook(q.queryRow(ctx, getBookByISBN, isbn))
}

const listBooks = `-- name: ListBooks :many
SELECT id, author_id, isbn, title, price, stock, rating, binding, cover, added FROM books
WHERE $3::binding IS NULL OR binding = $3 ORDER BY title, id LIMIT $1 OFFSET $2
`

// ListBooksParams are the arguments of ListBooks.
type ListBooksParams struct {
	Limit, Offset int32
	Binding       NullBinding
}

// ListBooks gives a page of the books.
func (q *Queries) ListBooks(ctx context.Context, arg ListBooksParams) ([]Book, error) {
	return scanBooks(q.query(ctx, listBooks, arg.Limit, arg.Offset, arg.Binding))
}

const listBooksByIDs = `-- name: ListBooksByIDs :many
SELECT id, author_id, isbn, title, price, stock, rating, binding, cover, added FROM books
WHERE id = ANY($1::bigint[]) ORDER BY id
`

// ListBooksByIDs gives some books. With database/sql, sqlc wraps the list in lib/pq's Array; pgx takes it as it is.
func (q *Queries) ListBooksByIDs(ctx context.Context, ids []int64) ([]Book, error) {
	return scanBooks(q.query(ctx, listBooksByIDs, ids))
}

const revenue = `-- name: Revenue :many
SELECT authors.name, count(sales.id) AS sales, coalesce(sum(sales.amount * books.price), 0)::numeric AS revenue,
       max(sales.sold) AS last
FROM authors JOIN books ON books.author_id = authors.id JOIN sales ON sales.book_id = books.id
GROUP BY authors.id ORDER BY revenue DESC, authors.name
`

// RevenueRow is a row of Revenue.
type RevenueRow struct {
	Name    string
	Sales   int64
	Revenue string
	Last    time.Time
}

// Revenue gives what each author's books earned.
func (q *Queries) Revenue(ctx context.Context) ([]RevenueRow, error) {
	rows, err := q.query(ctx, revenue)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var items []RevenueRow
	for rows.Next() {
		var i RevenueRow
		if err := rows.Scan(&i.Name, &i.Sales, &i.Revenue, &i.Last); err != nil {
			return nil, err
		}
		items = append(items, i)
	}
	if err := rows.Close(); err != nil {
		return nil, err
	}
	return items, rows.Err()
}

const upsertBook = `-- name: UpsertBook :one
INSERT INTO books (author_id, isbn, title, price, stock, added) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (isbn) DO UPDATE SET price = EXCLUDED.price, stock = books.stock + EXCLUDED.stock
RETURNING id, author_id, isbn, title, price, stock, rating, binding, cover, added
`

// UpsertBook adds a book, or to one.
func (q *Queries) UpsertBook(ctx context.Context, arg Book) (Book, error) {
	return scanBook(q.queryRow(ctx, upsertBook, arg.AuthorID, arg.Isbn, arg.Title, arg.Price, arg.Stock, arg.Added))
}

const createSales = `-- name: CreateSales :execrows
INSERT INTO sales (book_id, amount, sold) SELECT unnest($1::bigint[]), unnest($2::int[]), $3::timestamptz
`

// CreateSales adds many sales at once.
func (q *Queries) CreateSales(ctx context.Context, bookIDs []int64, amounts []int32, sold time.Time) (int64, error) {
	result, err := q.exec(ctx, createSales, bookIDs, amounts, sold)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

const takeFromStock = `-- name: TakeFromStock :execrows
UPDATE books SET stock = stock - $2::int WHERE id = $1
`

// TakeFromStock makes a book fewer.
func (q *Queries) TakeFromStock(ctx context.Context, id int64, amount int32) (int64, error) {
	result, err := q.exec(ctx, takeFromStock, id, amount)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

const lockBook = `-- name: LockBook :one
SELECT stock FROM books WHERE id = $1 FOR UPDATE
`

// LockBook locks a book, and tells how many there are.
func (q *Queries) LockBook(ctx context.Context, id int64) (int32, error) {
	var stock int32
	err := q.queryRow(ctx, lockBook, id).Scan(&stock)
	return stock, err
}

func scanBook(row interface{ Scan(dest ...any) error }) (Book, error) {
	var i Book
	err := row.Scan(&i.ID, &i.AuthorID, &i.Isbn, &i.Title, &i.Price, &i.Stock, &i.Rating, &i.Binding, &i.Cover, &i.Added)
	return i, err
}

func scanBooks(rows *sql.Rows, err error) ([]Book, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var items []Book
	for rows.Next() {
		i, err := scanBook(rows)
		if err != nil {
			return nil, err
		}
		items = append(items, i)
	}
	if err := rows.Close(); err != nil {
		return nil, err
	}
	return items, rows.Err()
}
