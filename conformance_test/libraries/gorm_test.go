package libraries_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/logger"

	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

type gormAuthor struct {
	gorm.Model

	Name      string `gorm:"uniqueIndex;not null"`
	Born      *time.Time
	Languages []string       `gorm:"serializer:json"`
	Profile   map[string]any `gorm:"type:jsonb;serializer:json"`
	Books     []gormBook     `gorm:"foreignKey:AuthorID;constraint:OnDelete:CASCADE"`
}

type gormBook struct {
	ID       uint
	AuthorID uint
	Author   *gormAuthor `gorm:"foreignKey:AuthorID"`
	ISBN     string      `gorm:"type:uuid;uniqueIndex"`
	Title    string      `gorm:"index"`
	Price    float64     `gorm:"type:numeric(10,2)"`
	Stock    int         `gorm:"check:gorm_stock,stock >= 0"`
	Cover    []byte
	Tags     []gormTag `gorm:"many2many:gorm_book_tags"`
	Added    time.Time
	Version  int `gorm:"default:1"`
}

type gormTag struct {
	ID   uint
	Name string `gorm:"uniqueIndex"`
}

func (gormAuthor) TableName() string { return "gorm_authors" }
func (gormBook) TableName() string   { return "gorm_books" }
func (gormTag) TableName() string    { return "gorm_tags" }

// openGORM opens a place in the way that GORM documents for a driver other than its own: by its name.
func openGORM(t *testing.T, at place, log *transcript, config gorm.Config) *gorm.DB {
	t.Helper()
	config.Logger = logger.Discard
	config.NowFunc = noon.Local
	db, err := gorm.Open(postgres.New(postgres.Config{DriverName: at.driver, DSN: at.dsn}), &config)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := db.DB()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pool.Close() })
	log.watch(at, pool)
	return db.WithContext(t.Context())
}

func TestGORM(t *testing.T) {
	inModes(t, func(t *testing.T, at place, log *transcript) {
		db := openGORM(t, at, log, gorm.Config{TranslateError: true})
		runGORM(db, log)
		migrateGORM(db, log)
	})
}

// TestGORMPrepared has GORM prepare every statement, and keep it. It leaves the tables as they are: on pgx such a statement fails
// for ever once its columns have changed.
func TestGORMPrepared(t *testing.T) {
	onBoth(t, func(t *testing.T, at place, log *transcript) {
		db := openGORM(t, at, log, gorm.Config{PrepareStmt: true, SkipDefaultTransaction: true})
		runGORM(db, log)
		db.ConnPool.(*gorm.PreparedStmtDB).Close()
	})
}

func runGORM(db *gorm.DB, log *transcript) {
	log.runs("create the tables", db.AutoMigrate(&gormAuthor{}, &gormBook{}, &gormTag{}))
	log.runs("create the tables that are there", db.AutoMigrate(&gormAuthor{}, &gormBook{}, &gormTag{}))
	stockGORM(db, log)
	readGORM(db, log)
	pageGORM(db, log)
	changeGORM(db, log)
	transactGORM(db, log)
	failGORM(db, log)
}

// gormISBN is a number of a book's own.
func gormISBN(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

func stockGORM(db *gorm.DB, log *transcript) {
	authors := []gormAuthor{
		{Name: "Ursula", Born: new(time.Date(1929, 10, 21, 0, 0, 0, 0, time.UTC)), Languages: []string{"en"}, Profile: map[string]any{"prizes": 8}},
		{Name: "Stanisław", Languages: []string{"pl", "de"}},
	}
	tags := []gormTag{{Name: "space"}, {Name: "sea"}}
	log.runs("create authors", db.Create(&authors).Error)
	log.runs("create tags", db.Create(&tags).Error)
	log.does("create a book and what hangs on it", func() (any, error) {
		book := gormBook{
			ISBN: gormISBN(0), Title: "Solaris", Price: 9.5, Stock: 3, Cover: []byte{0, 1, 0xff}, Added: noon,
			AuthorID: authors[1].ID, Tags: tags,
		}
		err := db.Create(&book).Error
		return book, err
	})
	log.does("create many books", func() (any, error) {
		var books []gormBook
		for i := range 25 {
			books = append(books, gormBook{ISBN: gormISBN(i + 1), Title: fmt.Sprintf("Volume %02d", i), Price: float64(i) + 0.99, Stock: i, AuthorID: authors[0].ID, Added: noon})
		}
		result := db.CreateInBatches(&books, 10)
		return []any{result.RowsAffected, books[24]}, result.Error
	})
}

func readGORM(db *gorm.DB, log *transcript) {
	log.reads("first", func() (any, error) {
		var author gormAuthor
		err := db.First(&author, "name = ?", "Ursula").Error
		return author, err
	})
	log.reads("by primary key", func() (any, error) {
		var book gormBook
		err := db.Take(&book, 1).Error
		return book, err
	})
	log.reads("find", func() (any, error) {
		var books []gormBook
		err := db.Where("price < ?", 5).Or("title = ?", "Solaris").Order("id").Find(&books).Error
		return books, err
	})
	log.reads("with a list and a struct", func() (any, error) {
		var books []gormBook
		err := db.Where("stock IN ?", []int{1, 2, 3}).Where(&gormBook{AuthorID: 1}).Order("id").Find(&books).Error
		return books, err
	})
	log.reads("preload", func() (any, error) {
		var authors []gormAuthor
		err := db.Preload("Books", "price < ?", 10).Preload("Books.Tags").Order("id").Find(&authors).Error
		return authors, err
	})
	log.reads("join", func() (any, error) {
		var books []gormBook
		err := db.Joins("Author").Preload("Tags").Order("gorm_books.id").Limit(3).Find(&books).Error
		return books, err
	})
	log.reads("association", func() (any, error) {
		var tags []gormTag
		err := db.Model(&gormBook{ID: 1}).Order("name").Association("Tags").Find(&tags)
		return tags, err
	})
	log.reads("group", func() (any, error) {
		var totals []struct {
			Name  string
			Books int64
			Total float64
			Last  time.Time
		}
		err := db.Model(&gormBook{}).Select("a.name, count(*) AS books, sum(price) AS total, max(added) AS last").
			Joins("JOIN gorm_authors a ON a.id = author_id").Group("a.name").Having("count(*) > ?", 0).Order("a.name").Scan(&totals).Error
		return totals, err
	})
	log.reads("named arguments and maps", func() (any, error) {
		rows := []map[string]any{}
		err := db.Raw("SELECT * FROM gorm_books WHERE title = @title OR price > @price ORDER BY id", map[string]any{"title": "Solaris", "price": 24}).Scan(&rows).Error
		return rows, err
	})
	log.reads("rows", func() (any, error) { return rowsGORM(db) })
}

func rowsGORM(db *gorm.DB) (books []gormBook, err error) {
	rows, err := db.Model(&gormBook{}).Where("stock > ?", 22).Order("id").Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var book gormBook
		if err := db.ScanRows(rows, &book); err != nil {
			return nil, err
		}
		books = append(books, book)
	}
	return books, rows.Err()
}

func pageGORM(db *gorm.DB, log *transcript) {
	for page := range 3 {
		log.reads("page", func() (any, error) {
			var total int64
			var titles []string
			query := db.Model(&gormBook{}).Where("title LIKE ?", "Volume%")
			err := errors.Join(query.Count(&total).Error, query.Order("title").Offset(page*10).Limit(10).Pluck("title", &titles).Error)
			return []any{total, titles}, err
		})
	}
	log.reads("in batches", func() (any, error) {
		var books []gormBook
		var sizes []int64
		err := db.Where("stock > ?", 2).FindInBatches(&books, 10, func(tx *gorm.DB, _ int) error {
			sizes = append(sizes, tx.RowsAffected)
			return nil
		}).Error
		return sizes, err
	})
	log.reads("a subquery", func() (any, error) {
		var names []string
		dear := db.Model(&gormBook{}).Select("author_id").Where("price > ?", 20)
		err := db.Model(&gormAuthor{}).Where("id IN (?)", dear).Pluck("name", &names).Error
		return names, err
	})
}

func changeGORM(db *gorm.DB, log *transcript) {
	look := func() {
		log.reads("look again", func() (any, error) {
			var authors []gormAuthor
			err := db.Preload("Books", "id < ?", 4).Preload("Books.Tags").Order("id").Find(&authors).Error
			return authors, err
		})
	}
	look()
	log.does("update a column", func() (any, error) {
		result := db.Model(&gormBook{}).Where("id = ?", 1).Update("price", gorm.Expr("price * ? + ?", 2, 1))
		return result.RowsAffected, result.Error
	})
	look()
	log.does("update and return", func() (any, error) {
		var books []gormBook
		result := db.Model(&books).Clauses(clause.Returning{}).Where("id IN ?", []int{2, 3}).Updates(map[string]any{"stock": 77, "cover": []byte("new")})
		return []any{result.RowsAffected, len(books)}, result.Error
	})
	look()
	log.does("upsert", func() (any, error) {
		book := gormBook{ISBN: gormISBN(1), Title: "Volume Zero", AuthorID: 1, Price: 1, Stock: 1, Added: noon}
		err := db.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "isbn"}}, DoUpdates: clause.AssignmentColumns([]string{"title", "price"})}).Create(&book).Error
		return book, err
	})
	look()
	log.does("save", func() (any, error) {
		var book gormBook
		if err := db.Preload("Tags").First(&book, 1).Error; err != nil {
			return nil, err
		}
		book.Title = "Solaris, new"
		err := db.Save(&book).Error
		return book, err
	})
	look()
	log.runs("replace an association", db.Model(&gormBook{ID: 1}).Association("Tags").Replace(&gormTag{ID: 1}))
	look()
	log.does("first or create", func() (any, error) {
		var tag gormTag
		result := db.Where(gormTag{Name: "moon"}).FirstOrCreate(&tag)
		return []any{tag, result.RowsAffected}, result.Error
	})
	log.runs("delete softly", db.Delete(&gormAuthor{}, "name = ?", "Ursula").Error)
	look()
	log.runs("undelete", db.Unscoped().Model(&gormAuthor{}).Where("name = ?", "Ursula").Update("deleted_at", nil).Error)
	look()
	log.does("delete", func() (any, error) {
		result := db.Where("stock IN (?, ?)", 5, 6).Delete(&gormBook{})
		return result.RowsAffected, result.Error
	})
	look()
}

func transactGORM(db *gorm.DB, log *transcript) {
	count := func(db *gorm.DB) func() (any, error) {
		return func() (any, error) {
			var n int64
			err := db.Model(&gormTag{}).Count(&n).Error
			return n, err
		}
	}
	log.reads("count", count(db))
	sorry := errors.New("changed my mind")
	log.fails("roll back", db.Transaction(func(tx *gorm.DB) error {
		log.runs("create in a transaction", tx.Create(&gormTag{Name: "lost"}).Error)
		log.asks("count in the transaction", count(tx))
		log.asks("count beside the transaction", count(db))
		return sorry
	}))
	log.reads("count after the rollback", count(db))
	log.runs("commit", db.Transaction(func(tx *gorm.DB) error {
		log.runs("create in a transaction", tx.Create(&gormTag{Name: "kept"}).Error)
		log.fails("roll back to a savepoint", tx.Transaction(func(tx *gorm.DB) error {
			log.runs("create in a nested transaction", tx.Create(&gormTag{Name: "lost"}).Error)
			return sorry
		}))
		log.does("lock", func() (any, error) {
			var tag gormTag
			err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).First(&tag, "name = ?", "kept").Error
			return tag, err
		})
		return nil
	}))
	log.reads("count after the commit", count(db))
}

func failGORM(db *gorm.DB, log *transcript) {
	log.reads("nothing there", func() (any, error) {
		err := db.First(&gormAuthor{}, "name = ?", "Nobody").Error
		return errors.Is(err, gorm.ErrRecordNotFound), nil
	})
	log.fails("not found", db.First(&gormAuthor{}, "name = ?", "Nobody").Error)
	log.fails("duplicate", db.Create(&gormTag{Name: "space"}).Error)
	log.fails("no such author", db.Create(&gormBook{ISBN: gormISBN(99), AuthorID: 99, Added: noon}).Error)
	log.fails("a check", db.Model(&gormBook{}).Where("id = ?", 1).Update("stock", -1).Error)
	log.fails("no such column", db.Where("nonsense = 1").Find(&[]gormBook{}).Error)
	log.fails("not a number", db.Where("price = ?", "dear").Find(&[]gormBook{}).Error)
	ctx, cancel := context.WithCancel(db.Statement.Context)
	cancel()
	log.fails("given up", db.WithContext(ctx).First(&gormAuthor{}, "name = ?", "Ursula").Error)
}

// migrateGORM changes the tables while they are in use.
func migrateGORM(db *gorm.DB, log *transcript) {
	read := func() {
		log.reads("read everything", log.replanned(func() (any, error) {
			var rows []map[string]any
			err := db.Raw("SELECT * FROM gorm_tags ORDER BY id").Scan(&rows).Error
			return rows, err
		}))
	}
	read()
	type Tag struct {
		ID     uint
		Name   string `gorm:"size:40;uniqueIndex"`
		Weight int    `gorm:"default:5;not null"`
	}
	tags := db.Table("gorm_tags")
	log.runs("add a column and narrow another", tags.AutoMigrate(&Tag{}))
	read()
	log.runs("rename a column", tags.Migrator().RenameColumn(&Tag{}, "weight", "heft"))
	read()
	log.does("ask for the types of the columns", func() (any, error) {
		types, err := tags.Migrator().ColumnTypes(&Tag{})
		var seen []string
		for _, column := range types {
			length, _ := column.Length()
			nullable, _ := column.Nullable()
			seen = append(seen, fmt.Sprint(column.Name(), column.DatabaseTypeName(), length, nullable, column.ScanType()))
		}
		return seen, err
	})
	log.runs("drop a column", tags.Migrator().DropColumn(&Tag{}, "heft"))
	read()
	log.runs("drop a table", db.Migrator().DropTable("gorm_book_tags"))
	log.fails("read what is gone", db.Preload("Tags").Find(&[]gormBook{}).Error)
}

// TestGORMTimeZone shows what GORM does to a connection of its own only: without a driver's name it reads timestamps without
// a time zone in the zone that the connection string names.
func TestGORMTimeZone(t *testing.T) {
	dsn := withParams(t, pgtest.Database(t)) + "&TimeZone=America/New_York" // GORM knows no escapes
	read := func(config postgres.Config) time.Time {
		db, err := gorm.Open(postgres.New(config), &gorm.Config{Logger: logger.Discard})
		if err != nil {
			t.Fatal(err)
		}
		pool, err := db.DB()
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		var at time.Time
		if err := db.Raw("SELECT timestamp '2024-05-06 12:00:00'").Row().Scan(&at); err != nil {
			t.Fatal(err)
		}
		return at
	}
	for _, driver := range []string{"pgx", "pgcache"} {
		if at := read(postgres.Config{DriverName: driver, DSN: dsn}); at.Location() != time.UTC {
			t.Errorf("by the name %s: %v", driver, at)
		}
	}
	if at := read(postgres.Config{DSN: dsn}); at.Location().String() != "America/New_York" {
		t.Errorf("without a name: %v", at)
	}
}
