package relay

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gopgcache/pgcache/internal/changefeed"
	"github.com/gopgcache/pgcache/internal/changefeed/server"
	"github.com/gopgcache/pgcache/internal/freshness"
)

// An old leader that goes on is not heard once a later one was, whatever it says; nor is one that claims to be of a time that
// has not come yet; nor one that follows another server.
func TestOldLeaderIsNotBelieved(t *testing.T) {
	dsn, c := database(t)
	transport := new(memory)
	var last []byte
	transport.meddle = func(b []byte) [][]byte {
		if one, err := decode(b); err == nil && one.generation != "" {
			last = b
		}
		return [][]byte{b}
	}
	all := fleet(t, dsn, 2, func() Transport { return transport })
	_, others := leaderOf(t, all)
	p := others[0]
	p.catchUp(t, c)
	var template batch
	transport.set(func(*memory) { template, _ = decode(last) })
	forged := freshness.Commit{XID: 3}
	for name, change := range map[string]func(*header){
		"an earlier term":            func(h *header) { h.term.Lead-- },
		"an earlier stream":          func(h *header) { h.term.Stream-- },
		"a term that can't be":       func(h *header) { h.term.Lead += 1 << 40 },
		"another server":             func(h *header) { h.server++ },
		"a batch that came before":   func(*header) {},
		"no generation, later, gone": func(h *header) { h.term.Lead += 1 << 40; h.generation = "" },
	} {
		h := template.header
		if name != "a batch that came before" {
			h.sequence += 1 << 20
		}
		change(&h)
		data, _ := encode(h, []message{{kind: kindCommit, position: h.position + 1, xid: forged.XID}, {kind: kindLose}}, 1<<16)
		transport.set(func(m *memory) {
			for _, s := range m.subscribers {
				s.give([][]byte{data})
			}
		})
		follows(t, p, c)
		p.look(func(s *state) {
			if len(s.losses) > 0 || slices.ContainsFunc(s.commits, func(c freshness.Commit) bool { return c.XID == forged.XID }) {
				t.Errorf("%s is believed: losses %q", name, s.losses)
			}
		})
	}
	// The same from a later one that can be is heard: the test could fail.
	h := template.header
	h.term.Stream++
	h.generation = ""
	data, _ := encode(h, nil, 1<<16)
	transport.set(func(m *memory) {
		for _, s := range m.subscribers {
			s.give([][]byte{data})
		}
	})
	p.until(t, "a later term is another stream", func(s *state) bool { return strings.Contains(strings.Join(s.losses, ""), errNewTerm.Error()) })
}

// Who joins late begins behind what it missed.
func TestLateJoiner(t *testing.T) {
	dsn, c := database(t)
	transport := new(memory)
	all := fleet(t, dsn, 1, func() Transport { return transport })
	exec(t, c, "insert into t values (1, 0)")
	all[0].catchUp(t, c)
	before := lsnOf(t, c)
	late := launch(t, dsn, transport)
	late.untilLive(t)
	table := []freshness.Tag{freshness.TableTag(get[uint32](t, c, "select 't'::regclass::oid"))}
	if late.tracker.Fresh(table, before-1) {
		t.Error("what was read before it joined is fresh")
	}
	follows(t, late, c)
	late.look(func(s *state) {
		if s.schema == 0 {
			t.Error("tables that came to be before it joined are taken for known")
		}
	})
}

// A batch that can be begun with names a position and a transaction that nothing is behind which was told before it: not
// what was sent, nor what was thrown away. And it claims no progress that the feed did not tell of.
func TestBeginningsCoverWhatWasTold(t *testing.T) {
	p := &publisher{
		sink: &process{tracker: freshness.NewTracker()}, interest: new(changefeed.Interest), limit: 1 << 16,
		resign: func(error) {}, due: make(chan struct{}, 1),
	}
	p.Start("1/2/3/4", 100, 10)
	next := func() batch {
		t.Helper()
		data, sent := p.next(true)
		b, err := decode(data)
		if err != nil {
			t.Fatal(err)
		}
		sent()
		return b
	}
	if b := next(); b.position != 100 || b.after != 10 || len(b.messages) != 0 {
		t.Errorf("the first is %+v", b)
	}
	p.Commit(freshness.Commit{Position: 200, XID: 500}, false)
	p.Commit(freshness.Commit{Position: 210, XID: 7}, false)
	if b := next(); b.position != 100 || b.after != 10 || len(b.messages) != 2 {
		t.Errorf("with commits in it: %+v", b)
	}
	if b := next(); b.position != 210 || b.after != 500 {
		t.Errorf("behind them: %+v", b)
	}
	p.Commit(freshness.Commit{Position: 220, XID: 600}, false)
	_, sent := p.next(true)
	p.Commit(freshness.Commit{Position: 225, XID: 605}, false)
	p.mu.Lock()
	p.drop()
	p.mu.Unlock()
	p.Commit(freshness.Commit{Position: 230, XID: 610}, false)
	sent()
	if b := next(); b.position < 225 || b.after < 605 || b.sequence != 5 || len(b.messages) != 1 {
		t.Errorf("behind what was thrown away: %+v", b)
	}
	if p.bytes != 0 || len(p.queue) != 0 {
		t.Errorf("%d bytes are left of nothing", p.bytes)
	}
}

// What a follower is told first may be old, as when its leader has been stopped for a while. It begins behind what was
// acknowledged when it joined all the same: own writes of before count as told from then on.
func TestBeginningIsOld(t *testing.T) {
	dsn, c := database(t)
	transport := new(memory)
	var old []byte
	transport.meddle = func(b []byte) [][]byte {
		if one, err := decode(b); err == nil && one.generation != "" && old == nil {
			old = b
		}
		return [][]byte{b}
	}
	fleet(t, dsn, 1, func() Transport { return transport })
	exec(t, c, "insert into t values (1, 0)")
	acknowledged := server.Common.Reachable(lsnOf(t, c))
	late := launch(t, dsn, prefixed{transport, func() (first []byte) {
		transport.set(func(*memory) { first = old })
		return first
	}})
	late.until(t, "a start", func(s *state) bool { return len(s.starts) > 0 })
	late.look(func(s *state) {
		var position uint64
		if _, err := fmt.Sscanf(strings.Fields(s.starts[0])[1], "%X", &position); err != nil || position < acknowledged {
			t.Errorf("begins at %X (%v), and %X was acknowledged before", position, err, acknowledged)
		}
	})
	late.until(t, "the gap", func(s *state) bool { return len(s.losses) > 0 && s.live })
	follows(t, late, c)
}

// prefixed is a transport that gives a batch of its own first.
type prefixed struct {
	Transport

	first func() []byte
}

func (p prefixed) Subscribe(ctx context.Context) (Subscription, error) {
	s, err := p.Transport.Subscribe(ctx)
	if err == nil {
		s.(*inbox).give([][]byte{p.first()})
	}
	return s, err
}
