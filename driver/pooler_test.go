package driver

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// disguise passes a connection's bytes on, and tells the client another process number than the server's, as poolers do.
type disguise struct {
	net.Conn
	done bool
}

// keyData begins the message with the server's process number: its type and length.
const keyData = "K\x00\x00\x00\x0c"

func (d *disguise) Read(b []byte) (int, error) {
	n, err := d.Conn.Read(b)
	if i := strings.Index(string(b[:n]), keyData); i >= 0 && !d.done {
		b[i+len(keyData)] ^= 0x40
		d.done = true
	}
	return n, err
}

// Behind a pooler sessions are cached as they come, and not once they are changed: the next statement may find another.
func TestBehindAPooler(t *testing.T) {
	f := newFixture(t)
	config, err := pgx.ParseConfig(f.dsn)
	if err != nil {
		t.Fatal(err)
	}
	dial := config.DialFunc
	config.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		return &disguise{Conn: conn}, err
	}
	f.connector, err = NewConnectorConfig(config, "pgcache_rule='all: * ttl=1h'")
	f.DB, err = openConnector(f.connector, err)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.DB.Close() })
	f.caches(byID, 1)
	f.readsOn(f.DB, "<nil>", 0, "select current_setting('app.tenant', true)")
	f.readsOn(f.DB, "<nil>", 0, "select current_setting('app.tenant', true)")
	conn := f.pin()
	f.read(conn, byID, 1)
	f.exec(conn, "set app.tenant = '1'")
	f.readsOn(conn, f.read(f.plain, byID, 1), 0, byID, 1)
	if reason := f.read(conn, "explain (pgcache) "+byID, 1); !strings.Contains(reason, "pooler") {
		t.Error(reason)
	}
}
