package inspect_test

import (
	"database/sql"
	"fmt"
	"net/http"
	"net/http/httptest"

	_ "github.com/gopgcache/pgcache/driver" // the driver "pgcache"
	"github.com/gopgcache/pgcache/driver/inspect"
)

// The pages need no PostgreSQL to tell what the cache did.
func Example() {
	db, err := sql.Open("pgcache", "postgres://app@localhost/shop?pgcache_rule=hot: table=products ttl=10m")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	mux := http.NewServeMux()
	mux.Handle("/debug/pgcache/", inspect.Handler(db))

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/debug/pgcache/", nil))
	fmt.Println(w.Code, w.Header().Get("Content-Type"))
	// Output: 200 text/html; charset=utf-8
}
