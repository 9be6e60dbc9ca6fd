package redis

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gopgcache/pgcache/cachestore"
)

func takeLease(t testing.TB, s *Store, key cachestore.Key) cachestore.Lease {
	t.Helper()
	l, err := s.Lease(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// waiting begins to wait and returns once Redis is sure to tell.
func waiting(t testing.TB, s *Store, l cachestore.Lease) <-chan error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- l.Wait(context.Background()) }()
	channel := l.(*lease).names.channel
	eventually(t, "listening", func() bool {
		s.waker.mu.Lock()
		defer s.waker.mu.Unlock()
		b := s.waker.bells[channel]
		if b == nil {
			return false
		}
		select {
		case <-b.heard:
			return true
		default:
			return false
		}
	})
	return done
}

func wantWoken(t testing.TB, done <-chan error, within time.Duration) {
	t.Helper()
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(within):
		t.Fatalf("not woken within %v", within)
	}
}

// quick is well below the time after which a lease is looked at: who is woken that fast was told.
const quick = leaseLasts / 2

func TestLeaseIsHeldByOne(t *testing.T) {
	url := sharedRedis(t).URL()
	a, b := open(t, Config{URL: url}), open(t, Config{URL: url})
	held := takeLease(t, a, keyOf(1))
	defer held.Release()
	for _, s := range []*Store{a, b} {
		if takeLease(t, s, keyOf(1)).Mine() {
			t.Error("a second one got the lease")
		}
	}
	elsewhere := open(t, Config{URL: url, Scope: "another database"})
	for name, l := range map[string]cachestore.Lease{
		"first": held, "other key": takeLease(t, b, keyOf(2)), "other scope": takeLease(t, elsewhere, keyOf(1)),
	} {
		if !l.Mine() {
			t.Errorf("%s: not given", name)
		}
		defer l.Release()
	}
}

func TestWaitersAreWoken(t *testing.T) {
	url := sharedRedis(t).URL()
	for name, end := range map[string]func(*testing.T, cachestore.Lease){
		"by a put":     func(t *testing.T, l cachestore.Lease) { mustPut(t, l, "made") },
		"by a release": func(_ *testing.T, l cachestore.Lease) { l.Release() },
	} {
		t.Run(name, func(t *testing.T) {
			a, b := open(t, Config{URL: url}), open(t, Config{URL: url})
			held := takeLease(t, a, keyOf(1))
			var done []<-chan error
			for range 3 {
				done = append(done, waiting(t, a, takeLease(t, a, keyOf(1))), waiting(t, b, takeLease(t, b, keyOf(1))))
			}
			end(t, held)
			for _, d := range done {
				wantWoken(t, d, quick)
			}
			held.Release()
			next := takeLease(t, b, keyOf(1))
			if !next.Mine() {
				t.Error("nobody can have the lease")
			}
			next.Release()
		})
	}
}

func mustPut(t testing.TB, l cachestore.Lease, text string) {
	t.Helper()
	if err := l.Put(t.Context(), entryOf(text)); err != nil {
		t.Fatal(err)
	}
}

// What ends before anybody listens is noticed by the first look.
func TestWaitForLeaseThatHasEnded(t *testing.T) {
	s := open(t, Config{URL: sharedRedis(t).URL()})
	held := takeLease(t, s, keyOf(1))
	l := takeLease(t, s, keyOf(1))
	mustPut(t, held, "made")
	done := make(chan error, 1)
	go func() { done <- l.Wait(context.Background()) }()
	wantWoken(t, done, quick)
	want(t, s, keyOf(1), "made")
}

func TestWaitEndsWithContextAndStore(t *testing.T) {
	url := sharedRedis(t).URL()
	holder, s := open(t, Config{URL: url}), open(t, Config{URL: url})
	held := takeLease(t, holder, keyOf(1))
	defer held.Release()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := takeLease(t, s, keyOf(1)).Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	done := waiting(t, s, takeLease(t, s, keyOf(1)))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, ErrUnavailable) {
		t.Errorf("error %v", err)
	}
}

// A lease lasts for as long as its holder lives, and not much longer.
func TestLeaseIsKeptUp(t *testing.T) {
	server := sharedRedis(t)
	s, redis := open(t, Config{URL: server.URL()}), raw(t, server.URL())
	l := takeLease(t, s, keyOf(1))
	at := s.names.entry(keyOf(1)).lease
	for range 2 {
		if err := redis.PExpire(t.Context(), at, leaseLasts-renewEvery/2).Err(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "renewed", func() bool { return redis.PTTL(t.Context(), at).Val() > leaseLasts-renewEvery/2 })
	}
	l.Release()
	if redis.Exists(t.Context(), at).Val() != 0 {
		t.Error("it wasn't released")
	}
	s.keeper.running.Wait() // with nothing to keep up, nothing runs
}

// Who has lost the lease can't put, nor take it from its new holder.
func TestLateHolderIsFencedOff(t *testing.T) {
	server := sharedRedis(t)
	a, b, redis := open(t, Config{URL: server.URL()}), open(t, Config{URL: server.URL()}), raw(t, server.URL())
	late := takeLease(t, a, keyOf(1))
	if err := redis.Del(t.Context(), a.names.entry(keyOf(1)).lease).Err(); err != nil { // as if it had run out
		t.Fatal(err)
	}
	next := takeLease(t, b, keyOf(1))
	if !next.Mine() {
		t.Fatal("nobody can have the lease")
	}
	mustPut(t, late, "late")
	want(t, a, keyOf(1), "")
	late.Release()
	if takeLease(t, a, keyOf(1)).Mine() {
		t.Fatal("the late holder took away the lease of the next one")
	}
	mustPut(t, next, "next")
	want(t, a, keyOf(1), "next")

	late = takeLease(t, a, keyOf(1))
	if err := redis.Del(t.Context(), a.names.entry(keyOf(1)).lease).Err(); err != nil {
		t.Fatal(err)
	}
	mustPut(t, late, "late") // nobody has it now, but somebody may have had it
	want(t, a, keyOf(1), "next")
}

// An entry that can't be kept ends the lease as well.
func TestLeaseEndsWithUselessEntry(t *testing.T) {
	s := open(t, Config{URL: sharedRedis(t).URL()})
	held := takeLease(t, s, keyOf(1))
	done := waiting(t, s, takeLease(t, s, keyOf(1)))
	old := contentOf("old")
	old.ReadAt = time.Now().Add(-2 * time.Hour)
	if err := held.Put(t.Context(), cachestore.NewEntry(old)); err != nil {
		t.Fatal(err)
	}
	wantWoken(t, done, quick)
}

func TestCloseReleasesLeases(t *testing.T) {
	url := sharedRedis(t).URL()
	a, b := open(t, Config{URL: url}), open(t, Config{URL: url})
	held := takeLease(t, a, keyOf(1))
	done := waiting(t, b, takeLease(t, b, keyOf(1)))
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	wantWoken(t, done, quick)
	mustPut(t, held, "late")
	want(t, b, keyOf(1), "")
}

// Messages that are lost with the connection cost no more than a look.
func TestWaiterSurvivesLostConnection(t *testing.T) {
	server := ownRedis(t)
	a, b, redis := open(t, Config{URL: server.URL()}), open(t, Config{URL: server.URL()}), raw(t, server.URL())
	for i := range 3 {
		held := takeLease(t, a, keyOf(i))
		done := waiting(t, b, takeLease(t, b, keyOf(i)))
		if err := redis.Do(t.Context(), "client", "kill", "type", "pubsub").Err(); err != nil {
			t.Fatal(err)
		}
		held.Release()
		wantWoken(t, done, 2*leaseLasts)
	}
}

// Many keys at once, each waited for by several: one connection listens to all of them, and to none in the end.
func TestManyWaiters(t *testing.T) {
	server := ownRedis(t)
	a, b, redis := open(t, Config{URL: server.URL()}), open(t, Config{URL: server.URL()}), raw(t, server.URL())
	const keys = 100
	var held []cachestore.Lease
	done := make(chan error, 3*keys)
	for i := range keys {
		held = append(held, takeLease(t, a, keyOf(i)))
		for range 3 {
			l := takeLease(t, b, keyOf(i))
			go func() { done <- l.Wait(context.Background()) }()
		}
	}
	for i, l := range held {
		mustPut(t, l, fmt.Sprint(i))
	}
	for range 3 * keys {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "no channel is listened to", func() bool { return len(redis.PubSubChannels(t.Context(), "*").Val()) == 0 })
	for i := range keys {
		want(t, b, keyOf(i), fmt.Sprint(i))
	}
}
