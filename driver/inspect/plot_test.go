package inspect

import (
	"math"
	"slices"
	"strconv"
	"testing"
	"time"
)

// statsOf is SHOW pgcache.stats with these hits and misses.
func statsOf(hits, misses int) table {
	return table{[]string{"name", "value"}, [][]string{
		{"hits", strconv.Itoa(hits)}, {"misses", strconv.Itoa(misses)}, {"coalesced", "0"}, {"consistency", "inf"},
	}}
}

// The ring is bounded, keeps the latest, and takes no two samples of one moment.
func TestRing(t *testing.T) {
	var g ring
	var kept []sample
	for i := range 2 * most {
		at := time.Unix(int64(i), 0)
		g.add(at, statsOf(i, 0))
		kept = g.add(at.Add(apart/2), statsOf(i, 1))
	}
	if len(kept) != most || kept[most-1].values["hits"] != 2*most-1 || kept[0].values["hits"] != most {
		t.Errorf("%d samples, from %v to %v", len(kept), kept[0], kept[len(kept)-1])
	}
	if _, known := kept[0].values["consistency"]; known {
		t.Error("a level is taken for a number")
	}
}

func TestRates(t *testing.T) {
	var g ring
	g.add(time.Unix(0, 0), statsOf(0, 0))
	g.add(time.Unix(10, 0), statsOf(30, 10))
	g.add(time.Unix(20, 0), statsOf(30, 10))
	s := g.add(time.Unix(30, 0), statsOf(5, 2)) // counted anew
	if got := s[1].rate(s[0], "hits"); got != 3 {
		t.Errorf("%v hits a second, want 3", got)
	}
	if got, known := s[1].ratio(s[0]); got != 0.75 || !known {
		t.Errorf("ratio %v, %t", got, known)
	}
	if _, known := s[2].ratio(s[1]); known {
		t.Error("a ratio of nothing")
	}
	if got := s[3].rate(s[2], "hits"); got != 0 {
		t.Errorf("%v hits a second when counted anew", got)
	}
}

// A curve stays inside its frame, and is not drawn over what is not known.
func TestRuns(t *testing.T) {
	at := func(seconds ...int64) (list []sample) {
		for _, s := range seconds {
			list = append(list, sample{at: time.Unix(s, 0)})
		}
		return list
	}
	for _, c := range []struct {
		name    string
		samples []sample
		values  []float64
		want    []string
	}{
		{"a line", at(0, 10), []float64{0, 1}, []string{"60.0,130.0 352.0,8.0"}},
		{"the first is not known", at(0, 5, 10), []float64{math.NaN(), 1, 1}, []string{"206.0,8.0 352.0,8.0"}},
		{"one in the middle is not known", at(0, 5, 10), []float64{1, math.NaN(), 1}, []string{"60.0,8.0 60.0,8.0", "352.0,8.0 352.0,8.0"}},
		{"nobody looked", at(0, 100), []float64{1, 1}, []string{"60.0,8.0 60.0,8.0", "352.0,8.0 352.0,8.0"}},
	} {
		if got := runs(c.samples, c.values, 1); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if p := draw("x", "x", at(0), axis{size, binary}, curve{"a", "a", []float64{1}}); !p.Empty {
		t.Error("one sample is drawn")
	}
}

func TestScales(t *testing.T) {
	for v, want := range map[float64]float64{0: 1, 1: 1, 1.1: 2, 3: 5, 7: 10, 70: 100, 0.03: 0.05} {
		if got := decimal(v); math.Abs(got-want) > 1e-12 {
			t.Errorf("decimal(%v) = %v, want %v", v, got, want)
		}
	}
	for v, want := range map[float64]float64{0: 1024, 1025: 2048, 1 << 20: 1 << 20} {
		if got := binary(v); got != want {
			t.Errorf("binary(%v) = %v, want %v", v, got, want)
		}
	}
}
