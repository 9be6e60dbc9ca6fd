//go:build unix

package fleet_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"
)

// load are goroutines of one process that write rows of their own and read those of all.
type load struct {
	member *member
	bold   bool
	ctx    context.Context
	stop   context.CancelFunc
	wg     sync.WaitGroup

	mu    sync.Mutex
	reply reply
	times map[int64][]time.Duration
	plain map[int64][]time.Duration
}

const (
	// oneWriteIn so many turns is a write, the others are reads.
	oneWriteIn = 30
	// onePlainIn so many reads goes past the cache, to be held against the others.
	onePlainIn = 10
	schema     = `
create table space%[1]d (id int primary key, version bigint not null);
insert into space%[1]d select g, 0 from generate_series(0, %[2]d) g;`
)

// spaceOf gives the table of a row.
func spaceOf(row int) int { return row % spaces }

func (m *member) startLoad(c *command) *load {
	l := &load{member: m, bold: c.Bold, times: map[int64][]time.Duration{}, plain: map[int64][]time.Duration{}}
	l.ctx, l.stop = context.WithCancel(context.Background())
	for i := range goroutinesOf {
		l.wg.Go(func() { l.run(i, rand.New(rand.NewPCG(c.Seed, uint64(m.Number*goroutinesOf+i)))) })
	}
	return l
}

// run takes turns. What fails or is wrong is counted, and it goes on.
func (l *load) run(number int, dice *rand.Rand) {
	m := l.member
	for l.ctx.Err() == nil {
		if dice.IntN(oneWriteIn) == 0 {
			l.write(m.Number*goroutinesOf + number + members*goroutinesOf*dice.IntN(rows/(members*goroutinesOf)))
		} else {
			l.read(dice.IntN(rows), dice.IntN(onePlainIn) == 0)
		}
		s := m.connector.Stats()
		m.sharedHits[m.Number].Store(s.SharedHits)
		m.storeErrors[m.Number].Store(s.StoreErrors)
		m.turns[m.Number].Add(1)
	}
}

// write gives a row that nobody else writes its next version. All are told of it, unless the store could not be told.
func (l *load) write(row int) {
	m := l.member
	version := m.own[row].Load() + 1
	m.begun[row].Store(version)
	errors := m.connector.Stats().StoreErrors
	_, err := m.db.ExecContext(context.Background(), fmt.Sprintf("update space%d set version = $1 where id = $2", spaceOf(row)), version, row)
	if err != nil {
		l.note(func(r *reply) { r.Failed++; r.complainf("write: %v", err) })
		return
	}
	m.own[row].Store(version)
	if l.bold || m.connector.Stats().StoreErrors == errors {
		m.told[row].Store(version)
	}
	l.note(func(r *reply) { r.Writes++ })
}

// read reads a row, and checks that it is as new as it has to be.
func (l *load) read(row int, plain bool) {
	m := l.member
	least, db := m.own[row].Load(), m.db
	if l.seesAll() {
		least = max(least, m.told[row].Load())
	}
	if plain {
		db = m.plain
	}
	phase, began := m.phase.Load(), time.Now()
	value, err := ask(context.Background(), db, fmt.Sprintf("select version from space%d where id = $1", spaceOf(row)), row)
	took := time.Since(began)
	version, most := int64(-1), m.begun[row].Load()
	if err == nil {
		version, err = strconv.ParseInt(value, 10, 64)
	}
	l.note(func(r *reply) {
		r.Queries++
		switch {
		case err != nil:
			r.Failed++
			r.complainf("read: %v", err)
		case version < least || version > most:
			r.Wrong++
			r.complainf("row %d: version %s although %d is written and %d the latest, in phase %d", row, value, least, most, phase)
		case plain:
			l.plain[phase] = append(l.plain[phase], took)
		default:
			l.times[phase] = append(l.times[phase], took)
		}
	})
}

// seesAll tells whether this process has to see what any process has written: a feed, and peers without one, are late.
func (l *load) seesAll() bool {
	return slices.Contains(l.member.Params, "feed=none") && slices.Contains(l.member.Params, "store=redis")
}

func (l *load) note(what func(*reply)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	what(&l.reply)
}

func (l *load) end() *reply {
	l.stop()
	l.wg.Wait()
	l.reply.Times, l.reply.Plain = quantilesOf(l.times), quantilesOf(l.plain)
	return &l.reply
}

// quantiles are those of some times.
type quantiles struct {
	Count    int
	P50, P99 time.Duration
}

func quantilesOf(times map[int64][]time.Duration) map[int64]quantiles {
	all := map[int64]quantiles{}
	for phase, list := range times {
		slices.Sort(list)
		all[phase] = quantiles{len(list), list[len(list)/2], list[len(list)*99/100]}
	}
	return all
}
