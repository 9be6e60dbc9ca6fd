package libraries_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"testing/fstest"

	"github.com/golang-migrate/migrate/v4"
	migratepgx "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	"github.com/golang-migrate/migrate/v4/source/iofs"
	"github.com/pressly/goose/v3"
)

// change is a step of a migration: what it does, and what undoes it.
type change struct{ up, down string }

// changes are made while the program reads the tables. The last one can't be made.
var changes = []change{
	{"CREATE TABLE planets (id int PRIMARY KEY, name text NOT NULL); INSERT INTO planets VALUES (1, 'Gethen'), (2, 'Urras');", "DROP TABLE planets;"},
	{"ALTER TABLE planets ADD COLUMN moons int NOT NULL DEFAULT 0; UPDATE planets SET moons = id;", "ALTER TABLE planets DROP COLUMN moons;"},
	{"CREATE VIEW busy AS SELECT name FROM planets WHERE moons > 1;", "DROP VIEW busy;"},
	{"CREATE OR REPLACE VIEW busy AS SELECT name FROM planets WHERE moons > 0;", "CREATE OR REPLACE VIEW busy AS SELECT name FROM planets WHERE moons > 1;"},
	{"ALTER TABLE planets ALTER COLUMN moons TYPE bigint USING moons * 10;", "ALTER TABLE planets ALTER COLUMN moons TYPE int USING moons / 10;"},
	{"ALTER TABLE planets ADD CHECK (moons > 1000);", ""},
}

// before makes way for the change of the type of a column that a view uses.
func (c change) before() change {
	const drop, create = "DROP VIEW IF EXISTS busy; ", " CREATE VIEW busy AS SELECT name FROM planets WHERE moons > 0;"
	return change{drop + c.up + create, drop + c.down + create}
}

func init() { changes[4] = changes[4].before() }

// lookAround reads what the changes change, again and again with the same words.
func lookAround(ctx context.Context, db *sql.DB, log *transcript) {
	for _, query := range []string{
		"SELECT count(*), max(name) FROM planets",
		"SELECT id, name, moons FROM planets ORDER BY id",
		"SELECT * FROM busy ORDER BY name",
	} {
		read := func() (any, error) {
			rows, err := db.QueryContext(ctx, query)
			if err != nil {
				return nil, err
			}
			defer rows.Close()
			return scanAll(rows)
		}
		read = log.replanned(read)
		if _, err := read(); err != nil {
			log.fails(query, err)
			continue
		}
		log.reads(query, read)
	}
}

// TestGoose migrates up and down with goose's provider, which needs no driver's name.
func TestGoose(t *testing.T) {
	inModes(t, func(t *testing.T, at place, log *transcript) {
		db, ctx := at.open(t, log), t.Context()
		files := fstest.MapFS{}
		for i, change := range changes {
			text := "-- +goose Up\n" + change.up + "\n-- +goose Down\n" + change.down + "\n"
			files[name(i)+".sql"] = &fstest.MapFile{Data: []byte(text)}
		}
		provider, err := goose.NewProvider(goose.DialectPostgres, db, files)
		log.runs("make a provider", err)
		lookAround(ctx, db, log)
		step := func(what string, move func(context.Context) (*goose.MigrationResult, error)) {
			result, err := move(ctx)
			if err != nil {
				log.fails(what, err)
			} else {
				log.note(what, result.Source.Path)
			}
			version, err := provider.GetDBVersion(ctx)
			log.does("the version", func() (any, error) { return version, err })
			lookAround(ctx, db, log)
		}
		for range changes {
			step("up", provider.UpByOne)
		}
		for range len(changes) - 1 {
			step("down", provider.Down)
		}
		statuses, err := provider.Status(ctx)
		log.does("the status", func() (any, error) { return len(statuses), err })
	})
}

// TestGooseWithoutProvider migrates with goose's older functions, which are told the dialect and take any sql.DB.
func TestGooseWithoutProvider(t *testing.T) {
	goose.SetLogger(goose.NopLogger())
	t.Cleanup(func() { goose.SetBaseFS(nil) })
	goose.SetBaseFS(fstest.MapFS{
		"00001_a.sql": {Data: []byte("-- +goose Up\n" + changes[0].up + "\n-- +goose Down\n" + changes[0].down + "\n")},
		"00002_b.sql": {Data: []byte("-- +goose Up\n" + changes[1].up + "\n-- +goose Down\n" + changes[1].down + "\n")},
	})
	if err := goose.SetDialect("pgx"); err != nil {
		t.Fatal(err)
	}
	onBoth(t, func(t *testing.T, at place, log *transcript) {
		db, ctx := at.open(t, log), t.Context()
		for range 2 {
			log.runs("up", goose.UpByOneContext(ctx, db, "."))
			lookAround(ctx, db, log)
		}
		log.runs("reset", goose.ResetContext(ctx, db, "."))
		lookAround(ctx, db, log)
	})
	if _, err := goose.OpenDBWithDriver("pgcache", ""); err == nil {
		t.Error("goose knows the driver by now: tell the users")
	}
}

// TestMigrate migrates up and down with golang-migrate.
func TestMigrate(t *testing.T) {
	inModes(t, func(t *testing.T, at place, log *transcript) {
		db, ctx := at.open(t, log), t.Context()
		files := fstest.MapFS{}
		for i, change := range changes {
			files[name(i)+".up.sql"] = &fstest.MapFile{Data: []byte(change.up)}
			files[name(i)+".down.sql"] = &fstest.MapFile{Data: []byte(change.down)}
		}
		source, err := iofs.New(files, ".")
		log.runs("read the files", err)
		// Closing the migration, at the end, closes the sql.DB too.
		driver, err := migratepgx.WithInstance(db, &migratepgx.Config{DatabaseName: "shop"})
		log.runs("make a driver", err)
		migration, err := migrate.NewWithInstance("iofs", source, "pgx5", driver)
		log.runs("make a migration", err)
		lookAround(ctx, db, log)
		step := func(n int) {
			if err := migration.Steps(n); err != nil {
				log.fails("step", err)
			}
			version, dirty, err := migration.Version()
			log.does("the version", func() (any, error) { return []any{version, dirty}, err })
			lookAround(ctx, db, log)
		}
		for range changes {
			step(1)
		}
		log.fails("step when dirty", migration.Steps(1))
		log.runs("force", migration.Force(len(changes)-1))
		for range len(changes) - 2 {
			step(-1)
		}
		log.runs("up to the third", migration.Migrate(3))
		lookAround(ctx, db, log)
		log.runs("all the way down", migration.Down())
		lookAround(ctx, db, log)
		log.runs("up again", migration.Migrate(3))
		lookAround(ctx, db, log)
		sourceErr, err := migration.Close()
		log.runs("close", errors.Join(sourceErr, err))
	})
}

func name(i int) string { return "0000" + string(rune('1'+i)) + "_change" }
