package pgcacheprom

import (
	"database/sql"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/gopgcache/pgcache/driver"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func open(t *testing.T, params string, c *Collector) *sql.DB {
	t.Helper()
	dsn := pgtest.Database(t)
	separator := "?"
	if strings.Contains(dsn, "?") {
		separator = "&"
	}
	db, err := driver.OpenDB(dsn+separator+params, c.Option())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func read(t *testing.T, db *sql.DB, query string) {
	t.Helper()
	var n int
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
}

func TestCollects(t *testing.T) {
	c := NewCollector("shop")
	db := open(t, "pgcache_rule=all:+table=t+ttl=1h", c)
	if _, err := db.ExecContext(t.Context(), "create table t as select 1 as a"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		read(t, db, "select a from t")
	}
	read(t, db, "select 1")
	if _, err := db.ExecContext(t.Context(), "call pgcache.flush()"); err != nil {
		t.Fatal(err)
	}
	want := `
# HELP pgcache_lookups_total Queries that returned rows, by how they were answered.
# TYPE pgcache_lookups_total counter
pgcache_lookups_total{db_name="shop",result="bypass"} 1
pgcache_lookups_total{db_name="shop",result="coalesced"} 0
pgcache_lookups_total{db_name="shop",result="hit"} 2
pgcache_lookups_total{db_name="shop",result="miss"} 1
pgcache_lookups_total{db_name="shop",result="stale"} 0
# HELP pgcache_fills_total Fills that came to an end, background ones included.
# TYPE pgcache_fills_total counter
pgcache_fills_total{db_name="shop"} 1
# HELP pgcache_invalidations_total Events that made answers stale, by source.
# TYPE pgcache_invalidations_total counter
pgcache_invalidations_total{db_name="shop",source="call"} 1
pgcache_invalidations_total{db_name="shop",source="feed"} 0
pgcache_invalidations_total{db_name="shop",source="schema"} 1
pgcache_invalidations_total{db_name="shop",source="write"} 0
# HELP pgcache_entries Entries in this process's memory.
# TYPE pgcache_entries gauge
pgcache_entries{db_name="shop"} 0
`
	if err := testutil.CollectAndCompare(c, strings.NewReader(want),
		"pgcache_lookups_total", "pgcache_fills_total", "pgcache_invalidations_total", "pgcache_entries"); err != nil {
		t.Error(err)
	}
	counts := map[string]uint64{"hit": 2, "miss": 1, "bypass": 1}
	for _, m := range gather(t, c)["pgcache_lookup_duration_seconds"].GetMetric() {
		for _, l := range m.GetLabel() {
			h := m.GetHistogram()
			if l.GetName() == "result" && (h.GetSampleCount() != counts[l.GetValue()] || h.GetSampleSum() <= 0) {
				t.Errorf("%s: %d lookups that took %v s", l.GetValue(), h.GetSampleCount(), h.GetSampleSum())
			}
		}
	}
	fills := gather(t, c)["pgcache_fill_duration_seconds"].GetMetric()[0].GetHistogram()
	if fills.GetSampleCount() != 1 || fills.GetSampleSum() <= 0 {
		t.Errorf("%d fills that took %v s", fills.GetSampleCount(), fills.GetSampleSum())
	}
}

// Several connectors stand side by side in one registry, before and after they are opened.
func TestCollectorsStandSideBySide(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	a, b := NewCollector("a"), NewCollectorWith("b", Settings{LookupBuckets: []float64{1}, FillBuckets: []float64{2}})
	reg.MustRegister(a, b)
	if _, err := reg.Gather(); err != nil {
		t.Error(err)
	}
	db := open(t, "pgcache_rule=all:+*+ttl=1h", a)
	read(t, db, "values (1)")
	db.Close()
	if _, err := reg.Gather(); err != nil {
		t.Error(err)
	}
}

func TestLint(t *testing.T) {
	problems, err := testutil.CollectAndLint(NewCollector("shop"))
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}

// dashboard is the part of Grafana's JSON that the test looks at.
type dashboard struct {
	UID, Title string
	Panels     []struct {
		ID      int
		Title   string
		GridPos struct{ X, Y, W, H int }
		Targets []struct{ Expr string }
	}
}

// The dashboard shows what is collected, and all of it but what only a few need.
func TestDashboardShowsWhatIsCollected(t *testing.T) {
	text, err := os.ReadFile("grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	collected := gather(t, NewCollector("shop"))
	shown := map[string]bool{}
	ids := map[int]string{}
	for _, p := range d.Panels {
		if other := ids[p.ID]; other != "" {
			t.Errorf("%q and %q have the same id", p.Title, other)
		}
		ids[p.ID] = p.Title
		if p.GridPos.X+p.GridPos.W > 24 || p.GridPos.W == 0 || len(p.Targets) == 0 {
			t.Errorf("%q can't be seen", p.Title)
		}
		for _, target := range p.Targets {
			names := regexp.MustCompile(`pgcache_\w+`).FindAllString(target.Expr, -1)
			if names == nil {
				t.Errorf("%q has %q, which shows nothing of ours", p.Title, target.Expr)
			}
			for _, name := range names {
				family := strings.TrimSuffix(name, "_bucket")
				if collected[family] == nil {
					t.Errorf("%q shows %s, which nobody collects", p.Title, name)
				}
				shown[family] = true
			}
		}
	}
	for name := range collected {
		if !shown[name] && !slices.Contains([]string{"pgcache_corrupt_entries_total", "pgcache_shared_hits_total"}, name) {
			t.Errorf("%s is not shown", name)
		}
	}
}

// What the documentation names is collected, and the other way round.
func TestDocumentationNamesWhatIsCollected(t *testing.T) {
	text, err := os.ReadFile("../../docs/observability.md")
	if err != nil {
		t.Fatal(err)
	}
	collected, named := gather(t, NewCollector("shop")), map[string]bool{}
	for _, name := range regexp.MustCompile(`pgcache_[a-z_]+`).FindAllString(string(text), -1) {
		if named[name] = true; collected[name] == nil && name != "pgcache_memory" {
			t.Errorf("%s is named, and nobody collects it", name)
		}
	}
	for name := range collected {
		if !named[name] {
			t.Errorf("%s is not named", name)
		}
	}
}
