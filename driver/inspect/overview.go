package inspect

import "net/http"

// overview is what the first page shows.
type overview struct {
	Tiles    []tile
	Lookups  []share
	Plots    []plot
	Stats    []counter
	Samples  int
	MayFlush bool
	Flushed  bool
	Reloads  bool
}

// tile is one figure that matters.
type tile struct{ Name, Value, Note, Class string }

// counter is a line of SHOW pgcache.stats.
type counter struct {
	Name    string
	Value   cell
	Meaning string
}

// share is how many of all lookups had one result.
type share struct {
	Name, Class, Meaning string
	Count                cell
	Percent              string
	X, Width             string // of the bar, in percent of the whole
}

// every is after how many seconds the page is loaded again for those who asked for that.
const every = 5

func (h *handler) overview(r *http.Request) view {
	stats, err := h.show(r.Context(), "stats")
	if err != nil {
		return failed("overview", err)
	}
	samples := h.seen.add(h.now(), stats)
	query := r.URL.Query()
	body := overview{
		Tiles: tiles(&stats), Lookups: lookups(&stats), Plots: plots(samples), Samples: len(samples),
		MayFlush: h.mayFlush, Flushed: h.mayFlush && query.Has("flushed"), Reloads: query.Has("reload"),
	}
	for _, row := range stats.Rows {
		body.Stats = append(body.Stats, counter{row[0], cellOf(row[0], row[1]), meanings[row[0]]})
	}
	v := shown("overview", body)
	if body.Reloads {
		v.reload = every
	}
	return v
}

// number gives a counter as a number; one that is not there is zero.
func number(stats *table, name string) float64 {
	n, _ := numberIn(stats.value(name))
	return n
}

// tiles picks the figures that matter.
func tiles(stats *table) []tile {
	hits, saved := number(stats, "hits"), number(stats, "time_saved_ms")
	cacheable := hits + number(stats, "misses") + number(stats, "coalesced")
	ratio, note := "–", "no lookup yet"
	if cacheable > 0 {
		ratio, note = percent(hits/cacheable), figures(hits)+" of "+figures(cacheable)+" cacheable lookups"
	}
	each := "no hit yet"
	if hits > 0 {
		each = millis(saved/hits) + " at PostgreSQL for each hit"
	}
	return []tile{
		{"Hit ratio", ratio, note, ""},
		{"Database time saved", millis(saved), each, ""},
		{"Held", size(number(stats, "bytes")), figures(number(stats, "entries")) + " entries", ""},
		{"Consistency", printable(stats.value("consistency")), feedNote(stats), ""},
		troubles(stats),
	}
}

func feedNote(stats *table) string {
	feed := stats.value("feed")
	if feed == "" || feed == "none" {
		return "no feed: changes made elsewhere wait for the ttl"
	}
	return "feed " + printable(feed) + ", " + millis(number(stats, "feed_lag_ms")) + " behind"
}

// troubles adds up what should be zero.
func troubles(stats *table) tile {
	n := number(stats, "fill_errors") + number(stats, "store_errors") + number(stats, "corrupt_entries")
	if n == 0 {
		return tile{"Errors", "none", "fills, store and entries are well", "good"}
	}
	return tile{"Errors", figures(n), "failed fills, store errors and corrupt entries", "bad"}
}

// results are the ways a lookup may end.
var results = []share{
	{Name: "hits", Class: "hits", Meaning: "answered from the cache"},
	{Name: "coalesced", Class: "coalesced", Meaning: "answered by a fill that was under way"},
	{Name: "misses", Class: "misses", Meaning: "could be cached, and went to PostgreSQL"},
	{Name: "bypassed", Class: "bypassed", Meaning: "not cached: PostgreSQL was asked"},
}

// lookups tells how all lookups ended.
func lookups(stats *table) []share {
	all := 0.0
	for _, s := range results {
		all += number(stats, s.Name)
	}
	shares := make([]share, len(results))
	x := 0.0
	for i, s := range results {
		n := number(stats, s.Name)
		s.Count, s.Percent = cellOf(s.Name, stats.value(s.Name)), "–"
		if all > 0 {
			s.Percent, s.X, s.Width = percent(n/all), coordinate(x/all*100), coordinate(n/all*100)
		}
		x += n
		shares[i] = s
	}
	return shares
}
