package pgbench

import (
	"testing"

	"github.com/gopgcache/pgcache/dsn"
)

func TestAddRule(t *testing.T) {
	for base, want := range map[string]string{
		"postgres://u@h/d?sslmode=disable": "postgres://u@h/d?sslmode=disable&pgcache_rule=hot:%20*%20ttl%3D1m&pgcache_store=redis",
		"host=h user=u":                    "host=h user=u pgcache_rule='hot: * ttl=1m' pgcache_store=redis",
	} {
		got, err := addRule(base, "hot: * ttl=1m", func(c *dsn.Config) { c.Store = dsn.StoreRedis })
		if err != nil || got != want {
			t.Errorf("%s, %v; want %s", got, err, want)
		}
	}
}
