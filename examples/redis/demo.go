package main

import (
	"context"
	"fmt"
	"time"

	"github.com/gopgcache/pgcache/examples/internal/figures"
	"github.com/gopgcache/pgcache/examples/internal/fleet"
	"github.com/gopgcache/pgcache/internal/testenv"
)

// question is the slow one.
var question = fleet.Question{SQL: "SELECT bid, count(*), sum(abalance) FROM pgbench_accounts GROUP BY bid"}

// account is a cheap one.
var account = fleet.Question{SQL: "SELECT abalance FROM pgbench_accounts WHERE aid = $1", Args: []int64{1}}

// branch is a question about one branch: as many keys as there are branches.
func branch(n int) fleet.Question {
	return fleet.Question{SQL: "SELECT count(*), sum(abalance) FROM pgbench_accounts WHERE bid = $1", Args: []int64{int64(n)}}
}

// demo shows the processes.
type demo struct {
	*fleet.Show

	redis     *testenv.Redis
	processes []*fleet.Process
	branches  int
	changed   int // how many accounts were
}

const (
	slowRuns  = 3
	fastRuns  = 101
	callers   = 20 // in each process
	mostAlike = 10 // questions of one kind
)

// play runs the scenes in order and prints each as it ends.
func (d *demo) play(ctx context.Context) error {
	fmt.Fprintf(d.Out, "\n  %s\n\n", question.SQL)
	fmt.Fprintf(d.Out, "  - sql.Open(\"pgx\",     dsn)\n  + sql.Open(\"pgcache\", dsn + \"&pgcache_rule=%s\n"+
		"                            &pgcache_store=redis&pgcache_redis=redis://...&pgcache_timeout=%v\")\n", rule, timeout)
	d.Head()
	for _, scene := range []func(context.Context) (fleet.Row, error){
		d.withoutCache, d.cold, d.warm, d.elsewhere, d.written, d.stopped, d.writtenWhileStopped, d.back,
	} {
		r, err := scene(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", r.What, err)
		}
		d.Print(r)
	}
	return d.conclude()
}

// withoutCache is what the question costs.
func (d *demo) withoutCache(ctx context.Context) (fleet.Row, error) {
	return d.Alone(ctx, "plain pgx", slowRuns, question)
}

// cold is a question that nobody has asked before, and now all do.
func (d *demo) cold(ctx context.Context) (fleet.Row, error) {
	return d.Ask(ctx, fmt.Sprintf("cold, %d processes × %d callers at once", size, callers), d.processes, fleet.Herd(callers, question))
}

// warm is the same again: the answer is in the memory of each process, and Redis says that it still holds.
func (d *demo) warm(ctx context.Context) (fleet.Row, error) {
	return d.Ask(ctx, "hits in A, one caller", d.processes[:1], fleet.Again(fastRuns, question))
}

// elsewhere has A ask what nobody has asked before, and then B ask the same.
func (d *demo) elsewhere(ctx context.Context) (fleet.Row, error) {
	r := fleet.Row{What: "made by A, then asked of B"}
	questions := make([]fleet.Question, min(d.branches, mostAlike))
	for i := range questions {
		questions[i] = branch(i + 1)
	}
	made, err := d.Ask(ctx, fmt.Sprintf("A asks about %d branches", len(questions)), d.processes[:1], fleet.Each(questions...))
	if err != nil {
		return r, err
	}
	d.Print(made)
	before, err := d.processes[1].Stats()
	if err != nil {
		return r, err
	}
	if r, err = d.Ask(ctx, "then B asks the same", d.processes[1:2], fleet.Each(questions...)); err != nil {
		return r, err
	}
	after, err := d.processes[1].Stats()
	if err != nil {
		return r, err
	}
	r.Checked += fmt.Sprintf("; %d from Redis", after["shared_hits"]-before["shared_hits"])
	return r, nil
}

// write changes the answer, through one of the processes.
func (d *demo) write(p *fleet.Process) error {
	d.changed++
	return p.Exec(fmt.Sprintf("UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = %d", d.changed))
}

const writes = 5

// written writes a few times, each time through another process, and has all ask at once after each.
func (d *demo) written(ctx context.Context) (fleet.Row, error) {
	what := fmt.Sprintf("%d writes, each through another; after each", writes)
	return d.afterWrites(ctx, what, writes)
}

func (d *demo) afterWrites(ctx context.Context, what string, writes int) (fleet.Row, error) {
	sum := fleet.Row{What: what}
	for i := range writes {
		if err := d.write(d.processes[i%size]); err != nil {
			return sum, err
		}
		// compare sees to it that the answer is not the one before: plain pgx has another one now.
		r, err := d.Ask(ctx, what, d.processes, fleet.Herd(1, question))
		if err != nil {
			return r, err
		}
		sum.Add(r)
	}
	sum.Checked = fmt.Sprintf("all %d equal plain pgx's after the write", sum.Queries)
	return sum, nil
}

// stopped has Redis killed: PostgreSQL answers.
func (d *demo) stopped(ctx context.Context) (fleet.Row, error) {
	const what = "Redis stopped, B asks"
	if err := d.redis.Stop(ctx); err != nil {
		return fleet.Row{What: what}, err
	}
	return d.Ask(ctx, what, d.processes[1:2], fleet.Again(slowRuns, question))
}

// writtenWhileStopped has a process write that can't tell the others.
func (d *demo) writtenWhileStopped(ctx context.Context) (fleet.Row, error) {
	return d.afterWrites(ctx, "Redis stopped, a write through A, all ask", 1)
}

// enough is the longest that Redis may take to be used again.
const enough = 15 * time.Second

// back has Redis start again, empty, and waits until all use it.
func (d *demo) back(ctx context.Context) (fleet.Row, error) {
	r := fleet.Row{What: "Redis is back"}
	if err := d.redis.Start(ctx); err != nil {
		return r, err
	}
	began := time.Now()
	if err := d.untilShared(ctx); err != nil {
		return r, err
	}
	r.What = fmt.Sprintf("Redis back, in use after %s; %d × %d callers", figures.Time(time.Since(began)), size, callers)
	if err := d.write(d.processes[0]); err != nil { // so that the answer has to be made once more
		return r, err
	}
	return d.Ask(ctx, r.What, d.processes, fleet.Herd(callers, question))
}

// untilShared asks all processes until each has its answers from the cache again.
func (d *demo) untilShared(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, enough)
	defer cancel()
	for _, p := range d.processes {
		for hits := int64(0); hits == 0; {
			if err := ctx.Err(); err != nil {
				return err
			}
			before, err := p.Stats()
			if err != nil {
				return err
			}
			if _, err := d.Ask(ctx, "", []*fleet.Process{p}, fleet.Again(1, account)); err != nil {
				return err
			}
			after, err := p.Stats()
			if err != nil {
				return err
			}
			hits = after["hits"] - before["hits"]
		}
	}
	return nil
}

// conclude says what the columns are, and what the caches say themselves.
func (d *demo) conclude() error {
	fmt.Fprintln(d.Out, "\n  \"PostgreSQL ran\" is what its pg_stat_statements counted. Without a feed each hit asks Redis whether the"+
		"\n  answer still holds, and each write tells it; so all see a write at once.")
	return d.PrintStats(d.processes)
}
