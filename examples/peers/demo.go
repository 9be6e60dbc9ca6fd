package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gopgcache/pgcache/examples/internal/figures"
	"github.com/gopgcache/pgcache/examples/internal/fleet"
)

// question is the slow one.
var question = fleet.Question{SQL: "SELECT bid, count(*), sum(abalance) FROM pgbench_accounts GROUP BY bid"}

// demo shows the processes.
type demo struct {
	*fleet.Show

	processes []*fleet.Process
	dsns      []string
	owner     int // which of the processes owns the key of the question
	asked     int // how many cheap questions were
}

const (
	slowRuns = 3
	fastRuns = 101
	callers  = 20 // in each process
	keys     = 60 // cheap questions at a time
)

// accounts are cheap questions that nobody has asked yet: a key each.
func (d *demo) accounts() []fleet.Question {
	questions := make([]fleet.Question, keys)
	for i := range questions {
		d.asked++
		questions[i] = fleet.Question{SQL: "SELECT abalance FROM pgbench_accounts WHERE aid = $1", Args: []int64{int64(d.asked)}}
	}
	return questions
}

// play runs the scenes in order and prints each as it ends.
func (d *demo) play(ctx context.Context) error {
	fmt.Fprintf(d.Out, "\n  %s\n\n", question.SQL)
	fmt.Fprintf(d.Out, "  - sql.Open(\"pgx\",     dsn)\n  + sql.Open(\"pgcache\", dsn + \"&pgcache_rule=%s\n"+
		"                            &pgcache_store=peer&pgcache_peer_secret_file=...&pgcache_timeout=%v\n"+
		"                            &pgcache_peers=http://A,http://B,http://C&pgcache_peer_self=http://A\")\n", rule, timeout)
	d.Head()
	for _, scene := range []func(context.Context) (fleet.Row, error){
		d.withoutCache, d.cold, d.warm, d.manyKeys, d.killed, d.manyKeysWithout, d.restarted,
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

// cold is a question that nobody has asked before, and now all do. Whoever has filled since owns its key.
func (d *demo) cold(ctx context.Context) (fleet.Row, error) {
	what := fmt.Sprintf("cold, %d processes × %d callers at once", size, callers)
	before, err := d.fills()
	if err != nil {
		return fleet.Row{What: what}, err
	}
	r, err := d.Ask(ctx, what, d.processes, fleet.Herd(callers, question))
	if err != nil {
		return r, err
	}
	after, err := d.fills()
	if err != nil {
		return r, err
	}
	d.owner = slices.IndexFunc(after, func(n int64) bool { return n > 0 })
	for i := range after {
		if after[i]-before[i] > after[d.owner]-before[d.owner] {
			d.owner = i
		}
	}
	if d.owner < 0 {
		return r, errors.New("nobody has made the answer")
	}
	r.Checked += "; made by " + d.processes[d.owner].Name
	return r, nil
}

// fills tells how often each process has asked PostgreSQL for an answer to keep.
func (d *demo) fills() ([]int64, error) {
	fills := make([]int64, len(d.processes))
	for i, p := range d.processes {
		stats, err := p.Stats()
		if err != nil {
			return nil, err
		}
		fills[i] = stats["fills"]
	}
	return fills, nil
}

// warm is the same again: the answer is in the memory of each process.
func (d *demo) warm(ctx context.Context) (fleet.Row, error) {
	for _, p := range d.processes[:size-1] {
		r, err := d.warmAt(ctx, p)
		if err != nil {
			return r, err
		}
		d.Print(r)
	}
	return d.warmAt(ctx, d.processes[size-1])
}

func (d *demo) warmAt(ctx context.Context, p *fleet.Process) (fleet.Row, error) {
	return d.Ask(ctx, fmt.Sprintf("hits in %s, one caller", p.Name), []*fleet.Process{p}, fleet.Again(fastRuns, question))
}

// manyKeys has all processes ask for many keys, and tells who has made how many.
func (d *demo) manyKeys(ctx context.Context) (fleet.Row, error) {
	what := fmt.Sprintf("%d other keys, all ask for each", keys)
	before, err := d.fills()
	if err != nil {
		return fleet.Row{What: what}, err
	}
	r, err := d.Ask(ctx, what, d.processes, fleet.Each(d.accounts()...))
	if err != nil {
		return r, err
	}
	after, err := d.fills()
	if err != nil {
		return r, err
	}
	made := make([]string, len(after))
	for i, p := range d.processes {
		made[i] = fmt.Sprintf("%s %d", p.Name, after[i]-before[i])
	}
	r.Checked += "; made by " + strings.Join(made, ", ")
	return r, nil
}

// others are the processes that are left.
func (d *demo) others() []*fleet.Process {
	return slices.Delete(slices.Clone(d.processes), d.owner, d.owner+1)
}

// killed ends the owner without a warning. What was in the memory of the others is there still.
func (d *demo) killed(ctx context.Context) (fleet.Row, error) {
	d.processes[d.owner].Kill()
	what := fmt.Sprintf("%s killed; the others ask for its key", d.processes[d.owner].Name)
	return d.Ask(ctx, what, d.others(), fleet.Again(fastRuns, question))
}

// manyKeysWithout has the others ask for many keys. A third were the dead one's: each process makes those itself.
func (d *demo) manyKeysWithout(ctx context.Context) (fleet.Row, error) {
	return d.Ask(ctx, fmt.Sprintf("%d new keys, a third of them its own", keys), d.others(), fleet.Each(d.accounts()...))
}

// enough is the longest that it may take until the others ask a peer again that has come back.
const enough = 15 * time.Second

// restarted has a new process take the place of the dead one, and waits until its keys are made once again.
func (d *demo) restarted(ctx context.Context) (fleet.Row, error) {
	dead := d.processes[d.owner]
	r := fleet.Row{What: dead.Name + " restarted"}
	if err := dead.Close(); err != nil {
		return r, err
	}
	began := time.Now()
	again, err := fleet.Start(ctx, dead.Name, d.dsns[d.owner])
	if err != nil {
		return r, err
	}
	d.processes[d.owner] = again
	for time.Since(began) < enough {
		before := time.Since(began)
		what := fmt.Sprintf("%s restarted %s ago, %d new keys", dead.Name, figures.Time(before), keys)
		if r, err = d.Ask(ctx, what, d.processes, fleet.Each(d.accounts()...)); err != nil || r.Ran == keys {
			return r, err
		}
	}
	return r, errors.New("the new process is not asked")
}

// conclude says what the columns are, and what the caches say themselves.
func (d *demo) conclude() error {
	fmt.Fprintln(d.Out, "\n  \"PostgreSQL ran\" is what its pg_stat_statements counted.")
	return d.PrintStats(d.processes)
}
