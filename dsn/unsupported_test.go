package dsn

import (
	"errors"
	"strings"
	"testing"
)

func TestUnsupported(t *testing.T) {
	for _, dsn := range []string{
		"",
		"pgcache=off pgcache_store=redis pgcache_consistency=strict",
		"pgcache=on pgcache_store=memory pgcache_feed=auto pgcache_consistency=auto pgcache_tx=bypass pgcache_publication=pgcache",
		"pgcache_feed=none pgcache_consistency=ttl pgcache_namespace=a pgcache_timeout=1s pgcache_max_entry=1MB pgcache_memory=1MB",
		"pgcache_rule='a: * ttl=1m stale=1m stale_if_error=1h max_rows=1 max_bytes=1 empty=skip allow=now refresh=early lock=1s consistency=strict'",
		"pgcache_feed=wal pgcache_publication=p pgcache_consistency=tracked",
		"pgcache_store=redis pgcache_redis=redis://:hunter2@r pgcache_redis_key_file=k",
		"pgcache_store=peer pgcache_peers=https://a:1,https://b:1 pgcache_peer_self=https://a:1 pgcache_peer_listen=:1 pgcache_peer_secret_file=/s",
	} {
		c, err := Parse(dsn)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Unsupported(); err != nil {
			t.Errorf("%s: %v", dsn, err)
		}
	}
	for _, tt := range []struct{ dsn, want string }{
		{"pgcache_tx=readonly", `pgcache_tx="readonly": not supported yet`},
	} {
		c, err := Parse(tt.dsn)
		if err != nil {
			t.Errorf("%s: %v", tt.dsn, err)
			continue
		}
		err = c.Unsupported()
		if err == nil || err.Error() != "pgcache: "+tt.want {
			t.Errorf("%s:\n got %v\nwant pgcache: %s", tt.dsn, err, tt.want)
		}
		e, ok := errors.AsType[*Error](err)
		if !ok || !errors.Is(err, ErrUnsupported) || e.Parameter == "" || !strings.Contains(tt.dsn, e.Parameter) {
			t.Errorf("%s: %#v", tt.dsn, err)
		}
	}
}

// A row that names no parameter would refuse nothing.
func TestUnsupportedRowsAreParameters(t *testing.T) {
	for _, row := range unsupported {
		if _, err := parameterNamed(row.parameter); err != nil {
			t.Error(err)
		}
	}
}
