package redis

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/internal/rowset"
)

// incompressible is text of which little can be packed away.
func incompressible(n int) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-"
	var b strings.Builder
	for range n {
		b.WriteByte(letters[rand.IntN(len(letters))])
	}
	return b.String()
}

// BenchmarkGet compares a hit with what Redis and its client take alone: a bare GET of a value of the same bytes. The two take turns,
// since machines are noisy, and what is reported beside the mean of both is the ratio of their tenths: the time that a tenth of
// the operations stayed below.
func BenchmarkGet(b *testing.B) {
	for _, size := range []int{1, 100} {
		entry := cachestore.NewEntry(cachestore.Content{
			Statement: cachestore.NewStatement("select v from t where k = $1", nil), Arguments: "int8 1",
			Rows:   rowset.Table([]string{"v"}, [][]string{{incompressible(size << 10)}}),
			ReadAt: time.Now(), Keep: time.Hour, Tags: []uint64{1, 2},
		})
		for _, kind := range []string{"plain", "sealed", "marked"} {
			b.Run(fmt.Sprintf("%dKiB/%s", size, kind), func(b *testing.B) { benchmarkGet(b, kind, entry) })
		}
	}
}

func benchmarkGet(b *testing.B, kind string, entry *cachestore.Entry) {
	c := Config{URL: sharedRedis(b).URL()}
	if kind == "sealed" {
		c.KeyFile = keyFile(b, strings.Repeat("5a", 32))
	}
	s := open(b, c)
	if err := s.Put(b.Context(), keyOf(1), entry); err != nil {
		b.Fatal(err)
	}
	name := s.names.entry(keyOf(1)).value
	get := func() error { _, err := s.Get(b.Context(), keyOf(1)); return err }
	if kind == "marked" {
		get = func() error { _, _, _, err := s.GetMarked(b.Context(), keyOf(1), entry.Tags()); return err }
	}
	bare := func() error {
		ctx, cancel := context.WithTimeout(b.Context(), patient)
		defer cancel()
		return s.client.Get(ctx, name).Err()
	}
	var took [2][]time.Duration
	for b.Loop() {
		for i, f := range []func() error{bare, get} {
			begun := time.Now()
			if err := f(); err != nil {
				b.Fatal(err)
			}
			took[i] = append(took[i], time.Since(begun))
		}
	}
	var tenth [2]float64
	for i := range took {
		slices.Sort(took[i])
		tenth[i] = float64(took[i][len(took[i])/10].Nanoseconds())
	}
	b.ReportMetric(tenth[0], "bare-ns")
	b.ReportMetric(tenth[1], "get-ns")
	b.ReportMetric(tenth[1]/tenth[0], "ratio")
}
