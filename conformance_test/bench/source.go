package main

import (
	"fmt"

	"github.com/gopgcache/pgcache/driver"
)

// source is where all answers of a case are to come from. A case that got some of them elsewhere has measured something else, so
// that ends the run.
type source int

const (
	elsewhere source = iota // there is no cache, or it is off
	memory                  // hits
	shared                  // hits from what a fleet shares
	server                  // misses
)

// check tells whether the answers to so many queries came from the source.
func (s source) check(before, after driver.Stats, asked int64) error {
	hits, misses := after.Hits-before.Hits, after.Misses-before.Misses
	sharedHits, coalesced := after.SharedHits-before.SharedHits, after.Coalesced-before.Coalesced
	type counts [4]int64 // hits, of these shared, misses, coalesced
	want := map[source]counts{memory: {asked}, shared: {asked, asked}, server: {0, 0, asked}}[s]
	if got := (counts{hits, sharedHits, misses, coalesced}); got != want {
		return sourceError(fmt.Sprintf("of %d queries %d were hits, %d of them shared, %d misses, and %d shared a fill", asked,
			hits, sharedHits, misses, coalesced))
	}
	return nil
}

// sourceError says that answers came from somewhere else.
type sourceError string

func (e sourceError) Error() string { return string(e) }
