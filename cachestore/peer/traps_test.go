package peer

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang/groupcache"
)

// The tests of this file are the traps of groupcache, one each.

// gate is a Fill that waits to be let through.
type gate struct {
	entered chan string
	open    chan struct{}
	fills   atomic.Int64
}

func newGate() *gate { return &gate{entered: make(chan string, 1000), open: make(chan struct{})} }

func (g *gate) fill(ctx context.Context, request []byte) (Filled, error) {
	g.fills.Add(1)
	g.entered <- string(request)
	select {
	case <-g.open:
		return Filled{Bytes: []byte("through"), Keep: true}, nil
	case <-ctx.Done():
		return Filled{}, ctx.Err()
	}
}

// TestSameGroupOpensAgain: a second group of the same name panics in groupcache. What was kept before must not be found again:
// who opens the group again may count versions anew.
func TestSameGroupOpensAgain(t *testing.T) {
	s := sites(t, 1)[0]
	_ = s.config.listener.Close()
	s.config.listener, s.config.Listen = nil, "127.0.0.1:0"
	for i := range int64(5) {
		f := s.open(t)
		for range 2 {
			if _, err := f.Own(t.Context(), Call{Key: "key"}); err != nil || s.fills.Load() != i+1 {
				t.Fatalf("opening %d: %d fills, %v", i, s.fills.Load(), err)
			}
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestGroupsAreUsedAgain: groups can't be removed, so opening and closing must not make ever new ones.
func TestGroupsAreUsedAgain(t *testing.T) {
	cycle := func() int {
		s := sites(t, 1)[0]
		s.config.CacheBytes = 12345
		f, err := Open(s.config)
		if err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
		slots.mu.Lock()
		defer slots.mu.Unlock()
		return len(slots.byName)
	}
	first := cycle()
	for range 10 {
		if n := cycle(); n != first {
			t.Fatalf("%d groups, first %d", n, first)
		}
	}
}

// TestRingChangesAfterTheFirstGet: groupcache asks for the picker once, at a group's first Get.
func TestRingChangesAfterTheFirstGet(t *testing.T) {
	fs, ss := fleets(t, 3, nil)
	first := keyOf(t, fs[1])
	_, _ = fs[0].Fetch(t.Context(), Call{Key: first})
	all := fs[0].Peers()
	for _, f := range fs {
		f.setRing([]string{ss[0].config.Self, ss[2].config.Self})
	}
	for _, key := range keysOf(t, fs[2], 10) {
		if key == first {
			continue // groupcache keeps one in ten of the answers of others
		}
		answer, err := fs[0].Fetch(t.Context(), Call{Key: key})
		if err != nil || !strings.HasPrefix(string(answer.Bytes), ss[2].config.Self) {
			t.Fatalf("got %q, %v", answer.Bytes, err)
		}
	}
	fs[0].setRing(all)
	if got := strings.Join(fs[0].Peers(), ","); got != strings.Join(all, ",") {
		t.Errorf("the ring is %s", got)
	}
}

// TestDifferentRingsDontDeadlock: each of two processes takes the other for the owner. groupcache would have them wait for each
// other for ever.
func TestDifferentRingsDontDeadlock(t *testing.T) {
	fs, ss := fleets(t, 2, nil)
	fs[0].setRing([]string{ss[1].config.Self})
	fs[1].setRing([]string{ss[0].config.Self})
	var wg sync.WaitGroup
	for _, f := range fs {
		for range 20 {
			wg.Go(func() {
				_, err := f.Fetch(t.Context(), Call{Key: "one for both"})
				if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "not the owner") {
					t.Errorf("got %v", err)
				}
			})
		}
	}
	wg.Wait()
	for i, f := range fs {
		if s := f.Stats(); s.Refused.NotOwner == 0 || s.RingsDiffer != s.Refused.NotOwner || ss[i].fills.Load() != 0 || s.Resting != 0 {
			t.Errorf("%+v", s)
		}
	}
}

// TestOwnNeverAsksAPeer: what a process makes itself it makes itself, whoever the owner is.
func TestOwnNeverAsksAPeer(t *testing.T) {
	fs, ss := fleets(t, 2, nil)
	answer, err := fs[0].Own(t.Context(), Call{Key: keyOf(t, fs[1])})
	if err != nil || string(answer.Bytes) != ss[0].config.Self+" " {
		t.Errorf("got %q, %v", answer.Bytes, err)
	}
}

// TestPanicEndsOneFlight: a getter's panic poisons its key in groupcache for ever, and so does runtime.Goexit.
func TestPanicEndsOneFlight(t *testing.T) {
	for name, disaster := range map[string]func(){
		"panic": func() { panic("on purpose") }, "exit": runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			var struck atomic.Bool
			fs, _ := fleets(t, 2, func(_ int, c *Config) {
				c.Fill = func(context.Context, []byte) (Filled, error) {
					if !struck.Swap(true) {
						disaster()
					}
					return Filled{Bytes: []byte("fine")}, nil
				}
			})
			key := keyOf(t, fs[0])
			if _, err := fs[1].Fetch(t.Context(), Call{Key: key}); !errors.Is(err, ErrUnavailable) {
				t.Errorf("got %v", err)
			}
			for _, ask := range []func(context.Context, Call) (Answer, error){fs[1].Fetch, fs[0].Own} {
				if answer, err := ask(t.Context(), Call{Key: key}); err != nil || string(answer.Bytes) != "fine" {
					t.Errorf("afterwards: %q, %v", answer.Bytes, err)
				}
			}
			if s := fs[0].Stats(); s.Refused.Failed != 1 {
				t.Errorf("%+v", s)
			}
		})
	}
}

// TestWaiterLeavesAndOthersStay: in groupcache a waiter can't leave, and a leader that leaves fails everybody.
func TestWaiterLeavesAndOthersStay(t *testing.T) {
	g := newGate()
	fs, _ := fleets(t, 2, func(_ int, c *Config) { c.Fill = g.fill })
	call := Call{Key: keyOf(t, fs[0])}
	leading, leave := context.WithCancel(t.Context())
	left, stayed := make(chan error, 1), make(chan error, 1)
	go func() { _, err := fs[1].Fetch(leading, call); left <- err }()
	<-g.entered
	go func() {
		answer, err := fs[1].Fetch(t.Context(), call)
		if string(answer.Bytes) != "through" {
			t.Errorf("got %q", answer.Bytes)
		}
		stayed <- err
	}()
	for i, ask := range []func(context.Context, Call) (Answer, error){fs[1].Fetch, fs[0].Own} {
		waiting, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		if _, err := ask(waiting, call); err != context.DeadlineExceeded {
			t.Errorf("waiter %d got %v", i, err)
		}
		cancel()
	}
	leave()
	if err := <-left; err != context.Canceled {
		t.Errorf("the leader got %v", err)
	}
	close(g.open)
	if err := <-stayed; err != nil {
		t.Errorf("who stayed got %v", err)
	}
	if g.fills.Load() != 1 {
		t.Errorf("%d fills", g.fills.Load())
	}
}

// TestFailedFillIsNotRunHere: groupcache swallows a peer's error and calls the local getter, so the database would work twice.
// What the owner's error says stays there.
func TestFailedFillIsNotRunHere(t *testing.T) {
	var fills [2]atomic.Int64
	reason := errors.New("permission denied for table salaries")
	fs, ss := fleets(t, 2, func(i int, c *Config) {
		c.Fill = func(context.Context, []byte) (Filled, error) { fills[i].Add(1); return Filled{}, reason }
	})
	key := keyOf(t, fs[0])
	_, err := fs[1].Fetch(t.Context(), Call{Key: key})
	if !errors.Is(err, ErrUnavailable) || strings.Contains(err.Error(), "salaries") {
		t.Errorf("got %v", err)
	}
	if fills[0].Load() != 1 || fills[1].Load() != 0 {
		t.Errorf("%d fills at the owner, %d at the asker", fills[0].Load(), fills[1].Load())
	}
	if raw := ss[1].exchange(t, ss[0].config.Self, fs[1], key); strings.Contains(raw, "salaries") {
		t.Errorf("on the wire: %q", raw)
	}
	if _, err := fs[0].Own(t.Context(), Call{Key: key}); !errors.Is(err, reason) {
		t.Errorf("the owner itself got %v", err)
	}
}

func TestRefusedIsCountedApart(t *testing.T) {
	fs, _ := fleets(t, 2, func(_ int, c *Config) {
		c.Fill = func(context.Context, []byte) (Filled, error) { return Filled{}, ErrRefused }
	})
	if _, err := fs[1].Fetch(t.Context(), Call{Key: keyOf(t, fs[0])}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if s := fs[0].Stats(); s.Refused.ByFill != 1 || s.Refused.Failed != 0 {
		t.Errorf("%+v", s)
	}
}

// TestNotKeptIsNeverCached: groupcache caches whatever a getter gives, and a tenth of what peers give.
func TestNotKeptIsNeverCached(t *testing.T) {
	const times = 60
	g := newGate()
	fs, _ := fleets(t, 2, func(_ int, c *Config) {
		c.Fill = func(ctx context.Context, request []byte) (Filled, error) {
			filled, err := g.fill(ctx, request)
			filled.Keep = false
			return filled, err
		}
	})
	left := fs[0].Stats().Entries + fs[1].Stats().Entries // by other tests
	call := Call{Key: keyOf(t, fs[0])}
	var wg sync.WaitGroup
	for range 20 { // who waits for the flight gets it
		wg.Go(func() {
			if answer, err := fs[1].Fetch(t.Context(), call); err != nil || string(answer.Bytes) != "through" {
				t.Errorf("got %q, %v", answer.Bytes, err)
			}
		})
	}
	<-g.entered
	close(g.open)
	wg.Wait()
	before := g.fills.Load()
	for range times {
		if _, err := fs[1].Fetch(t.Context(), call); err != nil {
			t.Fatal(err)
		}
	}
	if n := g.fills.Load() - before; n != times {
		t.Errorf("%d fills for %d calls", n, times)
	}
	if n := fs[0].Stats().Entries + fs[1].Stats().Entries - left; n != 0 {
		t.Errorf("%d are kept", n)
	}
}

// TestAnswersTellTheirAge: groupcache knows no age, and keeps for ever. What rests at the owner and what rests here must both
// count.
func TestAnswersTellTheirAge(t *testing.T) {
	fs, _ := fleets(t, 2, nil)
	keys := keysOf(t, fs[0], 60) // of which about six come to be kept at the asker
	made := make([]time.Time, len(keys))
	for i, key := range keys {
		if _, err := fs[0].Own(t.Context(), Call{Key: key}); err != nil {
			t.Fatal(err)
		}
		made[i] = time.Now()
	}
	for range 3 {
		for i, key := range keys {
			asked := time.Now()
			answer, err := fs[1].Fetch(t.Context(), Call{Key: key})
			if err != nil {
				t.Fatal(err)
			}
			if least := asked.Sub(made[i]); answer.Rested < least {
				t.Fatalf("an answer that is older than %v says %v", least, answer.Rested)
			}
			if most := time.Since(made[0]) + time.Second; answer.Rested > most {
				t.Fatalf("an answer says %v, after %v", answer.Rested, most)
			}
		}
	}
	if fs[1].Stats().Hits == 0 {
		t.Error("nothing came from the asker's cache: nothing shown")
	}
}

// TestFillKnowsBetter: an answer may have rested before Fill returned it.
func TestFillKnowsBetter(t *testing.T) {
	fs, _ := fleets(t, 2, func(_ int, c *Config) {
		c.Fill = func(context.Context, []byte) (Filled, error) {
			return Filled{At: time.Now().Add(-time.Hour), Keep: true}, nil
		}
	})
	call := Call{Key: keyOf(t, fs[0])}
	for _, ask := range []func(context.Context, Call) (Answer, error){fs[1].Fetch, fs[0].Own} {
		if answer, err := ask(t.Context(), call); err != nil || answer.Rested < time.Hour || answer.Rested > time.Hour+time.Minute {
			t.Errorf("rested %v, %v", answer.Rested, err)
		}
	}
}

// TestTheMakingIsNoAge: an answer that took long to make is as young as one that didn't.
func TestTheMakingIsNoAge(t *testing.T) {
	g := newGate()
	fs, _ := fleets(t, 2, func(_ int, c *Config) { c.Fill = g.fill })
	const made = 300 * time.Millisecond
	go func() {
		<-g.entered
		time.AfterFunc(made, func() { close(g.open) })
	}()
	answer, err := fs[1].Fetch(t.Context(), Call{Key: keyOf(t, fs[0])})
	if err != nil || answer.Rested > made*2/3 {
		t.Errorf("rested %v, %v", answer.Rested, err)
	}
}

// TestDefaultMuxIsLeftAlone: HTTPPool mounts itself there, unauthenticated.
func TestDefaultMuxIsLeftAlone(t *testing.T) {
	fleets(t, 1, nil)
	for _, path := range []string{"/_groupcache/", root, pathFetch} {
		r, _ := http.NewRequest(http.MethodGet, "http://localhost"+path, nil)
		if _, pattern := http.DefaultServeMux.Handler(r); pattern != "" {
			t.Errorf("%s is served by %s", path, pattern)
		}
	}
}

// TestForeignGroupsHaveNoPeers: what else in the program uses groupcache without peers goes on to do so.
func TestForeignGroupsHaveNoPeers(t *testing.T) {
	fleets(t, 2, nil)
	group := groupcache.NewGroup("somebody else's since "+time.Now().String(), 1<<10, groupcache.GetterFunc(
		func(_ context.Context, key string, dest groupcache.Sink) error { return dest.SetString(key) }))
	for _, key := range []string{"f", "n", "key"} {
		var got string
		if err := group.Get(t.Context(), key, groupcache.StringSink(&got)); err != nil || got != key {
			t.Errorf("got %q, %v", got, err)
		}
	}
}

// TestPatienceEndsAFill: a fill that takes too long fails for those who wait, whose own contexts are fine.
func TestPatienceEndsAFill(t *testing.T) {
	g := newGate()
	fs, _ := fleets(t, 2, func(_ int, c *Config) { c.Fill = g.fill })
	call := Call{Key: keyOf(t, fs[0]), Patience: 20 * time.Millisecond}
	for _, ask := range []func(context.Context, Call) (Answer, error){fs[1].Fetch, fs[0].Own} {
		if _, err := ask(t.Context(), call); !errors.Is(err, ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	}
	if s := fs[1].Stats(); s.Resting != 0 {
		t.Error("the peer is taken for dead")
	}
}

// TestCloseEndsEverything closes the owner in the middle of a fill.
func TestCloseEndsEverything(t *testing.T) {
	g := newGate()
	fs, _ := fleets(t, 2, func(_ int, c *Config) { c.Fill = g.fill })
	call := Call{Key: keyOf(t, fs[0])}
	failed := make(chan error, 2)
	go func() { _, err := fs[1].Fetch(t.Context(), call); failed <- err }()
	<-g.entered
	go func() { _, err := fs[0].Own(t.Context(), call); failed <- err }()
	if err := fs[0].Close(); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := <-failed; !errors.Is(err, ErrUnavailable) {
			t.Errorf("got %v", err)
		}
	}
	if _, err := fs[0].Own(t.Context(), call); !errors.Is(err, ErrUnavailable) {
		t.Errorf("after Close: %v", err)
	}
	if err := fs[0].Close(); err != nil {
		t.Error(err)
	}
}
