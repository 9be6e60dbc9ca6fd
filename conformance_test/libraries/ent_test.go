package libraries_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	entschema "entgo.io/ent/dialect/sql/schema"

	"github.com/gopgcache/pgcache/conformance_test/libraries/entapp"
	"github.com/gopgcache/pgcache/conformance_test/libraries/entapp/author"
	"github.com/gopgcache/pgcache/conformance_test/libraries/entapp/book"
	"github.com/gopgcache/pgcache/conformance_test/libraries/entapp/tag"
)

func TestEnt(t *testing.T) {
	inModes(t, func(t *testing.T, at place, log *transcript) {
		db := at.open(t, log)
		client := entapp.NewClient(entapp.Driver(entsql.OpenDB(dialect.Postgres, db)))
		ctx := t.Context()
		log.runs("create the tables", client.Schema.Create(ctx))
		log.runs("create the tables that are there", client.Schema.Create(ctx))
		stockEnt(ctx, client, log)
		readEnt(ctx, client, log)
		changeEnt(ctx, client, log)
		transactEnt(ctx, client, log)
		log.runs("drop a column", func() error {
			_, err := db.ExecContext(ctx, "ALTER TABLE books DROP COLUMN stock")
			return err
		}())
		_, err := client.Book.Query().All(ctx)
		log.fails("read what is gone", err)
		log.runs("have ent put it back", client.Schema.Create(ctx, entschema.WithDropColumn(true)))
		readEnt(ctx, client, log)
	})
}

func stockEnt(ctx context.Context, client *entapp.Client, log *transcript) {
	log.does("create authors", func() (any, error) {
		ursula, err := client.Author.Create().SetName("Ursula").SetBorn(noon).SetLanguages([]string{"en"}).Save(ctx)
		stanislaw, again := client.Author.Create().SetName("Stanisław").Save(ctx)
		return []any{ursula, stanislaw}, errors.Join(err, again)
	})
	log.does("create tags", func() (any, error) {
		return client.Tag.CreateBulk(client.Tag.Create().SetName("space"), client.Tag.Create().SetName("sea")).Save(ctx)
	})
	log.does("create books", func() (any, error) {
		var books []*entapp.BookCreate
		for i := range 25 {
			books = append(books, client.Book.Create().SetIsbn(gormISBN(i)).SetTitle(fmt.Sprintf("Volume %02d", i)).SetPrice(float64(i)+0.1).
				SetStock(i).SetAdded(noon.Add(time.Duration(i)*time.Hour)).SetAuthorID(i%2+1).AddTagIDs(i%2+1))
		}
		return client.Book.CreateBulk(books...).Save(ctx)
	})
}

func readEnt(ctx context.Context, client *entapp.Client, log *transcript) {
	log.reads("get", func() (any, error) { return client.Book.Get(ctx, 4) })
	log.reads("eager", func() (any, error) {
		return client.Author.Query().WithBooks(func(q *entapp.BookQuery) { q.Where(book.PriceLT(5)).WithTags().Order(entapp.Asc(book.FieldID)) }).
			Order(entapp.Asc(author.FieldID)).All(ctx)
	})
	log.reads("by an edge", func() (any, error) {
		return client.Book.Query().Where(book.HasAuthorWith(author.Name("Ursula")), book.HasTagsWith(tag.NameIn("space", "sea"))).
			Order(entapp.Desc(book.FieldPrice)).Limit(3).WithAuthor().All(ctx)
	})
	for page := range 3 {
		log.reads("page", func() (any, error) {
			query := client.Book.Query().Where(book.TitleHasPrefix("Volume"))
			total, err := query.Clone().Count(ctx)
			titles, again := query.Order(entapp.Asc(book.FieldTitle)).Limit(10).Offset(page * 10).Select(book.FieldTitle).Strings(ctx)
			return []any{total, titles}, errors.Join(err, again)
		})
	}
	log.reads("group", func() (any, error) {
		var rows []struct {
			Binding string
			Sum     float64
			Count   int
		}
		err := client.Book.Query().GroupBy(book.FieldBinding).Aggregate(entapp.Count(), entapp.Sum(book.FieldPrice)).Scan(ctx, &rows)
		return rows, err
	})
	log.reads("exists", func() (any, error) { return client.Book.Query().Where(book.PriceGT(1000)).Exist(ctx) })
	for range 2 {
		_, err := client.Book.Get(ctx, 999)
		log.fails("not found", err)
		_, err = client.Book.Query().Where(book.PriceLT(3)).Only(ctx)
		log.fails("too many", err)
	}
}

func changeEnt(ctx context.Context, client *entapp.Client, log *transcript) {
	look := func() {
		log.reads("look again", func() (any, error) {
			return client.Book.Query().Where(book.IDLT(4)).WithTags().WithAuthor().Order(entapp.Asc(book.FieldID)).All(ctx)
		})
	}
	look()
	log.does("update one", func() (any, error) {
		return client.Book.UpdateOneID(1).AddStock(5).SetBinding(book.BindingHard).AddTagIDs(2).RemoveTagIDs(1).Save(ctx)
	})
	look()
	log.does("update many", func() (any, error) { return client.Book.Update().Where(book.IDLT(3)).AddPrice(1).Save(ctx) })
	look()
	log.does("upsert", func() (any, error) {
		return client.Book.Create().SetIsbn(gormISBN(0)).SetTitle("Volume Zero").SetPrice(1).SetAdded(noon).SetAuthorID(1).
			OnConflictColumns(book.FieldIsbn).Update(func(u *entapp.BookUpsert) { u.UpdateTitle() }).ID(ctx)
	})
	look()
	log.runs("delete one", client.Book.DeleteOneID(3).Exec(ctx))
	look()
	log.does("delete many", func() (any, error) { return client.Book.Delete().Where(book.StockGT(22)).Exec(ctx) })
	log.fails("a duplicate", client.Tag.Create().SetName("sea").Exec(ctx))
	log.fails("not valid", client.Author.Create().SetName("").Exec(ctx))
	log.fails("no such author", client.Book.Create().SetIsbn("x").SetTitle("x").SetPrice(1).SetAuthorID(99).Exec(ctx))
	look()
}

func transactEnt(ctx context.Context, client *entapp.Client, log *transcript) {
	count := func(client *entapp.TagClient) func() (any, error) {
		return func() (any, error) { return client.Query().Count(ctx) }
	}
	log.reads("count", count(client.Tag))
	for _, end := range []func(*entapp.Tx) error{(*entapp.Tx).Rollback, (*entapp.Tx).Commit} {
		tx, err := client.Tx(ctx)
		log.runs("begin", err)
		log.does("create in the transaction", func() (any, error) { return tx.Tag.Create().SetName("moon").Save(ctx) })
		log.asks("count in the transaction", count(tx.Tag))
		log.asks("count beside the transaction", count(client.Tag))
		log.runs("end", end(tx))
		log.reads("count after the transaction", count(client.Tag))
	}
}
