package inspect

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// Every page can be read without seeing it: one heading above all, landmarks, names of tables, drawings and controls.
func TestAccessible(t *testing.T) {
	s := newSite(t, AllowFlush())
	second := time.Unix(1, 0)
	fill(s, second)
	paths := append(everyPage, "/"+s.page("/statements").link(all), "/statements?sort=hits&order=desc")
	for _, path := range paths {
		_, body := s.ask(http.MethodGet, path)
		d := parse(t, body)
		harmless(t, d)
		for name, want := range map[string]int{"h1": 1, "main": 1, "header": 1, "footer": 1, "title": 1} {
			got := len(d.root.every(name))
			if name == "title" {
				got = min(got, 1) // drawings have titles too
			}
			if got != want {
				t.Errorf("%s: %d <%s>, want %d", path, got, name, want)
			}
		}
		named(t, path, d)
	}
	if got := len(s.page("/").root.every("polyline")); got < 6 {
		t.Errorf("%d curves are drawn", got)
	}
}

// fill takes samples a second apart.
func fill(s *site, from time.Time) {
	h := &handler{source: source{s.db}, mayFlush: true, now: func() time.Time { return from }}
	s.Handler = protect(h)
	for range 3 {
		s.page("/")
		s.read(all)
		from = from.Add(time.Second)
	}
}

// named checks ids and the references to them, captions, scopes, and the names of drawings and buttons.
func named(t *testing.T, path string, d *document) {
	t.Helper()
	ids := map[string]bool{}
	for _, e := range d.root.every("") {
		if id, ok := e.attrs["id"]; ok && ids[id] {
			t.Errorf("%s: two elements are called %q", path, id)
		} else if ok {
			ids[id] = true
		}
	}
	for _, e := range d.root.every("") {
		for id := range strings.FieldsSeq(e.attrs["aria-labelledby"]) {
			if !ids[id] {
				t.Errorf("%s: <%s> is named by %q, which is not there", path, e.name, id)
			}
		}
		name := e.attrs["aria-label"] + e.attrs["aria-labelledby"]
		switch {
		case e.name == "th" && e.attrs["scope"] == "", e.name == "table" && len(e.every("caption")) != 1,
			(e.name == "svg" || e.name == "nav" || e.name == "section") && name == "",
			e.attrs["role"] == "region" && name == "", e.name == "button" && name == "" && strings.TrimSpace(e.in[0].text) == "",
			e.name == "img" && e.attrs["width"] == "":
			t.Errorf("%s: <%s %v> has no name", path, e.name, e.attrs)
		}
	}
}
