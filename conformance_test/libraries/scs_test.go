package libraries_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/alexedwards/scs/postgresstore"
	"github.com/alexedwards/scs/v2"
)

const sessions = `CREATE TABLE sessions (token text PRIMARY KEY, data bytea NOT NULL, expiry timestamptz NOT NULL);
	CREATE INDEX sessions_expiry_idx ON sessions (expiry);`

// TestSCS counts a visitor's visits in a session. What a session is asked for goes to PostgreSQL every time, since scs
// compares with the current time.
func TestSCS(t *testing.T) {
	inModes(t, func(t *testing.T, at place, log *transcript) {
		db := at.open(t, log)
		_, err := db.ExecContext(t.Context(), sessions)
		log.runs("create the table", err)
		store := postgresstore.NewWithCleanupInterval(db, 0)
		manager := scs.New()
		manager.Store = store
		server := manager.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			visits := manager.GetInt(r.Context(), "visits") + 1
			manager.Put(r.Context(), "visits", visits)
			if r.URL.Path == "/leave" {
				_ = manager.Destroy(r.Context())
			}
			_, _ = w.Write([]byte(strconv.Itoa(visits)))
		}))
		var cookies []*http.Cookie
		visit := func(path string) (any, error) {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
			if err != nil {
				return nil, err
			}
			for _, cookie := range cookies {
				request.AddCookie(cookie)
			}
			response := httptest.NewRecorder()
			server.ServeHTTP(response, request)
			if path == "/" {
				cookies = response.Result().Cookies()
			}
			return response.Body.String(), nil
		}
		for _, path := range []string{"/", "/", "/", "/leave", "/", "/"} {
			log.does("visit "+path, func() (any, error) { return visit(path) })
		}
		storeSCS(t.Context(), store, log)
		log.reads("a query of one's own", func() (any, error) {
			rows, err := db.QueryContext(t.Context(), "SELECT token, data FROM sessions WHERE token LIKE 'token%' ORDER BY token")
			if err != nil {
				return nil, err
			}
			defer rows.Close()
			return scanAll(rows)
		})
	})
}

func storeSCS(ctx context.Context, store scs.Store, log *transcript) {
	find := func(token string) {
		log.asks("find "+token, func() (any, error) {
			data, found, err := store.Find(token)
			return []any{data, found}, err
		})
	}
	future := time.Now().Add(time.Hour)
	if until, ok := ctx.Deadline(); ok {
		future = until
	}
	log.runs("commit", store.Commit("token", []byte{0, 1, 0xff}, future))
	log.runs("commit an old one", store.Commit("token of old", []byte("old"), noon))
	find("token")
	find("token of old")
	find("nobody's")
	log.runs("commit again", store.Commit("token", []byte("new"), future))
	find("token")
	log.does("the number of all", func() (any, error) {
		all, err := store.(scs.IterableStore).All()
		return len(all), err
	})
	log.runs("delete", store.Delete("token"))
	find("token")
}
