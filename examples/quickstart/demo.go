package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/gopgcache/pgcache/examples/internal/pgbench"
)

// demo asks the question with and without the cache.
type demo struct {
	*pgbench.Pools
	database *pgbench.Database

	uncached time.Duration // what the question costs without the cache
	last     answer        // what plain pgx answered last
}

// play runs the scenes in order and prints each as it ends.
func (d *demo) play(ctx context.Context, out io.Writer) error {
	if err := d.introduce(ctx, out); err != nil {
		return err
	}
	for _, scene := range []func(context.Context) (row, error){d.withoutCache, d.miss, d.hit, d.afterWrite, d.serverStopped} {
		r, err := scene(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", r.what, err)
		}
		d.print(out, r)
	}
	conclude(out)
	return d.printStats(ctx, out)
}

// The numbers of runs that medians are taken of: the question is slow without the cache.
const (
	slowRuns = 3
	fastRuns = 101
)

// withoutCache sets the mark: what the question costs without us.
func (d *demo) withoutCache(ctx context.Context) (row, error) {
	r := row{what: "plain pgx", talk: talkUncached, checked: fmt.Sprintf("all %d agree", slowRuns)}
	answers, median, err := times(ctx, d.Plain, slowRuns)
	if err != nil {
		return r, err
	}
	r.took, d.uncached, d.last = median, median, answers[0]
	return r, agree(answers, d.last)
}

// miss is the first time that the cache hears the question: PostgreSQL answers, and the answer is kept.
func (d *demo) miss(ctx context.Context) (row, error) {
	r := row{what: "pgcache, first run (miss)", checked: "equals plain pgx's just after"}
	got, took, err := timed(ctx, d.Cached)
	if err != nil {
		return r, err
	}
	r.took = took
	return r, d.compare(ctx, got)
}

// hit asks again: PostgreSQL isn't asked.
func (d *demo) hit(ctx context.Context) (row, error) {
	r := row{what: "pgcache, second run (hit)", talk: talkCached, checked: fmt.Sprintf("all %d equal plain pgx's just after", fastRuns)}
	answers, median, err := times(ctx, d.Cached, fastRuns)
	if err != nil {
		return r, err
	}
	r.took = median
	return r, d.compare(ctx, answers...)
}

const write = "DELETE FROM pgbench_accounts WHERE aid = 1"

// afterWrite changes the table through the cache, which must not answer as before.
func (d *demo) afterWrite(ctx context.Context) (row, error) {
	r := row{what: "pgcache, after a write", checked: "equals plain pgx's, not the one before"}
	before := d.last
	if _, err := d.Cached.ExecContext(ctx, write); err != nil {
		return r, err
	}
	got, took, err := timed(ctx, d.Cached)
	if err != nil {
		return r, err
	}
	r.took = took
	if slices.Equal(got, before) {
		return r, errors.New("the answer is the one from before the write")
	}
	return r, d.compare(ctx, got)
}

// serverStopped asks while there is nobody to ask: at the level ttl a hit needs no server.
func (d *demo) serverStopped(ctx context.Context) (row, error) {
	r := row{what: "pgcache, PostgreSQL stopped", checked: fmt.Sprintf("all %d equal plain pgx's before", fastRuns)}
	if d.database.Given() {
		r.checked = "not shown: the server is not ours to stop"
		return r, nil
	}
	if err := d.database.Stop(ctx); err != nil {
		return r, err
	}
	if err := d.Plain.PingContext(ctx); err == nil {
		return r, errors.New("PostgreSQL still answers")
	}
	answers, median, err := times(ctx, d.Cached, fastRuns)
	if err != nil {
		return r, err
	}
	r.took = median
	return r, agree(answers, d.last)
}

// compare holds answers against the one that plain pgx gets now.
func (d *demo) compare(ctx context.Context, answers ...answer) error {
	now, err := ask(ctx, d.Plain)
	if err != nil {
		return err
	}
	d.last = now
	return agree(answers, now)
}
