package driver

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/cachestore/peer"
	"github.com/gopgcache/pgcache/driver/internal/argument"
)

// maxServing is how many connections entries are made on for peers. Fills for callers of this process are not counted.
const maxServing = 8

// errNotKept means that the entry can't be judged by others: a write overlapped it, or it is too large.
var errNotKept = errors.New("pgcache: the result can't be kept")

// servingConnector gives the connections on which entries are made for peers.
type servingConnector struct{ cache *cache }

func (s servingConnector) Connect(context.Context) (driver.Conn, error) { return newConn(s.cache), nil }

func (s servingConnector) Driver() driver.Driver { return s.cache.pgx.Driver() }

// serve makes an entry for a peer.
func (p *peers) serve(ctx context.Context, body []byte) (peer.Filled, error) {
	var q peerRequest
	if err := json.Unmarshal(body, &q); err != nil {
		return peer.Filled{}, fmt.Errorf("%w: %w", peer.ErrRefused, err)
	}
	conn, err := p.serving.Conn(ctx)
	if err != nil {
		return peer.Filled{}, err
	}
	defer conn.Close()
	var entry *cachestore.Entry
	err = conn.Raw(func(own any) error {
		entry, err = own.(*Conn).entryFor(ctx, &q)
		if err == nil && q.Settings != nil {
			return driver.ErrBadConn // its session is not what it was; the next request gets another
		}
		return err
	})
	if entry == nil && err == nil {
		err = errNotKept
	}
	if entry == nil {
		return peer.Filled{}, err
	}
	now := time.Now()
	return peer.Filled{Bytes: entry.AppendEncoded(nil, now), Keep: true, At: now}, nil
}

// entryFor gives the entry that a peer asks for: what memory has, or what PostgreSQL says, to this process's own rules and
// verdict, in a session of the same identity that can only read. Whatever is not the same here as there is refused.
func (c *Conn) entryFor(ctx context.Context, q *peerRequest) (*cachestore.Entry, error) {
	if err := c.readOnly(ctx, q.Settings); err != nil {
		return nil, err
	}
	r := request{
		text: c.cache.texts.of(q.SQL), args: argument.Unpack(q.Args),
		wishes: wishes{rule: q.Rule, key: q.Custom, ttl: q.TTL},
	}
	if r.text.command != nil {
		return nil, peer.ErrRefused
	}
	may, err := c.admissible(ctx, &r)
	if err != nil {
		return nil, err
	}
	if !may || !r.makeKey(c) || r.commonKey() != q.Key {
		return nil, peer.ErrRefused
	}
	if r.verdict.strict {
		r.confirm(ctx)
	}
	if entry, _ := c.cache.find(ctx, &r); entry != nil && entry.Age(r.began) < r.ttl()/2 && entry.Encodable() {
		return entry, nil
	}
	return c.makeForPeer(ctx, &r)
}

// makeForPeer makes an entry, or waits for who makes it, and for the verdict on it.
func (c *Conn) makeForPeer(ctx context.Context, r *request) (*cachestore.Entry, error) {
	f, first := c.cache.flights.join(r, &c.cache.ledger)
	switch {
	case first && !r.verdict.current(c.cache):
		f.giveUp()
		return nil, errJudgeAgain
	case first:
		if err := c.leadToEnd(ctx, r, f); err != nil {
			return nil, err
		}
	default:
		if _, outcome, err := f.wait(ctx, r.verdict.rule.Lock); outcome != served {
			return nil, errors.Join(errNotKept, err)
		}
	}
	entry, err := f.decision(ctx)
	if entry == nil || !entry.Encodable() {
		return nil, errors.Join(errNotKept, err)
	}
	return entry, nil
}

// leadToEnd makes an entry, reading all of it.
func (c *Conn) leadToEnd(ctx context.Context, r *request, f *flight) (err error) {
	rows, err := c.lead(ctx, r, f)
	if r.result == ResultMiss {
		c.countMiss(r)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	dest := make([]driver.Value, len(rows.Columns()))
	for err == nil {
		err = rows.Next(dest)
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// readOnly sees to it that the session can only read, whatever a statement turns out to do, and has the settings of the user's
// own that a request was made with.
func (c *Conn) readOnly(ctx context.Context, own map[string]*string) error {
	fresh := c.inner.std == nil
	std, err := c.inner.conn(ctx)
	if err != nil {
		return err
	}
	if fresh || c.inner.std != c.restricted {
		if _, err := std.Conn().Exec(ctx, "set default_transaction_read_only = on"); err != nil {
			return c.unanswered(ctx, err)
		}
		c.restricted = std
	}
	for name, value := range own {
		if value == nil {
			continue
		}
		c.forget()
		if _, err := std.Conn().Exec(ctx, "select pg_catalog.set_config($1, $2, false)", name, *value); err != nil {
			return c.unanswered(ctx, err)
		}
	}
	return nil
}

// openServing opens the pool of connections on which entries are made for peers.
func openServing(c *cache) *sql.DB {
	db := sql.OpenDB(servingConnector{c})
	db.SetMaxOpenConns(maxServing)
	db.SetConnMaxIdleTime(time.Minute)
	return db
}
