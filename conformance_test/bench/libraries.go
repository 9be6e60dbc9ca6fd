package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/gopgcache/pgcache/conformance_test/bench/internal/fleet"
	"github.com/gopgcache/pgcache/conformance_test/bench/internal/shape"
)

// owner is a row of the table three.
type owner struct {
	ID    int64
	Owner string
	Since time.Time
}

// TableName tells GORM which table owners are in.
func (owner) TableName() string { return "three" }

// throughLibraries has GORM and sqlx read rows into structs, on top of pgx and of hits.
func (c *cases) throughLibraries(ctx context.Context) error {
	for _, s := range []*shape.Shape{&shape.One, &shape.Hundred} {
		for _, library := range []struct {
			name string
			on   func(context.Context, fleet.DB, *shape.Shape) (func() error, error)
		}{{"GORM", onGORM}, {"sqlx", onSQLX}} {
			pgx, err := library.on(ctx, c.pgx, s)
			if err != nil {
				return err
			}
			hit, err := library.on(ctx, c.hit, s)
			if err != nil {
				return err
			}
			c.add(library.name+" on pgx", s.Name, c.pgx, elsewhere, func() func() error { return pgx }, "pgx")
			c.add(library.name+" on hit", s.Name, c.hit, memory, func() func() error { return hit }, library.name+" on pgx", "hit")
		}
	}
	return nil
}

func onGORM(ctx context.Context, db fleet.DB, s *shape.Shape) (func() error, error) {
	through, err := gorm.Open(postgres.New(postgres.Config{Conn: db.DB}), &gorm.Config{Logger: logger.Discard})
	if err != nil {
		return nil, errors.Join(errors.New("open GORM"), err)
	}
	through = through.WithContext(ctx)
	first := s.Arg(0)
	last := first + int64(s.Rows) - 1
	return func() error {
		var rows []owner
		if err := through.Where("id between ? and ?", first, last).Find(&rows).Error; err != nil {
			return err
		}
		return all(rows, s)
	}, nil
}

func onSQLX(ctx context.Context, db fleet.DB, s *shape.Shape) (func() error, error) {
	through := sqlx.NewDb(db.DB, "pgx") // a name by which it knows the placeholders
	return func() error {
		var rows []owner
		if err := through.SelectContext(ctx, &rows, s.SQL, s.Arg(0)); err != nil {
			return err
		}
		return all(rows, s)
	}, nil
}

// all tells whether all rows have come, and what is in them.
func all(rows []owner, s *shape.Shape) error {
	if len(rows) != s.Rows || rows[0].Owner == "" {
		return fmt.Errorf("%d rows where there are %d", len(rows), s.Rows)
	}
	return nil
}
