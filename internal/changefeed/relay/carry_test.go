package relay

import (
	"context"
	"sync/atomic"
	"testing"
	"time"
)

// Every transport carries a fleet whose leader is closed and whose next one loses its lock.
func TestEveryTransportCarries(t *testing.T) {
	for _, how := range everyTransport()[1:] { // the first is that of TestFleetDoesNotLie
		t.Run(how.Name, func(t *testing.T) {
			dsn, c := database(t)
			all := fleet(t, dsn, 3, how.Join(t, dsn))
			if n := get[int](t, c, slots); n != 1 {
				t.Errorf("there are %d slots", n)
			}
			w := newTruth(t, dsn, c)
			left := all
			w.run(all, 1500, func() {
				leads, others := leaderOf(t, left)
				leads.stop()
				left = others
				leaderOf(t, left)
			}, func() {
				exec(t, c, "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted and "+
					"database = (select oid from pg_database where datname = current_database())")
			})
		})
	}
}

// counting is a transport that counts what is published.
type counting struct {
	Transport

	batches *atomic.Int64
}

func (c counting) Publish(ctx context.Context, batch []byte) error {
	c.batches.Add(1)
	return c.Transport.Publish(ctx, batch)
}

// An idle fleet says no more than that its leader is there, though by NOTIFY each batch moves the server's position.
func TestIdleFleetIsQuiet(t *testing.T) {
	for _, how := range everyTransport() {
		if how.Name != "notify" && how.Name != "streams" {
			continue // the one that it is about, and one beside it
		}
		t.Run(how.Name, func(t *testing.T) {
			dsn, c := database(t)
			join, batches := how.Join(t, dsn), new(atomic.Int64)
			all := fleet(t, dsn, 2, func() Transport { return counting{join(), batches} })
			for _, p := range all {
				p.catchUp(t, c)
			}
			begun, from := time.Now(), batches.Load()
			for batches.Load() < from+8 { // two seconds of beats
				pause(t.Context(), time.Millisecond)
			}
			if took := time.Since(begun); took < 7*beatEvery/2 {
				t.Errorf("an idle fleet's leader has published eight batches in %v", took)
			}
		})
	}
}
