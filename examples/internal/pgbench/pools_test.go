package pgbench

import "testing"

func TestAddRule(t *testing.T) {
	for base, want := range map[string]string{
		"postgres://u@h/d?sslmode=disable": "postgres://u@h/d?sslmode=disable&pgcache_rule=hot:%20*%20ttl%3D1m",
		"host=h user=u":                    "host=h user=u pgcache_rule='hot: * ttl=1m'",
	} {
		got, err := addRule(base, "hot: * ttl=1m")
		if err != nil || got != want {
			t.Errorf("%s, %v; want %s", got, err, want)
		}
	}
}
