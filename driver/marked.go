package driver

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/internal/freshness"
)

// Where a fleet shares a store and no feed tells of changes, the store keeps the ledger: every process writes there before and
// after it writes to PostgreSQL, and every hit is held against it. A process that can't reach it asks PostgreSQL.

// errOwed means that what this process has written is not in the shared ledger yet.
var errOwed = errors.New("pgcache: own writes are not in the shared ledger yet")

// look gets the mark of a request's tags and, if it is wanted, the entry, in one round trip. After an error nothing can be
// said of any entry.
func (s *shared) look(ctx context.Context, r *request, wanted bool) (*cachestore.Entry, error) {
	if !wanted {
		return nil, s.readMark(ctx, r)
	}
	if s.owed.any(r.tags()) {
		s.cache.stats.storeErrors.Add(1)
		return nil, errOwed
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	entry, mark, quiet, err := s.store.GetMarked(ctx, r.commonKey(), r.tags())
	return entry, s.note(r, mark, quiet, err)
}

// readMark gets the mark of a request's tags.
func (s *shared) readMark(ctx context.Context, r *request) error {
	if s.owed.any(r.tags()) {
		s.cache.stats.storeErrors.Add(1)
		return errOwed
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	mark, quiet, err := s.store.Read(ctx, r.tags())
	return s.note(r, mark, quiet, err)
}

func (s *shared) note(r *request, mark uint64, quiet bool, err error) error {
	s.count(err)
	r.mark, r.quiet = mark, quiet
	if err == nil && !quiet {
		s.owed.bury(s, r.tags())
	}
	return err
}

// publication is what a write has told the shared ledger, and has to take back.
type publication struct {
	writer string
	tags   []freshness.Tag
	all    bool
}

// publish tells the fleet of a write that is about to be sent. If that fails the write goes on all the same, and the fleet is
// told as soon as can be.
func (s *shared) publish(ctx context.Context, p *publication, pid uint32, tags []freshness.Tag, all bool) {
	if s == nil || !s.publishes {
		return
	}
	tags = slices.DeleteFunc(slices.Clone(tags), func(tag freshness.Tag) bool { return slices.Contains(p.tags, tag) })
	if p.all || len(tags) == 0 && !all {
		return
	}
	if p.writer == "" {
		p.writer = writerName(pid)
	}
	p.tags, p.all = append(p.tags, tags...), p.all || all
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.timeout)
	defer cancel()
	s.count(s.store.Begin(ctx, p.writer, tags, all))
}

// republish tells the fleet of a write once more that goes on: part of it may have become visible.
func (s *shared) republish(ctx context.Context, p *publication) {
	if s == nil || p.writer == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.timeout)
	defer cancel()
	err := s.store.Begin(ctx, p.writer, p.tags, p.all)
	if s.count(err); err == nil {
		return
	}
	// The ledger doesn't know that what was read before is old; this process does.
	if p.all {
		s.cache.cutoffs.addAll()
	} else {
		s.cache.cutoffs.add(p.tags)
	}
}

// conclude tells the fleet that a write has ended.
func (s *shared) conclude(p *publication) {
	if s == nil || p.writer == "" {
		return
	}
	ended := *p
	*p = publication{}
	ctx, cancel := context.WithTimeout(context.Background(), s.timeout)
	defer cancel()
	if err := s.store.End(ctx, ended.writer, ended.tags, ended.all); err != nil {
		s.count(err)
		s.owed.add(s, ended)
	}
}

// serverPID is the number of the session's server process; 0 when it is not known, as behind a pooler.
func (c *Conn) serverPID() uint32 {
	conn := c.inner.dialled()
	if conn == nil || c.pooled {
		return 0
	}
	return conn.PgConn().PID()
}

// writerName names a write by the server process that does it, so that others can find out whether it is still at it.
func writerName(pid uint32) string { return strconv.FormatUint(uint64(pid), 10) + "." + rand.Text() }

// owed are writes that the shared ledger has not been told the end of. Until it has, this process doesn't use it for their
// tags.
type owed struct {
	mu     sync.Mutex
	list   map[string]publication
	busy   bool // somebody is at it
	buries bool
}

// any tells whether something is owed for one of the tags.
func (o *owed) any(tags []freshness.Tag) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, p := range o.list {
		if p.all || slices.ContainsFunc(tags, func(t freshness.Tag) bool { return slices.Contains(p.tags, t) }) {
			return true
		}
	}
	return false
}

// add notes what is owed and sees to it that it is paid.
func (o *owed) add(s *shared, p publication) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.list == nil {
		o.list = make(map[string]publication)
	}
	o.list[p.writer] = p
	if !o.busy {
		o.busy = s.cache.background.run(func(ctx context.Context) { o.pay(ctx, s) })
	}
}

// owedPause is the time between two tries.
const owedPause = 200 * time.Millisecond

// pay goes on until nothing is owed.
func (o *owed) pay(ctx context.Context, s *shared) {
	for {
		o.mu.Lock()
		list := maps.Clone(o.list)
		if len(list) == 0 {
			o.busy = false
			o.mu.Unlock()
			return
		}
		o.mu.Unlock()
		for _, p := range list {
			bounded, cancel := context.WithTimeout(ctx, s.timeout)
			if s.store.End(bounded, p.writer, p.tags, p.all) == nil {
				o.mu.Lock()
				delete(o.list, p.writer)
				o.mu.Unlock()
			}
			cancel()
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(owedPause):
		}
	}
}

// bury ends, in the background, the writes to the tags whose server process is gone: whoever was to end them has died.
func (o *owed) bury(s *shared, tags []freshness.Tag) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.buries {
		return
	}
	tags = slices.Clone(tags)
	o.buries = s.cache.background.run(func(ctx context.Context) {
		defer func() {
			o.mu.Lock()
			o.buries = false
			o.mu.Unlock()
		}()
		s.buryAll(ctx, tags)
		pause(ctx)
	})
}

func (s *shared) buryAll(ctx context.Context, tags []freshness.Tag) {
	writers, err := s.store.Writers(ctx, tags)
	if err != nil {
		return
	}
	for _, writer := range writers {
		number, _, _ := strings.Cut(writer, ".")
		pid, err := strconv.ParseUint(number, 10, 32)
		if err != nil || pid == 0 {
			continue // behind a pooler that hides it
		}
		if gone, err := s.cache.gone(ctx, uint32(pid)); err != nil || !gone {
			continue
		}
		if s.store.End(ctx, writer, tags, true) == nil {
			s.cache.logger.WarnContext(ctx, "pgcache: a write ended whose process has died", "writer", writer)
		}
	}
}
