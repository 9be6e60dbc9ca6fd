package redis

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gopgcache/pgcache/cachestore"
)

// sealings are the two kinds of stores whose values tests damage.
func sealings(t *testing.T, url string) map[string]*Store {
	return map[string]*Store{
		"plain":  open(t, Config{URL: url, Namespace: namespaceOf(t) + "/plain"}),
		"sealed": open(t, Config{URL: url, Namespace: namespaceOf(t) + "/sealed", KeyFile: keyFile(t, strings.Repeat("5a", 32))}),
	}
}

// Whichever bit of a value is flipped, and wherever it is cut, there is no entry and no error, and it is counted.
func TestDamagedValueIsNoEntry(t *testing.T) {
	redis := raw(t, sharedRedis(t).URL())
	for name, s := range sealings(t, sharedRedis(t).URL()) {
		t.Run(name, func(t *testing.T) {
			key := keyOf(1)
			put(t, s, key, "one")
			at := s.names.entry(key).value
			whole, err := redis.Get(t.Context(), at).Bytes()
			if err != nil {
				t.Fatal(err)
			}
			damaged := [][]byte{{}, []byte("garbage"), []byte(strings.Repeat("x", len(whole)))}
			for i := range whole {
				flipped := []byte(string(whole))
				flipped[i] ^= 1 << (i % 8)
				damaged = append(damaged, flipped, whole[:i])
			}
			for i, value := range damaged {
				if err := redis.Set(t.Context(), at, value, time.Minute).Err(); err != nil {
					t.Fatal(err)
				}
				if entry, err := s.Get(t.Context(), key); entry != nil || err != nil {
					t.Fatalf("value %d: entry %q, error %v", i, textOf(entry), err)
				}
			}
			// A flipped bit in the epoch is found by the checksum, so all of them count.
			if got := s.Counters().Damaged; got != int64(len(damaged)) {
				t.Errorf("%d values were counted as damaged, want %d", got, len(damaged))
			}
		})
	}
}

// A value that was written under one key is none under another.
func TestValueOfAnotherKeyIsNoEntry(t *testing.T) {
	redis := raw(t, sharedRedis(t).URL())
	for name, s := range sealings(t, sharedRedis(t).URL()) {
		t.Run(name, func(t *testing.T) {
			a, b := keyOf(1), keyOf(1)
			b[31]++ // of the same bucket, and so of the same epoch
			put(t, s, a, "a")
			if err := redis.Copy(t.Context(), s.names.entry(a).value, s.names.entry(b).value, 0, true).Err(); err != nil {
				t.Fatal(err)
			}
			want(t, s, a, "a")
			want(t, s, b, "")
		})
	}
}

func TestSealedValuesShowNothing(t *testing.T) {
	redis := raw(t, sharedRedis(t).URL())
	for name, s := range sealings(t, sharedRedis(t).URL()) {
		put(t, s, keyOf(1), "the secret")
		value, err := redis.Get(t.Context(), s.names.entry(keyOf(1)).value).Result()
		if err != nil {
			t.Fatal(err)
		}
		if shows := strings.Contains(value, "the secret"); shows != (name == "plain") {
			t.Errorf("%s: a value shows what is in it: %t", name, shows)
		}
	}
}

// A store reads only what was sealed with its own key, and no plain values if it has one.
func TestStoresWithOtherKeysShareNothing(t *testing.T) {
	url := sharedRedis(t).URL()
	stores := map[string]*Store{
		"plain": open(t, Config{URL: url}),
		"a":     open(t, Config{URL: url, KeyFile: keyFile(t, strings.Repeat("aa", 32))}),
		"a too": open(t, Config{URL: url, KeyFile: keyFile(t, strings.Repeat("\xaa", 32))}),
		"b":     open(t, Config{URL: url, KeyFile: keyFile(t, strings.Repeat("bb", 32))}),
	}
	for writer, w := range stores {
		for reader, r := range stores {
			put(t, w, keyOf(1), "one")
			text := ""
			if writer[:1] == reader[:1] {
				text = "one"
			}
			t.Run(writer+" to "+reader, func(t *testing.T) { want(t, r, keyOf(1), text) })
		}
	}
}

// A value of another version lives under another key; one under this key that says it is of another version is none.
func TestOtherVersionsAreNoEntries(t *testing.T) {
	redis := raw(t, sharedRedis(t).URL())
	s := open(t, Config{URL: sharedRedis(t).URL()})
	names := s.names.entry(keyOf(1))
	if want := fmt.Sprintf("pgcache:%d.%d:{", cachestore.FormatVersion, layoutVersion); !strings.Contains(names.value, want) {
		t.Errorf("the key %q doesn't say %q", names.value, want)
	}
	put(t, s, keyOf(1), "one")
	value, err := redis.Get(t.Context(), names.value).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{0, envelopeBytes} { // the envelope's version, and the entry's
		older := []byte(string(value))
		older[at]--
		if err := redis.Set(t.Context(), names.value, older, time.Minute).Err(); err != nil {
			t.Fatal(err)
		}
		want(t, s, keyOf(1), "")
	}
}

// Nobody but the store sets when a value expires, so a value that never does has no age.
func TestValueThatStaysForEverIsNoEntry(t *testing.T) {
	redis := raw(t, sharedRedis(t).URL())
	s := open(t, Config{URL: sharedRedis(t).URL()})
	put(t, s, keyOf(1), "one")
	if err := redis.Persist(t.Context(), s.names.entry(keyOf(1)).value).Err(); err != nil {
		t.Fatal(err)
	}
	want(t, s, keyOf(1), "")
}

// An entry ages while it is in Redis, and takes the age along that it had before.
func TestAgeCountsOn(t *testing.T) {
	redis := raw(t, sharedRedis(t).URL())
	s := open(t, Config{URL: sharedRedis(t).URL()})
	content := contentOf("one")
	content.ReadAt = time.Now().Add(-10 * time.Minute)
	if err := s.Put(t.Context(), keyOf(1), cachestore.NewEntry(content)); err != nil {
		t.Fatal(err)
	}
	at := s.names.entry(keyOf(1)).value
	if left, err := redis.PTTL(t.Context(), at).Result(); err != nil || left > 50*time.Minute || left < 49*time.Minute {
		t.Fatalf("it has %v left, want 50m; %v", left, err)
	}
	// As if 20 minutes had passed in Redis.
	if err := redis.PExpire(t.Context(), at, 30*time.Minute).Err(); err != nil {
		t.Fatal(err)
	}
	got, err := s.Get(t.Context(), keyOf(1))
	if err != nil || got == nil {
		t.Fatal(got, err)
	}
	if age := time.Since(got.ReadAt()); age < 30*time.Minute || age > 31*time.Minute {
		t.Errorf("it is %v old, want 30m", age)
	}
	if !got.Foreign() {
		t.Error("it isn't foreign")
	}
}

// A put that waits in a server that is stopped for a while is as old as it is, once the server goes on.
func TestDelayedPutIsNotYoung(t *testing.T) {
	server := ownRedis(t)
	s := open(t, Config{URL: server.URL(), Timeout: 300 * time.Millisecond})
	put(t, s, keyOf(2), "two") // so that the server knows the script
	names := s.names.entry(keyOf(1))
	entrance, err := s.enter(t.Context(), names)
	if err != nil {
		t.Fatal(err)
	}
	content := contentOf("one")
	content.Keep = time.Hour
	entry := cachestore.NewEntry(content)
	p := s.pack(entry)
	if err := server.Pause(); err != nil {
		t.Fatal(err)
	}
	err = s.doWrite(t.Context(), "put", s.guard.ledger, func(ctx context.Context) error { return s.send(ctx, names, p, entrance, "") })
	if err == nil {
		t.Fatal("a stopped server answered")
	}
	stopped := time.Now()
	if err := server.Continue(); err != nil {
		t.Fatal(err)
	}
	redis := raw(t, server.URL())
	eventually(t, "put", func() bool { return redis.Exists(t.Context(), names.value).Val() == 1 })
	left := redis.PTTL(t.Context(), names.value).Val()
	if most := time.Hour - stopped.Sub(entry.ReadAt()); left > most+time.Millisecond {
		t.Errorf("it has %v left, want %v at most", left, most)
	}
}

func TestClearIsSeenByAllAtOnce(t *testing.T) {
	url := sharedRedis(t).URL()
	a, b := open(t, Config{URL: url}), open(t, Config{URL: url})
	other := open(t, Config{URL: url, Namespace: namespaceOf(t) + ":other"})
	for i := range 50 {
		put(t, a, keyOf(i), "old")
		put(t, other, keyOf(i), "kept")
	}
	slow, err := b.enter(t.Context(), b.names.entry(keyOf(1))) // a put that begins before
	if err != nil {
		t.Fatal(err)
	}
	lease, err := b.Lease(t.Context(), keyOf(2))
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	late := func() {
		if err := b.send(t.Context(), b.names.entry(keyOf(1)), b.pack(entryOf("late")), slow, ""); err != nil {
			t.Fatal(err)
		}
	}
	late()
	if err := lease.Put(t.Context(), entryOf("late")); err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		want(t, b, keyOf(i), "")
		want(t, other, keyOf(i), "kept")
	}
	put(t, b, keyOf(1), "new")
	late()
	want(t, a, keyOf(1), "new")
}

func TestFlushedServerIsEmptyAndGoesOn(t *testing.T) {
	server := ownRedis(t)
	s := open(t, Config{URL: server.URL()})
	put(t, s, keyOf(1), "one")
	redis := raw(t, server.URL())
	if err := redis.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if err := redis.ScriptFlush(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	want(t, s, keyOf(1), "")
	put(t, s, keyOf(1), "two")
	want(t, s, keyOf(1), "two")
}
