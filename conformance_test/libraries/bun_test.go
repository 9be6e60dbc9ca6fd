package libraries_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

type bunAuthor struct {
	bun.BaseModel `bun:"table:authors,alias:a"`

	ID        int64          `bun:",pk,autoincrement"`
	Name      string         `bun:",notnull,unique"`
	Born      *time.Time     `bun:"type:date"`
	Languages []string       `bun:",array"`
	Profile   map[string]any `bun:"type:jsonb"`
	Books     []*bunBook     `bun:"rel:has-many,join:id=author_id"`
}

type bunBook struct {
	bun.BaseModel `bun:"table:books,alias:b"`

	ID       int64      `bun:",pk,autoincrement"`
	AuthorID int64      `bun:",notnull"`
	Author   *bunAuthor `bun:"rel:belongs-to,join:author_id=id"`
	ISBN     string     `bun:"isbn,type:uuid,unique"`
	Title    string
	Price    string `bun:"type:numeric(10,2)"`
	Stock    int
	Cover    []byte
	Added    time.Time
	Tags     []*bunTag `bun:"m2m:book_tags,join:Book=Tag"`
	Gone     time.Time `bun:",soft_delete,nullzero"`
}

type bunTag struct {
	bun.BaseModel `bun:"table:tags,alias:t"`

	ID   int64 `bun:",pk,autoincrement"`
	Name string
}

type bunBookTag struct {
	bun.BaseModel `bun:"table:book_tags"`

	BookID int64    `bun:",pk"`
	Book   *bunBook `bun:"rel:belongs-to,join:book_id=id"`
	TagID  int64    `bun:",pk"`
	Tag    *bunTag  `bun:"rel:belongs-to,join:tag_id=id"`
}

func TestBun(t *testing.T) {
	inModes(t, func(t *testing.T, at place, log *transcript) {
		db := bun.NewDB(at.open(t, log), pgdialect.New())
		db.RegisterModel((*bunBookTag)(nil))
		ctx := t.Context()
		for _, model := range []any{(*bunAuthor)(nil), (*bunBook)(nil), (*bunTag)(nil), (*bunBookTag)(nil)} {
			_, err := db.NewCreateTable().Model(model).IfNotExists().Exec(ctx)
			log.runs("create a table", err)
		}
		stockBun(ctx, db, log)
		readBun(ctx, db, log)
		changeBun(ctx, db, log)
		transactBun(ctx, db, log)
		migrateBun(ctx, db, log)
	})
}

// affected gives what a program asks of a result.
func affected(result sql.Result, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return result.RowsAffected()
}

func stockBun(ctx context.Context, db *bun.DB, log *transcript) {
	log.does("insert authors", func() (any, error) {
		authors := []bunAuthor{
			{Name: "Ursula", Born: new(time.Date(1929, 10, 21, 0, 0, 0, 0, time.UTC)), Languages: []string{"en"}, Profile: map[string]any{"prizes": 8}},
			{Name: "Stanisław", Languages: []string{"pl", `"de"`}},
		}
		_, err := db.NewInsert().Model(&authors).Exec(ctx)
		return authors, err
	})
	log.does("insert books", func() (any, error) {
		var books []*bunBook
		for i := range 25 {
			books = append(books, &bunBook{
				AuthorID: int64(i%2 + 1), ISBN: gormISBN(i), Title: fmt.Sprintf("Volume %02d", i), Price: fmt.Sprintf("%d.50", i), Stock: i,
				Cover: []byte{byte(i), 0, 0xff}, Added: noon,
			})
		}
		return affected(db.NewInsert().Model(&books).Exec(ctx))
	})
	log.does("insert tags", func() (any, error) {
		return affected(db.NewInsert().Model(&[]bunTag{{Name: "space"}, {Name: "sea"}}).Exec(ctx))
	})
	log.does("insert links", func() (any, error) {
		return affected(db.NewInsert().Model(&[]bunBookTag{{BookID: 1, TagID: 1}, {BookID: 1, TagID: 2}, {BookID: 2, TagID: 2}}).Exec(ctx))
	})
}

func readBun(ctx context.Context, db *bun.DB, log *transcript) {
	log.reads("by primary key", func() (any, error) {
		book := bunBook{ID: 1}
		err := db.NewSelect().Model(&book).WherePK().Scan(ctx)
		return book, err
	})
	log.reads("relations", func() (any, error) {
		var authors []bunAuthor
		err := db.NewSelect().Model(&authors).Relation("Books", func(q *bun.SelectQuery) *bun.SelectQuery { return q.Where("price < ?", 4).Order("b.id") }).
			Relation("Books.Tags", func(q *bun.SelectQuery) *bun.SelectQuery { return q.Order("t.id") }).Order("a.id").Scan(ctx)
		return authors, err
	})
	log.reads("join", func() (any, error) {
		var books []bunBook
		err := db.NewSelect().Model(&books).Relation("Author").Where("author.name = ?", "Ursula").Order("b.id").Limit(3).Scan(ctx)
		return books, err
	})
	for page := range 3 {
		log.reads("page and count", func() (any, error) {
			var books []bunBook
			// ScanAndCount asks both at once, on two connections.
			n, err := db.NewSelect().Model(&books).Order("title").Limit(10).Offset(int64(page) * 10).ScanAndCount(ctx)
			return []any{n, books}, err
		})
	}
	log.reads("in and group", func() (any, error) {
		var rows []struct {
			Name  string
			Books int
			Total string
		}
		err := db.NewSelect().TableExpr("books AS b").Join("JOIN authors AS a ON a.id = b.author_id").ColumnExpr("a.name, count(*) AS books, sum(price) AS total").
			Where("b.id IN (?)", bun.List([]int{1, 2, 3, 4, 5})).GroupExpr("a.name").OrderExpr("total").Scan(ctx, &rows)
		return rows, err
	})
	log.reads("maps", func() (any, error) {
		var rows []map[string]any
		err := db.NewRaw("SELECT * FROM ?0 WHERE ?1 > 22 ORDER BY id", bun.Ident("books"), bun.Ident("stock")).Scan(ctx, &rows)
		return rows, err
	})
	log.reads("with", func() (any, error) {
		var names []string
		dear := db.NewSelect().Model((*bunBook)(nil)).Column("author_id").Where("price > ?", 20)
		err := db.NewSelect().With("dear", dear).Model((*bunAuthor)(nil)).Column("name").Where("id IN (SELECT author_id FROM dear)").Order("name").Scan(ctx, &names)
		return names, err
	})
	log.reads("exists", func() (any, error) { return db.NewSelect().Model((*bunBook)(nil)).Where("stock > 1000").Exists(ctx) })
	log.fails("no rows", db.NewSelect().Model(&bunBook{ID: 999}).WherePK().Scan(ctx))
	log.fails("no rows again", db.NewSelect().Model(&bunBook{ID: 999}).WherePK().Scan(ctx))
	log.fails("no such column", db.NewSelect().Model((*bunBook)(nil)).Column("nonsense").Scan(ctx))
}

func changeBun(ctx context.Context, db *bun.DB, log *transcript) {
	look := func() {
		log.reads("look again", func() (any, error) {
			var books []bunBook
			err := db.NewSelect().Model(&books).Relation("Tags").Where("b.id < 4").Order("b.id").Scan(ctx)
			return books, err
		})
	}
	look()
	log.does("update", func() (any, error) {
		return affected(db.NewUpdate().Model((*bunBook)(nil)).Set("price = price + ?", 1).Where("id = ?", 1).Exec(ctx))
	})
	look()
	log.does("update many", func() (any, error) {
		books := []bunBook{{ID: 1, ISBN: gormISBN(0), Price: "1", Stock: 71}, {ID: 2, ISBN: gormISBN(1), Price: "1", Stock: 72}}
		return affected(db.NewUpdate().Model(&books).Column("stock").Bulk().Exec(ctx))
	})
	look()
	log.does("upsert", func() (any, error) {
		book := bunBook{AuthorID: 1, ISBN: gormISBN(0), Title: "Volume Zero", Price: "1", Added: noon}
		_, err := db.NewInsert().Model(&book).On("CONFLICT (isbn) DO UPDATE").Set("title = EXCLUDED.title").Returning("*").Exec(ctx)
		return book, err
	})
	look()
	log.does("delete a link", func() (any, error) {
		return affected(db.NewDelete().Model(&bunBookTag{BookID: 1, TagID: 2}).WherePK().Exec(ctx))
	})
	look()
	log.does("delete softly", func() (any, error) { return affected(db.NewDelete().Model(&bunBook{ID: 1}).WherePK().Exec(ctx)) })
	look()
	log.does("delete", func() (any, error) {
		return affected(db.NewDelete().Model(&bunBook{ID: 2}).WherePK().ForceDelete().Exec(ctx))
	})
	look()
}

func transactBun(ctx context.Context, db *bun.DB, log *transcript) {
	count := func(on bun.IDB) func() (any, error) {
		return func() (any, error) { return on.NewSelect().Model((*bunTag)(nil)).Count(ctx) }
	}
	add := func(on bun.IDB, name string) error {
		_, err := on.NewInsert().Model(&bunTag{Name: name}).Exec(ctx)
		return err
	}
	sorry := errors.New("changed my mind")
	log.reads("count", count(db))
	log.fails("roll back", db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		log.runs("insert in a transaction", add(tx, "lost"))
		log.asks("count in the transaction", count(tx))
		log.asks("count beside the transaction", count(db))
		return sorry
	}))
	log.reads("count after the rollback", count(db))
	log.runs("commit", db.RunInTx(ctx, &sql.TxOptions{Isolation: sql.LevelSerializable}, func(ctx context.Context, tx bun.Tx) error {
		log.runs("insert in a transaction", add(tx, "kept"))
		log.fails("roll back to a savepoint", tx.RunInTx(ctx, nil, func(_ context.Context, tx bun.Tx) error {
			log.runs("insert in a nested transaction", add(tx, "lost"))
			return sorry
		}))
		return nil
	}))
	log.reads("count after the commit", count(db))
	log.fails("a duplicate", func() error {
		_, err := db.NewInsert().Model(&bunAuthor{Name: "Ursula"}).Exec(ctx)
		return err
	}())
}

// migrateBun changes a table while it is in use.
func migrateBun(ctx context.Context, db *bun.DB, log *transcript) {
	read := func() {
		log.reads("read everything", func() (any, error) {
			var rows []map[string]any
			err := db.NewSelect().Table("tags").ColumnExpr("to_jsonb(tags) AS tag").Order("id").Scan(ctx, &rows)
			return rows, err
		})
	}
	read()
	_, err := db.NewAddColumn().Model((*bunTag)(nil)).ColumnExpr("weight int DEFAULT 5").Exec(ctx)
	log.runs("add a column", err)
	read()
	_, err = db.NewCreateIndex().Model((*bunTag)(nil)).Index("tags_name").Column("name").Exec(ctx)
	log.runs("create an index", err)
	read()
	_, err = db.NewDropColumn().Model((*bunTag)(nil)).ColumnExpr("weight").Exec(ctx)
	log.runs("drop a column", err)
	read()
	log.runs("truncate", func() error {
		_, err := db.NewTruncateTable().Model((*bunTag)(nil)).Exec(ctx)
		return err
	}())
	read()
}
