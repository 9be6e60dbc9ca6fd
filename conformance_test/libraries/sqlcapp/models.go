package sqlcapp

import (
	"database/sql"
	"database/sql/driver"
	"fmt"
	"time"
)

// Binding is the enum of the same name.
type Binding string

// The values of the enum.
const (
	BindingHard Binding = "hard"
	BindingSoft Binding = "soft"
)

// Scan reads a value of the enum.
func (e *Binding) Scan(src any) error {
	switch s := src.(type) {
	case []byte:
		*e = Binding(s)
	case string:
		*e = Binding(s)
	default:
		return fmt.Errorf("unsupported scan type for Binding: %T", src)
	}
	return nil
}

// NullBinding is a value of the enum, or NULL.
type NullBinding struct {
	Binding Binding
	Valid   bool
}

// Scan reads a value of the enum, or NULL.
func (ns *NullBinding) Scan(value any) error {
	if value == nil {
		ns.Binding, ns.Valid = "", false
		return nil
	}
	ns.Valid = true
	return ns.Binding.Scan(value)
}

// Value gives what PostgreSQL gets.
func (ns NullBinding) Value() (driver.Value, error) {
	if !ns.Valid {
		return nil, nil
	}
	return string(ns.Binding), nil
}

// Author is a row of authors.
type Author struct {
	ID   int64
	Name string
	Born sql.NullTime
}

// Book is a row of books.
type Book struct {
	ID       int64
	AuthorID int64
	Isbn     string
	Title    string
	Price    string
	Stock    int32
	Rating   sql.NullFloat64
	Binding  Binding
	Cover    []byte
	Added    time.Time
}
