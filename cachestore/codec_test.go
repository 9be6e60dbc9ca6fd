package cachestore_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/internal/rowset"
)

// sample is an entry whose body is large enough to be compressed when text is.
func sample(text string) *cachestore.Entry { return cachestore.NewEntry(sampleContent(text)) }

func sampleContent(text string) cachestore.Content {
	return cachestore.Content{
		Statement: cachestore.NewStatement("select a from t", nil), Arguments: "\x00one",
		Rows:     rowset.Table([]string{"name", "value"}, [][]string{{"a", text}, {"", "b"}}),
		Position: 1 << 40, Tags: []uint64{1, 1 << 63, 0}, ReadAt: time.Now().Add(-time.Minute), Cost: time.Second, Keep: time.Hour,
	}
}

// An entry comes out as it went in, but for when it was read: that is as long ago as its age and its rest say.
func TestCodecRoundTrip(t *testing.T) {
	for name, text := range map[string]string{"small": "x", "compressible": strings.Repeat("pgcache ", 4096), "empty": ""} {
		t.Run(name, func(t *testing.T) {
			e, now := sample(text), time.Now()
			encoded := e.AppendEncoded([]byte("before"), now)[len("before"):]
			later := now.Add(time.Hour)
			got, err := cachestore.DecodeEntry(encoded, time.Second, later)
			if err != nil {
				t.Fatal(err)
			}
			if want := later.Add(-now.Sub(e.ReadAt()) - time.Second); !got.ReadAt().Equal(want) {
				t.Errorf("read at %v, want %v", got.ReadAt(), want)
			}
			if !got.Foreign() {
				t.Error("it is not foreign")
			}
			if got.Position() != e.Position() || got.Cost() != e.Cost() || got.Keep() != e.Keep() || !sameNames(got, e) {
				t.Errorf("got %+v, want %+v", got.Content(), e.Content())
			}
			if !bytes.Equal(got.Rows().AppendEncoded(nil), e.Rows().AppendEncoded(nil)) {
				t.Error("the rows differ")
			}
			if len(text) > 1<<12 && len(encoded) > len(text)/4 {
				t.Errorf("%d bytes were not compressed: %d", len(text), len(encoded))
			}
		})
	}
}

// sameNames tells whether two entries are for the same question and depend on the same.
func sameNames(a, b *cachestore.Entry) bool {
	return a.Statement() == b.Statement() && a.Arguments() == b.Arguments() && slices.Equal(a.Tags(), b.Tags())
}

// A clock that was set back makes no entry younger than new.
func TestCodecAge(t *testing.T) {
	e := sample("x")
	now := time.Now()
	got, err := cachestore.DecodeEntry(e.AppendEncoded(nil, e.ReadAt().Add(-time.Hour)), -time.Hour, now)
	if err != nil || got.ReadAt().After(now) {
		t.Errorf("read at %v, after %v; error %v", got.ReadAt(), now, err)
	}
}

// Whichever bit of an encoded entry is flipped, and wherever it is cut short, it is found to be corrupt.
func TestCodecFindsDamage(t *testing.T) {
	for _, text := range []string{"x", strings.Repeat("pgcache ", 512)} {
		encoded := sample(text).AppendEncoded(nil, time.Now())
		for bit := range 8 * len(encoded) {
			damaged := bytes.Clone(encoded)
			damaged[bit/8] ^= 1 << (bit % 8)
			if _, err := cachestore.DecodeEntry(damaged, 0, time.Now()); !errors.Is(err, cachestore.ErrCorrupt) {
				t.Fatalf("bit %d: error %v", bit, err)
			}
		}
		for n := range encoded {
			if _, err := cachestore.DecodeEntry(encoded[:n], 0, time.Now()); !errors.Is(err, cachestore.ErrCorrupt) {
				t.Fatalf("%d bytes: error %v", n, err)
			}
		}
	}
}

func TestCodecProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := sampleContent(rapid.String().Draw(t, "text"))
		c.Arguments = rapid.String().Draw(t, "arguments")
		c.Tags = rapid.SliceOf(rapid.Uint64()).Draw(t, "tags")
		c.Statement = cachestore.NewStatement(rapid.String().Draw(t, "statement"), rapid.SampledFrom([][]uint64{nil, c.Tags}).Draw(t, "known"))
		e := cachestore.NewEntry(c)
		got, err := cachestore.DecodeEntry(e.AppendEncoded(nil, time.Now()), 0, time.Now())
		if err != nil || !sameNames(got, e) {
			t.Fatalf("got %+v, error %v", got, err)
		}
	})
}

// Bytes from elsewhere never make the decoder panic or take much memory.
func FuzzDecodeEntry(f *testing.F) {
	f.Add(sample("x").AppendEncoded(nil, time.Now()))
	f.Add(sample(strings.Repeat("pgcache ", 512)).AppendEncoded(nil, time.Now()))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := cachestore.DecodeEntry(data, 0, time.Now())
		if err == nil && !e.Encodable() {
			t.Error("an entry that can't be encoded")
		}
		if err != nil && !errors.Is(err, cachestore.ErrCorrupt) {
			t.Errorf("error %v", err)
		}
	})
}
