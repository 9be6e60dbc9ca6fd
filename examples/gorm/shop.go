package main

import (
	"fmt"
	"io"
	"strings"

	"gorm.io/gorm"
)

// Author has written books.
type Author struct {
	ID    uint
	Name  string `gorm:"uniqueIndex;not null"`
	Books []Book
}

// Book is for sale.
type Book struct {
	ID       uint
	AuthorID uint
	Title    string
	Price    float64 `gorm:"type:numeric(10,2)"`
}

// shop is a program that uses GORM, and need not know what answers.
type shop struct {
	db  *gorm.DB
	out io.Writer
}

// play reads, writes, and reads again.
func (s *shop) play() error {
	if err := s.stock(); err != nil {
		return fmt.Errorf("stocking the shop: %w", err)
	}
	for _, step := range []struct {
		what  string
		write func() error
	}{
		{"at first", nil},
		{"once more", nil},
		{"after an update", func() error { return s.db.Model(&Book{}).Where("title = ?", "Solaris").Update("price", 12.5).Error }},
		{"after a rollback", s.changeMind},
		{"after a delete", func() error { return s.db.Where("title = ?", "Fiasco").Delete(&Book{}).Error }},
		{"once more", nil},
	} {
		if step.write != nil {
			if err := step.write(); err != nil {
				return fmt.Errorf("%s: %w", step.what, err)
			}
		}
		if err := s.catalogue(step.what); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return nil
}

// stock makes the tables and fills them.
func (s *shop) stock() error {
	if err := s.db.AutoMigrate(&Author{}, &Book{}); err != nil {
		return err
	}
	return s.db.Create([]*Author{
		{Name: "Lem", Books: []Book{{Title: "Solaris", Price: 9.5}, {Title: "Fiasco", Price: 8}}},
		{Name: "Le Guin", Books: []Book{{Title: "The Dispossessed", Price: 11}}},
	}).Error
}

// changeMind writes in a transaction that comes to nothing. What it wrote is never in the cache.
func (s *shop) changeMind() error {
	tx := s.db.Begin()
	if err := tx.Model(&Book{}).Where("1 = 1").Update("price", 0).Error; err != nil {
		return err
	}
	var free int64
	if err := tx.Model(&Book{}).Where("price = 0").Count(&free).Error; err != nil {
		return err
	}
	fmt.Fprintf(s.out, "  in a transaction that is rolled back: %d books are free\n", free)
	return tx.Rollback().Error
}

// catalogue shows the authors and their books. Preload makes two queries of it; each is cached for itself, so a change of the
// books leaves the answer about the authors as it is.
func (s *shop) catalogue(what string) error {
	var authors []Author
	byTitle := func(books *gorm.DB) *gorm.DB { return books.Order("title") }
	if err := s.db.Preload("Books", byTitle).Order("name").Find(&authors).Error; err != nil {
		return err
	}
	var shelf []string
	for _, author := range authors {
		for _, book := range author.Books {
			shelf = append(shelf, fmt.Sprintf("%s %.2f", book.Title, book.Price))
		}
	}
	stats, err := s.stats()
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "  %-17s %s (%s)\n", what+":", strings.Join(shelf, ", "), stats)
	return nil
}

// stats is what the driver says of itself; it answers through any library.
func (s *shop) stats() (string, error) {
	var rows []struct{ Name, Value string }
	if err := s.db.Raw("SHOW pgcache.stats").Scan(&rows).Error; err != nil {
		return "", err
	}
	var parts []string
	for _, row := range rows {
		if row.Name == "hits" || row.Name == "misses" {
			parts = append(parts, row.Name+" "+row.Value)
		}
	}
	return strings.Join(parts, ", "), nil
}
