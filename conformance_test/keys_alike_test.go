package conformance_test

import (
	"database/sql/driver"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5/pgtype"
)

type (
	// masked hides its number from database/sql and shows it to pgx.
	masked struct{ n int }
	// fallback is a Valuer whose nil stands for a default that the program can change.
	fallback struct{}
)

var defaultWord string

func (masked) Value() (driver.Value, error)    { return "masked", nil }
func (*fallback) Value() (driver.Value, error) { return defaultWord, nil }
func (m masked) TextValue() (pgtype.Text, error) {
	return pgtype.Text{String: strconv.Itoa(m.n), Valid: true}, nil
}

// localInteger and localFloat give values of types that have the same name, and the same bits.
func localInteger() any { type number int64; return number(0x4000_0000_0000_0000) }
func localFloat() any   { type number float64; return number(2) }

// TestAlikeForDatabaseSQL sends values that pgx sees more of than database/sql's interfaces show.
func TestAlikeForDatabaseSQL(t *testing.T) {
	const query = "select $1::text from items"
	inEveryMode(t, shop, func(t *testing.T, p *pair) {
		t.Run("Valuer with a method of pgx's", func(t *testing.T) {
			p.both(t, whatever, func(s *subject) {
				s.query(s.db, query, masked{1})
				s.query(s.db, query, masked{2})
				s.query(s.db, query, "masked")
			})
		})
		t.Run("types of one name", func(t *testing.T) {
			p.both(t, whatever, func(s *subject) {
				s.query(s.db, query, localInteger())
				s.query(s.db, query, localFloat())
			})
		})
		t.Run("nil of a Valuer", func(t *testing.T) {
			p.both(t, whatever, func(s *subject) {
				for _, defaultWord = range []string{"a", "b"} {
					s.query(s.db, query, (*fallback)(nil))
				}
			})
		})
	})
}
