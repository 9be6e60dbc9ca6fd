//go:build unix

package fleet_test

import (
	"bufio"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/gopgcache/pgcache/driver"
)

// taskVariable makes this test binary a member of a fleet: a process with a cache of its own that does what it is told, line by line
// on its standard input, until that ends. It holds the task as JSON.
const taskVariable = "PGCACHE_FLEET_TASK"

// task says what a process is.
type task struct {
	Number int
	DSN    string
	// Params are pgcache's parameters without the prefix: "store=redis".
	Params []string
	// Memory is the file of the shared memory.
	Memory string
}

// command is something to do.
type command struct {
	Do         string
	Goroutines int    `json:",omitempty"`
	Query      string `json:",omitempty"`
	Arg        int    `json:",omitempty"`
	// Bold is set when what was written is told to the fleet whatever became of the store meanwhile.
	Bold bool `json:",omitempty"`
	Seed uint64
}

// reply is what has come of it.
type reply struct {
	Queries, Writes, Failed, Wrong int64
	// Complaint is about the first query that failed or whose answer was wrong.
	Complaint string
	// Answer is what all goroutines were answered.
	Answer  string
	Longest time.Duration
	Stats   driver.Stats
	// Times are those of the queries in each phase, and Plain those of queries past the cache.
	Times, Plain map[int64]quantiles
}

// member is a process of a fleet.
type member struct {
	task
	*memory

	db        *sql.DB
	plain     *sql.DB
	connector *driver.Connector
	load      *load
	asking    chan struct{} // closed when it is to end
	asked     chan *reply
	// own are the versions of rows that this process has written.
	own [rows]atomic.Int64
}

// beMember is the member's program. It says what it has done after each command, and at first when it can do something.
func beMember(text string) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	m := new(member)
	fail(json.Unmarshal([]byte(text), &m.task))
	fail(m.open())
	out := json.NewEncoder(os.Stdout)
	fail(m.follow())
	fail(out.Encode(reply{}))
	in := json.NewDecoder(bufio.NewReader(os.Stdin))
	for {
		var c command
		if err := in.Decode(&c); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			fail(err)
		}
		fail(out.Encode(m.do(&c)))
	}
	fail(errors.Join(m.db.Close(), m.plain.Close()))
	// go-redis looks once a second whether a server that was gone is back, and ends that when it sees that its pool is closed.
	fail(goleak.Find(goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial")))
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "member:", err)
		os.Exit(1)
	}
}

func (m *member) open() (err error) {
	if m.memory, err = shareMemory(m.Memory); err != nil {
		return err
	}
	config, err := pgx.ParseConfig(m.DSN)
	if err != nil {
		return err
	}
	config.Tracer = m
	params := make([]string, len(m.Params))
	for i, p := range m.Params {
		name, value, _ := strings.Cut(p, "=")
		params[i] = "pgcache_" + name + "='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
	}
	if m.connector, err = driver.NewConnectorConfig(config, strings.Join(params, " ")); err != nil {
		return err
	}
	m.db = sql.OpenDB(m.connector)
	m.db.SetMaxIdleConns(4)
	m.plain, err = sql.Open("pgx", m.DSN)
	return err
}

// counted is in every query whose runs are counted.
const counted = "from counted"

type startedAt struct{}

// TraceQueryStart counts what PostgreSQL is asked, whichever connection of the cache asks.
func (m *member) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	if !strings.Contains(data.SQL, counted) {
		return ctx
	}
	m.runner.Store(int64(m.Number) + 1)
	m.runs.Add(1)
	return context.WithValue(ctx, startedAt{}, time.Now())
}

func (m *member) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryEndData) {
	if began, ok := ctx.Value(startedAt{}).(time.Time); ok {
		raise(&m.longest, int64(time.Since(began)))
	}
}

// follow waits until the cache follows the feed that it is to follow, if any.
func (m *member) follow() error {
	feed := ""
	for _, p := range m.Params {
		feed, _ = strings.CutPrefix(p, "feed=")
		if feed != p {
			break
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		if _, err := ask(ctx, m.db, "select version from space0 where id = $1", 0); err != nil {
			return err
		}
		if s := m.connector.Stats(); feed == "none" || s.Feed == feed && s.Hits > 0 {
			return nil
		}
	}
}

func (m *member) do(c *command) *reply {
	r := new(reply)
	switch c.Do {
	case "ask":
		r = m.ask(c)
	case "load":
		m.load = m.startLoad(c)
	case "unload":
		r = m.load.end()
	case "ask on":
		m.asking = make(chan struct{})
		m.asked = make(chan *reply, 1)
		go func() { m.asked <- m.askOn(c, m.asking) }()
	case "rest":
		close(m.asking)
		r = <-m.asked
	default:
		r.Complaint = "what is " + c.Do + "?"
	}
	r.Stats = m.connector.Stats()
	return r
}

// ask has goroutines ask the same at the same time.
func (m *member) ask(c *command) *reply {
	var r reply
	var mu sync.Mutex
	var running sync.WaitGroup
	start := make(chan struct{})
	for range c.Goroutines {
		running.Go(func() {
			<-start
			began := time.Now()
			answer, err := ask(context.Background(), m.db, c.Query, c.Arg)
			took := time.Since(began)
			mu.Lock()
			defer mu.Unlock()
			r.Queries++
			r.Longest = max(r.Longest, took)
			switch {
			case err != nil:
				r.Failed++
				r.complainf("%v", err)
			case r.Answer == "":
				r.Answer = answer
			case r.Answer != answer:
				r.Wrong++
				r.complainf("%q, not %q", answer, r.Answer)
			}
		})
	}
	close(start)
	running.Wait()
	return &r
}

// askOn has goroutines ask the same over and over again, until it is enough.
func (m *member) askOn(c *command, enough <-chan struct{}) *reply {
	var total reply
	for {
		select {
		case <-enough:
			return &total
		default:
		}
		r := m.ask(c)
		if total.Answer == "" {
			total.Answer = r.Answer
		}
		total.Queries, total.Failed, total.Wrong = total.Queries+r.Queries, total.Failed+r.Failed, total.Wrong+r.Wrong
		if r.Answer != total.Answer {
			total.Wrong++
		}
		total.Complaint = cmp.Or(total.Complaint, r.Complaint)
		total.Longest = max(total.Longest, r.Longest)
	}
}

func (r *reply) complainf(format string, args ...any) {
	if r.Complaint == "" {
		r.Complaint = fmt.Sprintf(format, args...)
	}
}

// ask gives the one value that a query gives, as text.
func ask(ctx context.Context, db *sql.DB, query string, args ...any) (value string, err error) {
	err = db.QueryRowContext(ctx, query, args...).Scan(&value)
	return value, err
}
