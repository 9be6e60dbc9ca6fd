package peer

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"
)

func TestOwnerAnswersForEverybody(t *testing.T) {
	fs, ss := fleets(t, 3, nil)
	key := keyOf(t, fs[0])
	for i, f := range fs {
		answer, err := f.Fetch(t.Context(), Call{Key: key, Request: []byte("question")})
		if i == 0 {
			if !errors.Is(err, ErrOwn) {
				t.Errorf("the owner got %v", err)
			}
			continue
		}
		if err != nil || string(answer.Bytes) != ss[0].config.Self+" question" {
			t.Errorf("got %q, %v", answer.Bytes, err)
		}
	}
	if ss[0].fills.Load() != 1 || ss[1].fills.Load()+ss[2].fills.Load() != 0 {
		t.Error("not filled once, by the owner")
	}
	if s := fs[0].Stats(); s.Served != 2 || s.Fills != 1 || s.Hits != 1 || s.Peers != 3 || s.Entries == 0 {
		t.Errorf("%+v", s)
	}
	if s := fs[1].Stats(); s.Fetched != 1 || s.Failures != 0 || s.Fills != 0 {
		t.Errorf("%+v", s)
	}
}

// TestOneFillForAllCallers has callers in all processes ask at the same time, the owner's own included.
func TestOneFillForAllCallers(t *testing.T) {
	fs, ss := fleets(t, 3, nil)
	key := keyOf(t, fs[1])
	var wg sync.WaitGroup
	for _, f := range fs {
		for range 50 {
			wg.Go(func() {
				call := Call{Key: key, Request: []byte("q")}
				answer, err := f.Fetch(t.Context(), call)
				if errors.Is(err, ErrOwn) {
					answer, err = f.Own(t.Context(), call)
				}
				if err != nil || string(answer.Bytes) != ss[1].config.Self+" q" {
					t.Errorf("got %q, %v", answer.Bytes, err)
				}
			})
		}
	}
	wg.Wait()
	if n := ss[0].fills.Load() + ss[1].fills.Load() + ss[2].fills.Load(); n != 1 {
		t.Errorf("%d fills", n)
	}
}

// TestKeysArriveAsTheyAre: groupcache's HTTPPool turns blanks into pluses on the way.
func TestKeysArriveAsTheyAre(t *testing.T) {
	fs, ss := fleets(t, 2, nil)
	for _, key := range []string{"a b", "a+b", "a%20b", "/../x?y#z", "\x00\xff\xfe", "", strings.Repeat("k", mostKey)} {
		asker := fs[0]
		if asker.Owns(key) {
			asker = fs[1]
		}
		before := ss[0].fills.Load() + ss[1].fills.Load()
		if _, err := asker.Fetch(t.Context(), Call{Key: key, Request: []byte(key)}); err != nil {
			t.Errorf("%q: %v", key, err)
		}
		if after := ss[0].fills.Load() + ss[1].fills.Load(); after != before+1 {
			t.Errorf("%q is taken for another key", key)
		}
	}
}

// TestAnswersAreTheCallersOwn changes an answer, and the next caller must not see that.
func TestAnswersAreTheCallersOwn(t *testing.T) {
	fs, _ := fleets(t, 2, nil)
	for _, key := range keysOf(t, fs[0], 40) { // a tenth of them are cached at the asker
		var first []byte
		for range 3 {
			answer, err := fs[1].Fetch(t.Context(), Call{Key: key, Request: []byte("abc")})
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = bytes.Clone(answer.Bytes)
			}
			if !bytes.Equal(answer.Bytes, first) {
				t.Fatalf("got %q, want %q", answer.Bytes, first)
			}
			clear(answer.Bytes)
		}
	}
}

func TestGroupsDoNotMeet(t *testing.T) {
	fs, ss := fleets(t, 2, nil)
	other := ss[0].config
	other.Group, other.Fill = "another", ss[1].echo
	f, err := Open(other) // shares the listener of fs[0]
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	key := keyOf(t, f)
	answer, err := fs[1].Fetch(t.Context(), Call{Key: key, Request: []byte("x")})
	if err != nil || string(answer.Bytes) != ss[0].config.Self+" x" {
		t.Errorf("got %q, %v", answer.Bytes, err)
	}
	if s := f.Stats(); s.Served != 0 {
		t.Errorf("the other group served it: %+v", s)
	}
}
