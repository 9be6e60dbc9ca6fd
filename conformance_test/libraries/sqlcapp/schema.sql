CREATE TABLE authors (
    id        bigserial PRIMARY KEY,
    name      text NOT NULL UNIQUE,
    born      date,
    languages text[] NOT NULL DEFAULT '{}',
    profile   jsonb
);

CREATE TYPE binding AS ENUM ('hard', 'soft');

CREATE TABLE books (
    id        bigserial PRIMARY KEY,
    author_id bigint NOT NULL REFERENCES authors ON DELETE CASCADE,
    isbn      uuid NOT NULL UNIQUE,
    title     text NOT NULL,
    price     numeric(10, 2) NOT NULL,
    stock     integer NOT NULL DEFAULT 0 CHECK (stock >= 0),
    rating    double precision,
    binding   binding NOT NULL DEFAULT 'soft',
    cover     bytea,
    added     timestamptz NOT NULL
);
CREATE INDEX books_price ON books (price);

CREATE TABLE sales (
    id      bigserial PRIMARY KEY,
    book_id bigint NOT NULL REFERENCES books ON DELETE CASCADE,
    amount  integer NOT NULL,
    sold    timestamptz NOT NULL
);
