package inspect

import (
	"database/sql"
	"net/http"
	"path"
	"strings"
	"time"
)

// Option changes what the pages offer.
type Option func(*handler)

// AllowFlush adds a button that empties the cache (CALL pgcache.flush()) for whoever may see the pages. Requests that a
// browser makes from another site are refused.
func AllowFlush() Option { return func(h *handler) { h.mayFlush = true } }

// Handler serves the pages about a database that was opened with the driver "pgcache". Mount it under a path that ends in a
// slash, with or without http.StripPrefix. It is safe for concurrent use, and does not close db. Each page uses one
// connection of db, for at most five seconds; a database that can't be asked is shown as an error, with status 503.
func Handler(db *sql.DB, opts ...Option) http.Handler {
	h := &handler{source: source{db}, now: time.Now}
	for _, opt := range opts {
		opt(h)
	}
	return protect(h)
}

// handler serves the pages.
type handler struct {
	source

	mayFlush bool
	seen     ring
	now      func() time.Time
}

// pages are what can be asked for by GET. All lie side by side, so that every link is relative, and the handler need not know
// where it is mounted.
var pages = map[string]func(*handler, *http.Request) view{
	"":           (*handler).overview,
	"statements": (*handler).statements,
	"statement":  (*handler).statement,
	"rules":      (*handler).rules,
	"advice":     (*handler).advice,
	"feed":       (*handler).feed,
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, name := path.Split(r.URL.Path)
	page, isPage := pages[name]
	file, isAsset := assets[name]
	switch {
	case r.URL.Path == "":
		addSlash(w, r)
	case name == "flush" && h.mayFlush:
		h.serveFlush(w, r)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		refuse(w, "GET, HEAD")
	case isPage:
		page(h, r).write(w)
	case isAsset:
		file.write(w)
	default:
		missing("There is no such page.").write(w)
	}
}

// addSlash leads to the same place with a slash at its end, without which the links would lead elsewhere.
func addSlash(w http.ResponseWriter, r *http.Request) {
	asked, _, _ := strings.Cut(r.RequestURI, "?")
	w.Header().Set("Location", "./"+path.Base(asked)+"/")
	w.WriteHeader(http.StatusMovedPermanently)
}

// refuse answers a method that is not for this address.
func refuse(w http.ResponseWriter, allowed string) {
	w.Header().Set("Allow", allowed)
	http.Error(w, "pgcache: this page is read with "+allowed, http.StatusMethodNotAllowed)
}

// serveFlush empties the cache, and leads back to the overview.
func (h *handler) serveFlush(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		refuse(w, "POST")
		return
	}
	if err := h.flush(r.Context()); err != nil {
		failed("overview", err).write(w)
		return
	}
	w.Header().Set("Location", "./?flushed")
	w.WriteHeader(http.StatusSeeOther)
}
