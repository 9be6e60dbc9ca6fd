package linear_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

const (
	hotRows  = 100
	coldRows = 2000
	perRound = 100 // reads
	// perChange is how many rounds there are for each change of a hot row.
	perChange = 10
)

// precision reads hot rows by their keys while another client updates the others of the table as fast as it can, and a third
// a hot one now and then.
type precision struct {
	*testing.T

	level   string
	updates atomic.Int64
	more    chan struct{} // told of after every ten updates, unless it was already
	reads   []read
	writes  []write
}

// updateOthers updates rows that nobody reads.
func (p *precision) updateOthers(ctx context.Context, conn *pgx.Conn) {
	for n := 0; ; n++ {
		if _, err := conn.Exec(ctx, "update plain set version = version + 1 where id = $1", hotRows+n%coldRows); err != nil {
			if ctx.Err() == nil {
				p.Error(err)
			}
			return
		}
		if p.updates.Add(1)%10 == 0 {
			select {
			case p.more <- struct{}{}:
			default:
			}
		}
	}
}

// change updates a hot row.
func (p *precision) change(conn *pgx.Conn, n int) {
	w := write{Register: int32(n % hotRows), Version: int64(1 + n/hotRows), Begin: now(), Kind: "update"}
	execute(p.T, conn, "update plain set version = $2 where id = $1", w.Register, w.Version)
	w.End = now()
	p.writes = append(p.writes, w)
}

// play reads so many times, and gives the share of hits.
func (p *precision) play(rounds int) float64 {
	dsn := pgtest.Database(p.T)
	db, connector := openPlain(p.T, dsn, p.level, hotRows+coldRows)
	third := connect(p.T, dsn)
	ctx, cancel := context.WithCancel(context.Background())
	other, err := pgx.Connect(ctx, dsn)
	if err != nil {
		p.Fatal(err)
	}
	look := func(id int) {
		r := read{Register: int32(id), Begin: now()}
		version, err := plain(p.Context(), db, id)
		if err != nil {
			p.Fatal(err)
		}
		r.Version, r.End = version, now()
		p.reads = append(p.reads, r)
	}
	eventually(p.T, "a round of hits only", func() bool {
		misses := connector.Stats().Misses
		for id := range hotRows {
			look(id)
		}
		return connector.Stats().Misses == misses
	})
	var running sync.WaitGroup
	running.Go(func() { defer other.Close(context.Background()); p.updateOthers(ctx, other) })
	defer func() { cancel(); running.Wait() }()
	before := connector.Stats()
	for round := range rounds {
		select { // so that no round comes without updates of its table
		case <-p.more:
		case <-time.After(patience):
			p.Fatal("no updates")
		}
		if round%perChange == 0 {
			p.change(third, round/perChange)
		}
		for n := range perRound {
			look((round/perChange + n) % hotRows)
		}
	}
	after := connector.Stats()
	hits := float64(after.Hits - before.Hits)
	queries := hits + float64(after.Misses-before.Misses+after.Coalesced-before.Coalesced+after.Bypassed-before.Bypassed)
	p.Logf("%s: %d reads, %.2f %% hits, %d misses, %d fills rejected; %d updates of other rows, %d of hot ones", p.level, int(queries),
		100*hits/queries, after.Misses-before.Misses, after.RejectedFills-before.RejectedFills, p.updates.Load(), len(p.writes))
	return hits / queries
}

// judge looks for stale reads.
func (p *precision) judge() {
	found := historyOf(p.writes).check(p.reads)
	stale := 0
	for _, v := range found {
		if p.level == "tracked" && v.within(promptly) {
			stale++
			continue
		}
		p.Error(v)
	}
	p.Logf("%s: %d observations, %d stale within %v of the commit, %d against the promise", p.level, len(p.reads), stale, promptly, len(found)-stale)
}

func playPrecision(t *testing.T, level string, rounds int, atLeast float64) {
	t.Helper()
	p := precision{T: t, level: level, more: make(chan struct{}, 1)}
	if hits := p.play(rounds); hits < atLeast {
		t.Errorf("only %.2f %% hits", 100*hits)
	}
	p.judge()
}

// Updates of other rows leave the answers by primary key alone, and one of the same row does not.
func TestRowPrecision(t *testing.T) {
	if feed != "wal" {
		t.Skip("the touch log does not tell rows apart")
	}
	// A strict read asks PostgreSQL when its barrier has taken 5 ms, so on a busy machine the share of hits says how busy it is;
	// the soak test, which is for a quiet one, wants its share at strict too.
	for level, atLeast := range map[string]float64{"tracked": 0.95, "strict": 0.5} {
		t.Run(level, func(t *testing.T) { playPrecision(t, level, 20, atLeast) })
	}
}
