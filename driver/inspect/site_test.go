package inspect

import (
	"database/sql"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	_ "github.com/gopgcache/pgcache/driver" // the driver "pgcache"
	"github.com/gopgcache/pgcache/dsn"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// site is a database with a cache, and the pages about it.
type site struct {
	t  *testing.T
	db *sql.DB
	http.Handler
}

const (
	byID    = "select owner from accounts where id = $1"
	all     = "select count(*) from accounts"
	clock   = "select now() from accounts where id = 1"
	writing = "insert into accounts values (1000, 'new') returning id"
)

// newSite makes a database of its own that has been asked some of everything: 7 hits, 3 misses and a bypassed query.
func newSite(t *testing.T, opts ...Option) *site {
	t.Helper()
	s := &site{t: t, db: openDB(t, pgtest.Database(t))}
	s.Handler = Handler(s.db, opts...)
	s.exec("create table accounts (id int, owner text); insert into accounts select g, 'owner ' || g from generate_series(1, 50) g")
	for range 4 {
		s.read(byID, 1)
		s.read(all)
	}
	s.read(byID, 2)
	s.read(byID, 2)
	s.read(clock)
	return s
}

func openDB(t *testing.T, base string) *sql.DB {
	t.Helper()
	config, err := dsn.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	rule, err := dsn.ParseRule("people: table=accounts ttl=1h")
	if err != nil {
		t.Fatal(err)
	}
	config.Rules = append(config.Rules, rule)
	db, err := sql.Open("pgcache", config.Format())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func (s *site) exec(query string) {
	s.t.Helper()
	if _, err := s.db.ExecContext(s.t.Context(), query); err != nil {
		s.t.Fatalf("%s: %v", query, err)
	}
}

// read gives a result as the pages' own source does, all text.
func (s *site) read(query string, args ...any) [][]string {
	s.t.Helper()
	rows, err := s.db.QueryContext(s.t.Context(), query, args...)
	if err != nil {
		s.t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		s.t.Fatal(err)
	}
	var list [][]string
	for rows.Next() {
		row, into := make([]string, len(columns)), make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			s.t.Fatal(err)
		}
		list = append(list, row)
	}
	if err := rows.Err(); err != nil {
		s.t.Fatal(err)
	}
	return list
}

// ask sends a request, and gives the answer with its body.
func (s *site) ask(method, path string, header ...string) (*http.Response, string) {
	s.t.Helper()
	r := httptest.NewRequest(method, "http://example.com"+path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	answer := w.Result()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer, string(body)
}

// page gets a page that must be there, and reads it.
func (s *site) page(path string) *document {
	s.t.Helper()
	answer, body := s.ask(http.MethodGet, path)
	if answer.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: %s\n%s", path, answer.Status, body)
	}
	return parse(s.t, body)
}
