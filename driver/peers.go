package driver

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"time"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/cachestore/peer"
	"github.com/gopgcache/pgcache/internal/freshness"
)

// peers is this process as one of a fleet in which each key has an owner, who makes the entry for everybody. Each process judges
// what it gets by its own ledger, as it would judge what it made itself.
type peers struct {
	cache *cache
	fleet *peer.Fleet
	// serving are the connections on which entries are made for others.
	serving *sql.DB
	// lately is when this process wrote what, for entries that no feed tells about.
	lately cutoffs
}

// fetch asks the owner of a request's key for the entry. Where this process is the owner, or the owner is of no help, it gives
// nothing.
func (p *peers) fetch(ctx context.Context, r *request) (entry, past *cachestore.Entry) {
	if r.verdict.rule.Lock == 0 {
		return nil, nil // what the owner has can't be told from what it would have to be waited for
	}
	if fw := r.verdict.follower; fw != nil && !fw.ownDelivered(r.tags()) {
		return nil, nil
	}
	body, ok := r.forPeer()
	if !ok {
		return nil, nil
	}
	position := p.cache.ledger.Position()
	answer, err := p.fleet.Fetch(ctx, peer.Call{Key: p.keyOf(r), Request: body, Patience: r.verdict.rule.Lock})
	if err != nil {
		if !errors.Is(err, peer.ErrOwn) && ctx.Err() == nil {
			p.cache.stats.storeErrors.Add(1)
		}
		return nil, nil
	}
	e, err := cachestore.DecodeEntry(answer.Bytes, answer.Rested, time.Now())
	if err != nil {
		p.cache.stats.corruptEntries.Add(1)
		return nil, nil
	}
	if r.verdict.follower == nil {
		if e = p.adopt(e, position); e == nil {
			return nil, nil
		}
	}
	return p.cache.weighForeign(ctx, r, e)
}

// adopt gives an entry that another process made a position in this process's count of changes. That can be done if this
// process has not written to its tables since it was read, and gives nil if not; of the writes of others the level ttl knows
// nothing.
func (p *peers) adopt(e *cachestore.Entry, position uint64) *cachestore.Entry {
	if p.lately.since(e.ReadInstant(), e.Tags()) || !p.cache.ledger.Admit(e.Tags(), position) {
		return nil
	}
	content := e.Content()
	content.Position = position
	return cachestore.NewEntry(content)
}

// wrote notes a write of this process: once when it begins, and once when it has ended.
func (p *peers) wrote(tags []freshness.Tag, all bool) {
	switch {
	case p == nil, !all && len(tags) == 0:
	case all:
		p.lately.addAll()
	default:
		p.lately.add(tags)
	}
}

// keyOf is the key in the fleet. Nothing there is ever deleted, so it names the version of what it stands for: the last change
// of the tables that this process knows of, and a period no longer than the ttl, which begins at a moment of its own for each
// key.
func (p *peers) keyOf(r *request) string {
	key := r.commonKey()
	b := append([]byte(nil), key[:]...)
	if fw := r.verdict.follower; fw != nil {
		b = binary.BigEndian.AppendUint64(b, fw.tracker.Changed(r.tags()))
	}
	period := max(r.ttl(), time.Millisecond)
	phase := time.Duration(binary.BigEndian.Uint64(key[:]) % uint64(period))
	return string(binary.BigEndian.AppendUint64(b, uint64((time.Duration(time.Now().UnixNano())+phase)/period)))
}

// close leaves the fleet.
func (p *peers) close() error {
	return errors.Join(p.fleet.Close(), p.serving.Close())
}
