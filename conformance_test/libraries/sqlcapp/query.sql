-- name: CreateAuthor :one
INSERT INTO authors (name, born) VALUES ($1, $2) RETURNING id, name, born;

-- name: CreateBook :one
INSERT INTO books (author_id, isbn, title, price, stock, rating, binding, cover, added)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
RETURNING *;

-- name: GetBookByISBN :one
SELECT * FROM books WHERE isbn = $1;

-- name: ListBooks :many
SELECT * FROM books
WHERE sqlc.narg('binding')::binding IS NULL OR binding = sqlc.narg('binding') ORDER BY title, id LIMIT $1 OFFSET $2;

-- name: ListBooksByIDs :many
SELECT * FROM books WHERE id = ANY(@ids::bigint[]) ORDER BY id;

-- name: Revenue :many
SELECT authors.name, count(sales.id) AS sales, coalesce(sum(sales.amount * books.price), 0)::numeric AS revenue,
       max(sales.sold) AS last
FROM authors JOIN books ON books.author_id = authors.id JOIN sales ON sales.book_id = books.id
GROUP BY authors.id ORDER BY revenue DESC, authors.name;

-- name: Sales :many
SELECT sqlc.embed(sales), books.title FROM sales JOIN books ON books.id = sales.book_id ORDER BY sales.id;

-- name: UpsertBook :one
INSERT INTO books (author_id, isbn, title, price, stock, added) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (isbn) DO UPDATE SET price = EXCLUDED.price, stock = books.stock + EXCLUDED.stock
RETURNING *;

-- name: CreateSales :execrows
INSERT INTO sales (book_id, amount, sold) SELECT unnest(@book_ids::bigint[]), unnest(@amounts::int[]), @sold::timestamptz;

-- name: TakeFromStock :execrows
UPDATE books SET stock = stock - @amount::int WHERE id = @id;

-- name: LockBook :one
SELECT stock FROM books WHERE id = $1 FOR UPDATE;
