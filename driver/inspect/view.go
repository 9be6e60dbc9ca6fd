package inspect

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"strconv"
)

//go:embed pages/*.html
var pageFiles embed.FS

var templates = template.Must(template.New("").ParseFS(pageFiles, "pages/*.html"))

// view is one page, ready to be written.
type view struct {
	Page  string // the name of its template, and of its place in the menu
	Title string
	Error string // what went wrong, instead of the data
	Body  any    // what the page's template shows

	status int
	// reload has the browser ask again by itself: for those without JavaScript.
	reload int
}

// menu are the pages that every page leads to.
var menu = []struct{ Page, Href, Title string }{
	{"overview", "./", "Overview"},
	{"statements", "statements", "Statements"},
	{"rules", "rules", "Rules"},
	{"advice", "advice", "Advice"},
	{"feed", "feed", "Feed"},
}

// Menu is for the template.
func (view) Menu() any { return menu }

// titles are the headings of the pages.
var titles = map[string]string{
	"overview": "Overview", "statements": "Statements", "statement": "Statement", "rules": "Rules", "advice": "Advice",
	"feed": "Feed", "error": "Not found",
}

func shown(page string, body any) view {
	return view{Page: page, Title: titles[page], Body: body, status: http.StatusOK}
}

// failed is the page of a database that can't be asked.
func failed(page string, err error) view {
	return view{Page: page, Title: titles[page], Error: printable(err.Error()), status: http.StatusServiceUnavailable}
}

func missing(what string) view {
	return view{Page: "error", Title: titles["error"], Error: what, status: http.StatusNotFound}
}

// write writes the whole page or, when its template fails, an error and nothing of the page.
func (v view) write(w http.ResponseWriter) {
	var page bytes.Buffer
	if err := templates.ExecuteTemplate(&page, "page", v); err != nil {
		http.Error(w, "pgcache: the page can't be drawn: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if v.reload > 0 {
		w.Header().Set("Refresh", strconv.Itoa(v.reload))
	}
	w.WriteHeader(v.status)
	_, _ = w.Write(page.Bytes()) // the visitor may have left
}
