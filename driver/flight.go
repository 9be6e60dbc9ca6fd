package driver

import (
	"bytes"
	"context"
	"math"
	"sync"
	"time"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/internal/freshness"
)

// flight is the one fill that everybody who wants the same entry waits for.
type flight struct {
	flights   *flights
	key       cachestore.Key
	arguments material
	verdict   *verdict
	tags      []freshness.Tag
	position  uint64 // what the fill reads is at least this recent
	// passed is how far the feed was when the flight set out, where there is one.
	passed uint64

	// mark is the state of the tags in the shared ledger when the flight set out, where that judges.
	mark uint64
	// permit is the right to make the entry for the fleet; nil without one.
	permit *permit

	// out is when the query is sent, at the latest; it is late when another process was waited for. Guarded by flights.mu.
	out time.Time

	waiting int   // guarded by flights.mu
	fill    *fill // once it is under way; guarded by flights.mu

	// landed is closed when the outcome is known; the rest is set before that. It is made for the first who waits.
	landed  chan struct{}
	over    bool // guarded by flights.mu
	outcome outcome
	brought bool // the entry was made elsewhere
	// holds is the position up to which the entry has every commit in it that the feed has told of, where there is one.
	holds uint64
	entry *cachestore.Entry
	err   error

	// decided is closed when it is known whether the entry is kept, which is kept then; it is made for the first who asks.
	decided chan struct{}
	judged  bool              // guarded by flights.mu
	kept    *cachestore.Entry // nil when it is not
}

// outcome is what a flight means for those who wait for it.
type outcome int

const (
	served   outcome = iota // entry is the answer
	refused                 // err is PostgreSQL's answer to the statement, or the end of the waiter's own context
	tryAgain                // there is no answer: the next one tries
	goAlone                 // the answer can't be shared, or it takes too long: ask PostgreSQL
)

// flights are the fills under way: the latest for each key. One that was not good enough for who came later flies on for those who
// wait for it. The zero value is ready and safe for concurrent use.
type flights struct {
	mu    sync.Mutex
	byKey map[cachestore.Key]*flight
}

// join gives the flight for a request, and whether the caller is the first and has to fly it. A flight that set out before
// the latest change of its tables is not joined: who asks after a write must not get what was read before it.
func (fs *flights) join(r *request, ledger *freshness.Ledger) (f *flight, first bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f := fs.byKey[r.key]; f != nil && f.serves(r) && ledger.Fresh(f.tags, f.position) && r.unchangedSince(f) {
		if f.waiting++; f.landed == nil {
			f.landed = make(chan struct{})
			if f.fill != nil {
				go f.fill.run()
			}
		}
		return f, false
	}
	f = &flight{
		flights: fs, key: r.key, arguments: r.arguments, verdict: r.verdict,
		tags: r.verdict.tags, position: ledger.Position(), mark: r.mark,
	}
	if fw := r.verdict.follower; fw != nil {
		f.passed = fw.tracker.Position()
	}
	if fs.byKey == nil {
		fs.byKey = make(map[cachestore.Key]*flight)
	}
	fs.byKey[r.key] = f
	return f, true
}

// serves tells whether what the flight brings is for the request: it was made of the same material, under the same mark.
func (f *flight) serves(r *request) bool {
	return !r.wishes.refresh && f.mark == r.mark && bytes.Equal(f.arguments.bytes(), r.arguments.bytes()) &&
		f.verdict.statement.Text() == r.verdict.statement.Text()
}

// unchangedSince tells whether, as far as is known yet, a flight sees all that the feed had delivered when the request was made.
func (r *request) unchangedSince(f *flight) bool {
	fw := r.verdict.follower
	if fw == nil {
		return true
	}
	if r.verdict.strict && !r.confirmed || !fw.tracker.Unchanged(r.tags(), f.passed) {
		return false
	}
	if r.told == 0 {
		r.told = fw.tracker.Told()
	}
	return f.mayHold(r)
}

// mayHold tells whether the flight's snapshot, if it is there already, sees all that the feed had delivered when the request was
// made. The flight may have set out when a commit had been delivered that nobody could see yet. It spares a wait and no more: a fill
// that has ended may say too much here, so share looks at what it said before. The caller holds the lock.
func (f *flight) mayHold(r *request) bool {
	if f.fill == nil || f.fill.admission == nil {
		return true
	}
	reads := r.reads()
	holds, known := f.fill.admission.Holds(&reads)
	return !known || r.told <= holds
}

// fly says which fill flies the flight. From the first who waits on it runs by itself.
func (f *flight) fly(with *fill) {
	f.flights.mu.Lock()
	defer f.flights.mu.Unlock()
	f.fill = with
	if f.landed != nil {
		go with.run()
	}
}

// busy tells whether a flight for the key is under way.
func (fs *flights) busy(key cachestore.Key) bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return fs.byKey[key] != nil
}

// land makes the outcome known. Only the first call counts.
func (f *flight) land(o outcome, entry *cachestore.Entry, err error) {
	f.flights.mu.Lock()
	defer f.flights.mu.Unlock()
	f.unlist()
	if f.over {
		return
	}
	f.over, f.outcome, f.entry, f.err = true, o, entry, err
	if f.landed != nil {
		close(f.landed)
	}
}

// isOver tells whether the outcome is known.
func (f *flight) isOver() bool {
	f.flights.mu.Lock()
	defer f.flights.mu.Unlock()
	return f.over
}

// landing gives what is closed when the outcome is known. A goroutine has to take the fill's steps: nobody starts one any more.
func (f *flight) landing() <-chan struct{} {
	f.flights.mu.Lock()
	defer f.flights.mu.Unlock()
	if f.landed == nil {
		f.landed = make(chan struct{})
		if f.over {
			close(f.landed)
		}
	}
	return f.landed
}

// bring ends the flight with an entry that was made elsewhere.
func (f *flight) bring(entry *cachestore.Entry) {
	f.brought, f.holds = true, math.MaxUint64 // it was fresh after the flight had set out
	f.land(served, entry, nil)
	f.decide(entry)
}

// giveUp ends the flight without an outcome.
func (f *flight) giveUp() {
	f.land(tryAgain, nil, nil)
	f.decide(nil)
}

// unlist takes the flight off the list, so that nobody joins any more. The caller holds the lock.
func (f *flight) unlist() {
	if f.flights.byKey[f.key] == f {
		delete(f.flights.byKey, f.key)
	}
}

// close takes the flight off the list, so that nobody joins any more, and tells how many wait for it.
func (f *flight) close() int {
	f.flights.mu.Lock()
	defer f.flights.mu.Unlock()
	f.unlist()
	return f.waiting
}

// abandon is called when the one who flies it gives up. It reports whether nobody else wants the result; then nobody can
// join any more.
func (f *flight) abandon() bool {
	f.flights.mu.Lock()
	defer f.flights.mu.Unlock()
	if f.waiting > 0 && !f.over {
		return false
	}
	f.unlist()
	return true
}

// setOut notes when the query is sent.
func (f *flight) setOut(at time.Time) {
	f.flights.mu.Lock()
	defer f.flights.mu.Unlock()
	f.out = at
}

// extension is how much longer somebody waits who has waited for longest: those who wait for a flight that waited for another
// process in vain wait as long for its query. If all of them went alone at this moment, the fleet's failure would be
// PostgreSQL's.
func (f *flight) extension(longest time.Duration) time.Duration {
	f.flights.mu.Lock()
	defer f.flights.mu.Unlock()
	return time.Until(f.out.Add(longest))
}

// wait waits for the outcome, as long as the caller may and wants to. A caller whose context ends gets its error.
func (f *flight) wait(ctx context.Context, longest time.Duration) (*cachestore.Entry, outcome, error) {
	defer func() {
		f.flights.mu.Lock()
		f.waiting--
		f.flights.mu.Unlock()
	}()
	timer := time.NewTimer(longest)
	defer timer.Stop()
	for {
		select {
		case <-f.landed:
			return f.entry, f.outcome, f.err
		case <-ctx.Done():
			return nil, refused, ctx.Err()
		case <-timer.C:
		}
		more := f.extension(longest)
		if more <= 0 {
			return nil, goAlone, nil
		}
		timer.Reset(more)
	}
}

// decide tells what has become of the entry: it is kept, or nil is. Whoever is the first to join a flight sees to it that it lands,
// and that this is called, once.
func (f *flight) decide(kept *cachestore.Entry) {
	if kept != nil {
		f.permit.keep(kept)
	} else {
		f.permit.drop()
	}
	f.flights.mu.Lock()
	defer f.flights.mu.Unlock()
	f.judged, f.kept = true, kept
	if f.decided != nil {
		close(f.decided)
	}
}

// decision waits until it is known whether the entry is kept, and gives it if so.
func (f *flight) decision(ctx context.Context) (*cachestore.Entry, error) {
	f.flights.mu.Lock()
	if f.judged {
		f.flights.mu.Unlock()
		return f.kept, nil
	}
	if f.decided == nil {
		f.decided = make(chan struct{})
	}
	f.flights.mu.Unlock()
	select {
	case <-f.decided:
		return f.kept, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
