package peer

import (
	"errors"
	"sync/atomic"

	"github.com/golang/groupcache"
	"github.com/sony/gobreaker/v2"
)

// Stats is what a Fleet has done since it was opened, and what it holds now.
type Stats struct {
	Peers   int // of the fleet, this process included
	Resting int // that failed and are being left alone

	Fetched  int64 // calls of Fetch that got an answer
	Failures int64 // calls of Fetch that got none
	Served   int64 // requests of peers that got an answer
	Fills    int64 // calls of Fill
	Hits     int64 // flights that ended in the cache here, for callers here and for peers
	Forged   int64 // replies of peers that were not authentic

	// RingsDiffer counts the requests from processes with another ring: many while the ring changes, and later on none.
	RingsDiffer int64
	Refused     Refused

	Entries int64 // answers kept, with what Fleets that were closed have left
	Bytes   int64 // of them and their keys
}

// Refused counts the requests that were refused here, by reason. The first seven are those of everybody who shares the address,
// and Malformed too; the others are the group's own.
type Refused struct {
	Unauthenticated int64 // no secret or another one, another path or addressee than was signed, no certificate of the authority
	OutOfTime       int64 // made too long ago, or in the future: a clock is wrong, or somebody repeats what was sent before
	Replayed        int64 // taken once already
	Altered         int64 // with another body than was signed
	Oversized       int64 // with a body that is too large, or of unknown size
	BadVersion      int64 // of another version of the protocol
	Malformed       int64 // authentic, but not understood
	NoGroup         int64 // for a group that nobody serves here

	NotOwner int64 // for a key that this process doesn't own
	ByFill   int64 // that Fill returned ErrRefused for
	Failed   int64 // that Fill returned another error for, or panicked
	TooLarge int64 // with an answer that is too large for the wire
}

// counters are those of one Fleet.
type counters struct {
	fetched, failures, served, fills, hits, forgeries, ringsDiffer atomic.Int64
	notOwner, byFill, failed, tooLarge                             atomic.Int64
}

// forged counts err if it is about a reply that is not authentic.
func (c *counters) forged(err error) error {
	if errors.Is(err, errForged) {
		c.forgeries.Add(1)
	}
	return err
}

// guardCounters are those of an endpoint, which doesn't know whose the requests would have been.
type guardCounters struct {
	unauthenticated, outOfTime, replayed, altered, oversized, badVersion, malformed, noGroup atomic.Int64
}

// Stats tells what the Fleet has done and holds.
func (f *Fleet) Stats() Stats {
	r, c, g := f.ring.Load(), &f.stats, &f.endpoint.refused
	s := Stats{
		Peers: len(r.urls), Fetched: c.fetched.Load(), Failures: c.failures.Load(), Served: c.served.Load(),
		Fills: c.fills.Load(), Hits: c.hits.Load(), Forged: c.forgeries.Load(), RingsDiffer: c.ringsDiffer.Load(),
		Refused: Refused{
			Unauthenticated: g.unauthenticated.Load(), OutOfTime: g.outOfTime.Load(), Replayed: g.replayed.Load(),
			Altered: g.altered.Load(), Oversized: g.oversized.Load(), BadVersion: g.badVersion.Load(),
			Malformed: g.malformed.Load(), NoGroup: g.noGroup.Load(),
			NotOwner: c.notOwner.Load(), ByFill: c.byFill.Load(), Failed: c.failed.Load(), TooLarge: c.tooLarge.Load(),
		},
	}
	for _, p := range r.peers {
		if p.breaker.State() != gobreaker.StateClosed {
			s.Resting++
		}
	}
	for _, which := range []groupcache.CacheType{groupcache.MainCache, groupcache.HotCache} {
		kept := f.slot.group.CacheStats(which)
		s.Entries += kept.Items
		s.Bytes += kept.Bytes
	}
	return s
}
