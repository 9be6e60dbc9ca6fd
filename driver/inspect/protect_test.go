package inspect

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

var everyPage = []string{"/", "/?reload", "/?flushed", "/statements", "/rules", "/advice", "/feed", "/no-such-page"}

// A page is only read: other methods are refused, and emptying the cache is not there unless it was allowed.
func TestMethods(t *testing.T) {
	s := newSite(t)
	for _, path := range append(everyPage, "/flush", "/style.css") {
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, "FOO"} {
			answer, _ := s.ask(method, path)
			if answer.StatusCode != http.StatusMethodNotAllowed || answer.Header.Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: %s, allowed %q", method, path, answer.Status, answer.Header.Get("Allow"))
			}
		}
	}
	if answer, _ := s.ask(http.MethodGet, "/flush"); answer.StatusCode != http.StatusNotFound {
		t.Error("GET /flush:", answer.Status)
	}
	if _, body := s.ask(http.MethodGet, "/"); strings.Contains(body, "<form") {
		t.Error("there is a form")
	}
	if answer, _ := s.ask(http.MethodHead, "/"); answer.StatusCode != http.StatusOK {
		t.Error("HEAD /:", answer.Status)
	}
}

func TestAllowFlush(t *testing.T) {
	s := newSite(t, AllowFlush())
	invalidations := func() string { return s.read("show pgcache.stats")[8][1] }
	for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "http://evil.example"}, {"Origin", "null"}} {
		if answer, _ := s.ask(http.MethodPost, "/flush", header...); answer.StatusCode != http.StatusForbidden {
			t.Error("from another site:", answer.Status)
		}
	}
	if answer, _ := s.ask(http.MethodGet, "/flush"); answer.StatusCode != http.StatusMethodNotAllowed || answer.Header.Get("Allow") != "POST" {
		t.Error("GET /flush:", answer.Status)
	}
	if got := invalidations(); got != "0" {
		t.Fatal("invalidations without leave:", got)
	}
	form := s.page("/").root.every("form")[0]
	answer, _ := s.ask(http.MethodPost, "/"+form.attrs["action"], "Origin", "http://example.com")
	if answer.StatusCode != http.StatusSeeOther || invalidations() != "1" {
		t.Error("the button:", answer.Status, invalidations())
	}
	if d := s.page("/" + strings.TrimPrefix(answer.Header.Get("Location"), "./")); !strings.Contains(d.root.said(), "The cache is empty") {
		t.Error("the page does not say so")
	}
}

// Every answer, errors included, has the headers.
func TestHeaders(t *testing.T) {
	s := newSite(t)
	for _, path := range append(everyPage, "/style.css", "/live.js", "/icon.svg") {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			answer, body := s.ask(method, path)
			for name, want := range headers {
				if strings.Contains(path, ".") && name == "Cache-Control" {
					continue
				}
				if got := answer.Header.Get(name); got != want {
					t.Errorf("%s %s: %s is %q, want %q", method, path, name, got, want)
				}
			}
			if kind := answer.Header.Get("Content-Type"); kind == "" || body == "" {
				t.Errorf("%s %s: type %q, %d bytes", method, path, kind, len(body))
			}
		}
	}
	for _, word := range []string{"unsafe", "http:", "https:", "*", "data:"} {
		if strings.Contains(policy, word) {
			t.Errorf("the policy says %s", word)
		}
	}
	if got, _ := s.ask(http.MethodGet, "/?reload"); got.Header.Get("Refresh") != "5" {
		t.Error("the page does not reload")
	}
	if got, _ := s.ask(http.MethodGet, "/"); got.Header.Get("Refresh") != "" {
		t.Error("the page reloads although nobody asked for that")
	}
}

// The pages work wherever they are mounted, and with a server that takes the path away.
func TestMounted(t *testing.T) {
	s := newSite(t)
	mux := http.NewServeMux()
	mux.Handle("/debug/pgcache/", s.Handler)
	mux.Handle("/other/pgcache/", http.StripPrefix("/other/pgcache/", s.Handler))
	mux.Handle("/bare/pgcache", http.StripPrefix("/bare/pgcache", s.Handler))
	for path, want := range map[string]string{
		"/debug/pgcache/rules": "", "/debug/pgcache/style.css": "", "/other/pgcache/rules": "",
		"/debug/pgcache": "/debug/pgcache/", "/bare/pgcache?x=/y": "./pgcache/",
	} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if got := w.Header().Get("Location"); got != want || want == "" && w.Code != http.StatusOK {
			t.Errorf("%s: status %d, to %q; want %q", path, w.Code, got, want)
		}
	}
}
