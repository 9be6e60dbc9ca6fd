package conformance_test

import "testing"

// TestDomainsWrittenLikeFunctions casts texts to a domain over date in the two ways that look like a call and like a column.
func TestDomainsWrittenLikeFunctions(t *testing.T) {
	p := open(t, database(t, calendar))
	for _, query := range []string{"select due(w) from words", "select (w).due from words"} {
		t.Run(query, func(t *testing.T) {
			p.both(t, never, func(s *subject) { s.query(s.db, query) })
		})
	}
}
