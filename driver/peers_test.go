package driver

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// newPeers makes a fleet of processes that are peers of each other.
func newPeers(t *testing.T, size int, more ...string) (*fixture, []party) {
	t.Helper()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(strings.Repeat("a secret of peers ", 3)), 0o600); err != nil {
		t.Fatal(err)
	}
	urls := make([]string, size)
	for i := range urls {
		urls[i] = "http://" + freeAddress(t)
	}
	f := newFixture(t)
	parties := make([]party, size)
	for i := range parties {
		params := append([]string{
			"rule=all: * ttl=1h lock=1m", "store=peer", "timeout=1s", "peer_secret_file=" + secret, "peer_self=" + urls[i], "peers=" + strings.Join(urls, ","),
		}, more...)
		parties[i].DB, parties[i].connector = f.open(params...)
	}
	f.DB, f.connector = parties[0].DB, parties[0].connector
	return f, parties
}

// freeAddress gives an address that nobody listens on just now.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// Of many keys each is made once in the fleet, wherever it is asked for first, and all give what PostgreSQL gives.
func TestPeersShareEntries(t *testing.T) {
	for _, feed := range []string{"none", "wal", "relay"} {
		t.Run(feed, func(t *testing.T) {
			f, parties := newPeers(t, 3, "feed="+feed)
			if feed != "none" {
				f.allFollow(parties)
			}
			const keys = 60
			f.queries.Store(0)
			for id := range keys {
				for i := range parties {
					p := parties[(i+id)%len(parties)]
					if got, want := f.read(p.DB, "select id, owner from accounts where id = $1", id), f.read(f.plain, "select id, owner from accounts where id = $1", id); got != want {
						t.Errorf("account %d: got %q, want %q", id, got, want)
					}
				}
			}
			// An entry that can't be judged at once, since its commit order is not known yet, is made again.
			if n := f.queries.Load(); n < keys || n > keys+keys/4 {
				t.Errorf("PostgreSQL was asked %d times for %d keys", n, keys)
			}
			shared := int64(0)
			for _, p := range parties {
				shared += p.connector.Stats().SharedHits
			}
			if shared < keys {
				t.Errorf("%d shared hits only", shared)
			}
		})
	}
}

// Every kind of argument that is sent to a peer means the same there.
func TestPeersTakeArguments(t *testing.T) {
	f, parties := newPeers(t, 3, "feed=none")
	when := time.Date(2024, 7, 1, 12, 0, 0, 123456000, time.FixedZone("CEST", 7200))
	for _, arg := range []any{nil, int64(1), 2, "three", true, 4.5, []byte("five"), when, when.UTC()} {
		for i := range 12 {
			query := fmt.Sprintf("select $1, %d from accounts where id = 1", i)
			switch arg.(type) {
			case time.Time:
				query = strings.Replace(query, "$1", "$1::timestamptz", 1)
			case []byte:
				query = strings.Replace(query, "$1", "$1::bytea", 1)
			case int64, int:
				query = strings.Replace(query, "$1", "$1::bigint", 1)
			case bool:
				query = strings.Replace(query, "$1", "$1::bool", 1)
			case float64:
				query = strings.Replace(query, "$1", "$1::float8", 1)
			default:
				query = strings.Replace(query, "$1", "$1::text", 1)
			}
			for _, p := range parties {
				if got, want := f.read(p.DB, query, arg), f.read(f.plain, query, arg); got != want {
					t.Errorf("%s of %v: got %q, want %q", query, arg, got, want)
				}
			}
		}
	}
	refused := int64(0)
	for _, p := range parties {
		refused += p.connector.cache.peers.fleet.Stats().Refused.ByFill
	}
	if refused != 0 {
		t.Errorf("%d requests were refused", refused)
	}
}

// Whoever writes reads what was written, at the level ttl and above.
func TestPeersReadOwnWrites(t *testing.T) {
	for _, feed := range []string{"none", "wal", "relay"} {
		t.Run(feed, func(t *testing.T) {
			f, parties := newPeers(t, 3, "feed="+feed)
			if feed != "none" {
				f.allFollow(parties)
			}
			for i := range 100 {
				p := parties[i%3]
				for _, other := range parties {
					f.read(other.DB, balanceOf, 1)
				}
				f.exec(p, "update accounts set balance = $1 where id = 1", i+1)
				if got := f.read(p.DB, balanceOf, 1); got != fmt.Sprint(i+1) {
					t.Fatalf("read %s after %d was written", got, i+1)
				}
			}
		})
	}
}

// 3 processes, 100 goroutines each, one cold key, a heavy query: PostgreSQL runs it once.
func TestPeersFillOnce(t *testing.T) {
	f, parties := newPeers(t, 3, "feed=none")
	for _, p := range parties {
		p.SetMaxOpenConns(100)
		f.read(p.DB, "select count(*) from accounts where id = 0")
	}
	f.queries.Store(0)
	f.stampede(parties, 100)
	if n := f.queries.Load(); n != 1 {
		t.Errorf("PostgreSQL ran the query %d times", n)
	}
}

// An owner runs nothing that its own rules don't name, that is no read, or that is meant for another session.
func TestOwnerRefuses(t *testing.T) {
	f, parties := newPeers(t, 2, "feed=none", "rule=accounts: table=accounts ttl=1h")
	f.exec(f.plain, "create table secrets (id int); insert into secrets values (1)")
	p := parties[0].connector.cache.peers
	ask := func(q string) error {
		_, err := p.serve(t.Context(), []byte(q))
		return err
	}
	for _, q := range []string{
		`{"SQL": "select id from accounts where id = 1"}`, // another key
		`{"SQL": "delete from accounts"}`,
		`{"SQL": "show pgcache.stats"}`,
		`{"SQL": "select pg_sleep(100)"}`,
		`{"SQL": "select 1; delete from accounts"}`,
		`{"SQL": "select id from accounts where id = 1", "Rule": "another"}`,
		`not json`, ``, `{}`, `[]`, `{"Key": [1]}`,
	} {
		if err := ask(q); err == nil {
			t.Errorf("%s was run", q)
		}
	}
	if got := f.read(f.plain, "select count(*) from accounts"); got != "1000" {
		t.Errorf("%s accounts are left", got)
	}
}

// The connections on which entries are made for others can't write.
func TestServingConnectionsAreReadOnly(t *testing.T) {
	f, parties := newPeers(t, 2, "feed=none")
	for id := range 20 {
		f.read(parties[0].DB, balanceOf, id)
		f.read(parties[1].DB, balanceOf, id)
	}
	conn, err := parties[1].connector.cache.peers.serving.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	err = conn.Raw(func(own any) error { return own.(*Conn).readOnly(t.Context(), nil) })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), "delete from accounts"); err == nil || !strings.Contains(err.Error(), "25006") {
		t.Errorf("error %v, want one of a read-only transaction", err)
	}
}

// A peer that is gone costs nothing but its help.
func TestPeerGone(t *testing.T) {
	f, parties := newPeers(t, 3, "feed=none")
	if err := parties[2].Close(); err != nil {
		t.Fatal(err)
	}
	for id := range 60 {
		if got, want := f.read(parties[0].DB, balanceOf, id), f.read(f.plain, balanceOf, id); got != want {
			t.Errorf("account %d: got %q, want %q", id, got, want)
		}
	}
}

// A fill in the background that waited for the owner in vain is one query for all who wait for it, and not one of each.
func TestRefreshWaitsInVainOnce(t *testing.T) {
	const callers, lock = 20, 3 * time.Second
	f, parties := newPeers(t, 2, "feed=none", "rule=short: * ttl=1ms stale=1h lock="+lock.String())
	ctx := WithRule(t.Context(), "short")
	f.DB, f.connector = parties[1].DB, parties[1].connector
	f.SetMaxOpenConns(callers)
	query, own := "", f.connector.cache.peers.fleet
	for i := 0; own.Stats().Fetched == 0; i++ { // until the other process owns the key
		query = fmt.Sprintf("select count(*), %d from accounts", i)
		if r := <-f.ask(ctx, query); r.err != nil {
			t.Fatal(r.err)
		}
	}
	unlock := f.lock("accounts")
	f.queries.Store(0)
	if r := <-f.ask(ctx, query); r.err != nil {
		t.Fatal(r.err)
	}
	f.waitForLockWaiters(1)
	if err := f.connector.cache.store.Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := f.connector.Stats().Coalesced
	var answers []<-chan result
	for range callers {
		answers = append(answers, f.ask(ctx, query))
	}
	f.eventually("everybody waits", func() bool { return f.waiting() == callers })
	passed := time.After(lock) // for all of them
	f.eventually("the fill asks itself", func() bool { return f.queries.Load() == 2 })
	<-passed
	unlock()
	for _, a := range answers {
		if r := <-a; r.err != nil {
			t.Fatal(r.err)
		}
	}
	if n := f.connector.Stats().Coalesced - before; n != callers {
		t.Errorf("%d of %d waited for one query", n, callers)
	}
}

// Where a rule says lock=0 nobody waits for what another process makes.
func TestNoLockNoPeers(t *testing.T) {
	f, parties := newPeers(t, 2, "feed=none", "rule=alone: * ttl=1h lock=0s")
	ctx := WithRule(t.Context(), "alone")
	for id := range 20 {
		for _, p := range parties {
			if got, err := readAll(ctx, p.DB, balanceOf, id); err != nil || got != f.read(f.plain, balanceOf, id) {
				t.Fatal(got, err)
			}
		}
	}
	for _, p := range parties {
		if s := p.connector.cache.peers.fleet.Stats(); s.Fetched+s.Served != 0 {
			t.Errorf("%+v", s)
		}
	}
}
