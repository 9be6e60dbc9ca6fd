package inspect

import (
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

// What the pages show is what SHOW says.
func TestEqualsShow(t *testing.T) {
	s := newSite(t)
	var stats [][]string
	for _, row := range s.page("/debug/pgcache/").table("SHOW pgcache.stats") {
		stats = append(stats, row[:2])
		if row[2] == "" {
			t.Errorf("%s is shown without its meaning", row[0])
		}
	}
	for _, c := range []struct {
		show string
		got  [][]string
	}{
		{"stats", stats},
		{"statements", s.page("/statements").table("SHOW pgcache.statements")},
		{"rules", s.page("/rules").table("SHOW pgcache.rules")},
		{"feed", s.page("/feed").table("SHOW pgcache.feed")},
	} {
		want := s.read("show pgcache." + c.show)
		if len(want) == 0 || !reflect.DeepEqual(c.got, want) {
			t.Errorf("%s:\n got %q\nwant %q", c.show, c.got, want)
		}
	}
	if got, want := s.page("/").table("Count of lookups")[0][:3], []string{"hits", "7", "63.6 %"}; !slices.Equal(got, want) {
		t.Errorf("lookups: got %q, want %q", got, want)
	}
}

// The proof of a statement is EXPLAIN's, and its line is that of SHOW.
func TestStatement(t *testing.T) {
	s := newSite(t)
	for _, text := range []string{all, byID, clock} {
		d := s.page("/" + s.page("/statements").link(text))
		got, want := d.table("EXPLAIN (PGCACHE)"), s.read("explain (pgcache) "+text)
		aged := func(row []string) bool { return row[0] == "age" }
		got, want = slices.DeleteFunc(got, aged), slices.DeleteFunc(want, aged)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %q\nwant %q", text, got, want)
		}
		lines := s.read("show pgcache.statements")
		i := slices.IndexFunc(lines, func(line []string) bool { return line[0] == text })
		for f, field := range d.table("Its line of") {
			if field[1] != lines[i][f+1] {
				t.Errorf("%s: %s is %q, want %q", text, field[0], field[1], lines[i][f+1])
			}
		}
		hasNote := strings.Contains(d.root.said(), "The text has parameters")
		if want := strings.Contains(text, "$1"); hasNote != want {
			t.Errorf("%s: a note about parameters: %t", text, hasNote)
		}
	}
	if answer, _ := s.ask(http.MethodGet, "/statement?id="+identify("select 'never seen'")); answer.StatusCode != http.StatusNotFound {
		t.Error("a statement that nobody asked:", answer.Status)
	}
}

// To look at the proof of a write does not write.
func TestProofExecutesNothing(t *testing.T) {
	s := newSite(t)
	s.read(writing)
	before := s.read(all)
	for _, path := range []string{s.page("/statements").link(writing), "statement?id=" + writing, "statement?sql=" + identify(writing)} {
		s.ask(http.MethodGet, "/"+strings.ReplaceAll(path, " ", "%20"))
	}
	if after := s.read("/* pgcache: off */ " + all); !reflect.DeepEqual(before, after) {
		t.Errorf("%s rows before, %s after", before, after)
	}
}

// Every column can be sorted by, by value, and its link turns the order around.
func TestSorted(t *testing.T) {
	s := newSite(t)
	for range 8 {
		s.read(all) // 12 calls by now: as a text that is less than 6
	}
	for at, column := range map[int]string{0: "statement", 4: "calls", 5: "hits", 9: "bytes"} {
		href := s.page("/statements").link(column)
		var first string
		for range 2 {
			d := s.page("/" + href)
			rows := d.table("SHOW pgcache.statements")
			heads := d.root.every("th")
			sorted := heads[slices.IndexFunc(heads, func(e *element) bool { return e.attrs["aria-sort"] != "" })]
			if got := strings.Fields(sorted.said()); got[0] != column || first == sorted.attrs["aria-sort"] {
				t.Errorf("sorted by %q %s, after %s", got, sorted.attrs["aria-sort"], first)
			}
			first = sorted.attrs["aria-sort"]
			for n := 1; n < len(rows); n++ {
				if a, b := rows[n-1][at], rows[n][at]; !inOrder(a, b, first == "descending") {
					t.Errorf("%s %s: %q before %q", column, first, a, b)
				}
			}
			href = sorted.every("a")[0].attrs["href"]
		}
	}
}

func inOrder(a, b string, descending bool) bool {
	if descending {
		a, b = b, a
	}
	x, isNumber := numberIn(a)
	y, _ := numberIn(b)
	return isNumber && x <= y || !isNumber && a <= b
}

// A database that can't be asked is an error, and no page says otherwise.
func TestUnreachable(t *testing.T) {
	s := newSite(t)
	s.db.Close()
	for _, page := range []string{"/", "/statements", "/statement?id=1", "/rules", "/feed"} {
		answer, body := s.ask(http.MethodGet, page)
		if answer.StatusCode != http.StatusServiceUnavailable || !strings.Contains(parse(t, body).root.said(), "database is closed") {
			t.Errorf("%s: %s\n%s", page, answer.Status, body)
		}
	}
}

// A database of another driver's is an error too, even if PostgreSQL has an answer of its own.
func TestOtherDriver(t *testing.T) {
	config, err := pgx.ParseConfig(pgtest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	config.RuntimeParams["pgcache.stats"] = "x"
	s := &site{t: t, db: stdlib.OpenDB(*config)}
	defer s.db.Close()
	s.Handler = Handler(s.db)
	for page, want := range map[string]string{"/": "not opened with the driver pgcache", "/statements": "pgcache.statements"} {
		answer, body := s.ask(http.MethodGet, page)
		if answer.StatusCode != http.StatusServiceUnavailable || !strings.Contains(parse(t, body).root.said(), want) {
			t.Errorf("%s: %s\n%s", page, answer.Status, body)
		}
	}
}

// More statements than a page holds are on several, each once.
func TestPages(t *testing.T) {
	s := newSite(t)
	for i := range perPage {
		s.read("select owner from accounts where id = " + strconv.Itoa(i))
	}
	first := s.page("/statements?sort=statement&order=asc")
	second := s.page("/" + first.link("Next"))
	got := append(first.table("SHOW"), second.table("SHOW")...)
	want := s.read("show pgcache.statements")
	if len(first.table("SHOW")) != perPage || len(got) != len(want) {
		t.Errorf("%d and %d lines, want %d", len(first.table("SHOW")), len(second.table("SHOW")), len(want))
	}
	if !slices.IsSortedFunc(got, func(a, b []string) int { return strings.Compare(a[0], b[0]) }) {
		t.Error("the pages are not one list")
	}
	if back := s.page("/" + second.link("Previous")); !reflect.DeepEqual(back.table("SHOW"), first.table("SHOW")) {
		t.Error("back is elsewhere")
	}
}
