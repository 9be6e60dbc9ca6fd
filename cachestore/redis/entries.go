package redis

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/gopgcache/pgcache/cachestore"
)

const (
	// mostValue is the largest value that is stored, in bytes. Redis takes up to 512 MiB.
	mostValue = 128 << 20
	// epochKept is how long a bucket's epoch is kept after the last put. When it is gone, so are the bucket's entries.
	epochKept = 7 * 24 * time.Hour
	// longest is what a life is cut to, so that Redis takes it.
	longest = 10 * 365 * 24 * time.Hour
	// tick is what Redis rounds times to.
	tick = time.Millisecond
)

// orderedPipeline returns a pipeline whose commands are run in the order they were added. In a Cluster that takes a transaction,
// since a redirection may make one command wait for the next round. All keys must have one hash tag then.
func (s *Store) orderedPipeline() goredis.Pipeliner {
	if s.cluster {
		return s.client.TxPipeline()
	}
	return s.client.Pipeline()
}

// execute runs what was added to a pipeline. No error is needed for the commands' own errors to be looked at, but an error for which
// nothing was run is found only here: the commands know nothing of it, and have zero as their results.
func execute(ctx context.Context, pipe goredis.Pipeliner) error {
	_, err := pipe.Exec(ctx)
	return unlessNil(err)
}

// unlessNil is err, unless it says that there is nothing.
func unlessNil(err error) error {
	if errors.Is(err, goredis.Nil) {
		return nil
	}
	return err
}

// fetch is the look for an entry, as part of a pipeline.
type fetch struct {
	names entryNames
	left  *goredis.DurationCmd
	epoch *goredis.StringCmd
	value *goredis.StringCmd
}

// fetched is what a fetch has found.
type fetched struct {
	names entryNames
	left  time.Duration // negative: there was none
	epoch string
	value []byte
}

// queueFetch adds the look to an ordered pipeline. The time left comes first: should the value be replaced in between, the new one
// is taken for older than it is, never for younger.
func (s *Store) queueFetch(ctx context.Context, pipe goredis.Pipeliner, names entryNames) fetch {
	return fetch{
		names: names,
		left:  pipe.PTTL(ctx, names.value),
		epoch: pipe.Get(ctx, names.epoch),
		value: pipe.Get(ctx, names.value),
	}
}

func (q fetch) result() (fetched, error) {
	f := fetched{names: q.names}
	var errs [3]error
	f.left, errs[0] = q.left.Result()
	f.epoch, errs[1] = q.epoch.Result()
	f.value, errs[2] = q.value.Bytes()
	for _, err := range errs {
		if err != nil && !errors.Is(err, goredis.Nil) {
			return f, err
		}
	}
	if errs[2] != nil {
		f.value = nil
	}
	return f, nil
}

// decode makes an entry of what was found; nil if it is none, or one from before Clear. asked is a time before the look.
func (s *Store) decode(f fetched, asked time.Time) *cachestore.Entry {
	if f.value == nil || f.left == -2 { // none, or there was none a moment before
		return nil
	}
	encoded, life, epoch, err := s.envelope.unwrap(f.names.value, f.value)
	if err != nil || f.left < 0 { // somebody made it stay for ever, so its age can't be told
		s.guard.counts.damaged.Add(1)
		return nil
	}
	if epoch != f.epoch {
		return nil
	}
	entry, err := cachestore.DecodeEntry(encoded, life-f.left+tick, asked)
	if err != nil {
		s.guard.counts.damaged.Add(1)
		return nil
	}
	if entry.Expired(cachestore.Now()) {
		return nil
	}
	return entry
}

// packed is an entry on its way into Redis.
type packed struct {
	encoded []byte
	at      time.Time     // when it was encoded: its age counts up to here
	life    time.Duration // how much of it was left then
}

// pack encodes an entry; nil if it is not to be stored.
func (s *Store) pack(entry *cachestore.Entry) *packed {
	now := time.Now()
	life := min(entry.Keep()-max(now.Sub(entry.ReadAt()), 0), longest).Truncate(tick)
	if life <= 0 || !entry.Encodable() {
		return nil
	}
	encoded := entry.AppendEncoded(nil, now)
	if len(encoded) > mostValue {
		return nil
	}
	return &packed{encoded: encoded, at: now, life: life}
}

// entrance is what is needed to put: the epoch of the bucket, and what the server's clock said at a moment that was not after at.
// So the server can tell how long ago something was here, without the clocks of two machines being compared.
type entrance struct {
	epoch  string
	server int64 // microseconds
	at     time.Time
}

func (s *Store) enter(ctx context.Context, names entryNames) (entrance, error) {
	reply, err := enterScript.Run(ctx, s.client, []string{names.epoch}, rand.Text(), epochKept.Milliseconds()).StringSlice()
	if err != nil {
		return entrance{}, err
	}
	return entranceOf(reply, time.Now())
}

func entranceOf(reply []string, now time.Time) (entrance, error) {
	if len(reply) < 3 || len(reply[0]) != epochBytes {
		return entrance{}, fmt.Errorf("pgcache: Redis: a script gave %d values, or an epoch that is none", len(reply))
	}
	seconds, err := strconv.ParseInt(reply[1], 10, 64)
	if err != nil {
		return entrance{}, err
	}
	micros, err := strconv.ParseInt(reply[2], 10, 64)
	return entrance{epoch: reply[0], server: seconds*1e6 + micros, at: now}, err
}

// serverTime is what the server's clock said at t, or a little less.
func (e entrance) serverTime(t time.Time) int64 { return e.server + t.Sub(e.at).Microseconds() }

// send has Redis put an entry, under a lease if there is a token.
func (s *Store) send(ctx context.Context, names entryNames, p *packed, e entrance, token string) error {
	value := s.envelope.wrap(names.value, p.encoded, p.life, e.epoch)
	return putScript.Run(ctx, s.client, []string{names.epoch, names.value, names.lease},
		e.epoch, value, e.serverTime(p.at)/1000+p.life.Milliseconds(), token, names.channel).Err()
}
