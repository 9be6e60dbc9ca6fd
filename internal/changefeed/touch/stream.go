package touch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gopgcache/pgcache/internal/changefeed"
	"github.com/gopgcache/pgcache/internal/changefeed/server"
	"github.com/gopgcache/pgcache/internal/freshness"
)

// patience is how long the server may take for anything: all questions are short, and none waits for a lock that is held for
// long. It bounds how long the connection can be dead before that is noticed.
const patience = 5 * time.Second

// margin is how many transactions before the end of the log's watch it is prolonged.
const margin = 1 << 19

// sweepEvery is the time between two deletions of a thousand rows, while there are rows to delete: barriers wait behind them.
const sweepEvery = 50 * time.Millisecond

// observer is a sink that wants to know of snapshots: freshness.Tracker is one.
type observer interface{ Observe(freshness.Snapshot) }

// stream is one life of the feed, from connecting to the first thing that goes wrong. It belongs to the goroutine of Run.
type stream struct {
	feed *Feed
	conn *pgconn.PgConn
	// server names the server and its present life, which lasts as long as the connection, and first is what the first
	// poll saw.
	server string
	first  *sight
	// events are those of the first.
	events server.Events
	// last is the snapshot of the last poll.
	last freshness.Snapshot
	// begun is when the last poll began, and swept when rows were deleted last.
	begun, swept time.Time
	// reads is what Config.Reads gave last, and active when it gave something else before.
	reads  uint64
	active time.Time
}

// follow reads the log for the life of one stream. The sink is told of its end before the connection is closed, which may take
// a while when the network is gone.
func (f *Feed) follow(ctx context.Context) (err error) {
	s := &stream{feed: f, active: time.Now()}
	defer s.close()
	defer func() { f.lose(cmp.Or(ctx.Err(), err)) }()
	if err := s.connect(ctx); err != nil {
		return err
	}
	if err := s.start(ctx); err != nil {
		return err
	}
	for {
		if err := s.wait(ctx); err != nil {
			return err
		}
		if err := s.poll(ctx); err != nil {
			return err
		}
	}
}

// ours are the settings of the connection, whatever the role, the database or the connection string say: no name in a query
// stands for anything but the server's own, nothing times out, the log's index is used although nobody counts its rows, and
// nothing that is asked takes part in what serializable transactions wait for.
var ours = map[string]string{
	"application_name":                "pgcache touch log",
	"search_path":                     "pg_catalog",
	"client_encoding":                 "UTF8",
	"statement_timeout":               "0",
	"lock_timeout":                    "0",
	"idle_session_timeout":            "0",
	"default_transaction_isolation":   "read committed",
	"default_transaction_read_only":   "off",
	"synchronous_commit":              "off",
	"plan_cache_mode":                 "force_generic_plan",
	"enable_seqscan":                  "off",
	"jit":                             "off",
	"max_parallel_workers_per_gather": "0",
}

// factsSQL asks where the connection leads. Nothing in it fails on a standby.
const factsSQL = `
select pg_is_in_recovery(), pg_backend_pid(),
       (pg_control_system()).system_identifier || '/' ||
       case when pg_is_in_recovery() then '' else substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) end || '/' ||
       extract(epoch from pg_postmaster_start_time())`

func (s *stream) connect(ctx context.Context) error {
	config := s.feed.config.Connect.Copy()
	for key := range config.RuntimeParams {
		if _, taken := ours[strings.ToLower(key)]; taken {
			delete(config.RuntimeParams, key)
		}
	}
	maps.Copy(config.RuntimeParams, ours)
	dialing, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	var err error
	if s.conn, err = pgconn.ConnectConfig(dialing, config); err != nil {
		return err
	}
	facts, err := s.ask(ctx, factsSQL)
	if err != nil {
		return err
	}
	switch {
	case string(facts[0]) == "t":
		return &SetupError{Kind: ErrNotPrimary, Advice: "connect to the primary"}
	case string(facts[1]) != strconv.FormatUint(uint64(s.conn.PID()), 10):
		return errPooler
	}
	s.server = string(facts[2])
	return nil
}

var errPooler = &SetupError{Kind: ErrPooler, Advice: "connect to PostgreSQL itself"}

// close ends the connection, and waits for what a context that has ended has left behind.
func (s *stream) close() {
	if s.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = s.conn.Close(ctx) // it is given up either way
	<-s.conn.CleanupDone()
}

// patient gives a context for a question. Between two polls there may be several: none of them may keep the next poll from
// being told in time, so that the log is given up when the last poll that was told is too old.
func (s *stream) patient(ctx context.Context) (context.Context, context.CancelFunc) {
	until := time.Now().Add(patience)
	if !s.begun.IsZero() {
		if last := s.begun.Add(patience + max(idleInterval, s.feed.config.Interval)); last.Before(until) {
			until = last
		}
	}
	return context.WithDeadline(ctx, until)
}

// ask runs a query that gives one row.
func (s *stream) ask(ctx context.Context, sql string, args ...[]byte) ([][]byte, error) {
	ctx, cancel := s.patient(ctx)
	defer cancel()
	return one(s.conn.ExecParams(ctx, sql, args, nil, nil, nil).Read())
}

func one(result *pgconn.Result) ([][]byte, error) {
	switch {
	case result.Err != nil:
		return nil, fmt.Errorf("pgcache: reading the touch log: %w", explain(result.Err))
	case len(result.Rows) != 1:
		return nil, errors.New("pgcache: reading the touch log: there is no answer")
	default:
		return result.Rows[0], nil
	}
}

// start wakes the log, takes the first snapshot, and tells the sink.
func (s *stream) start(ctx context.Context) error {
	if err := s.prolong(ctx); err != nil {
		return err
	}
	if err := s.prepare(ctx); err != nil {
		return err
	}
	r, begun := s.feed.begin(), time.Now()
	seen, err := s.look(ctx, &freshness.Snapshot{Max: math.MaxUint64})
	if err != nil {
		return err
	}
	s.first, s.last, s.begun = seen, seen.snapshot, begun
	if err := s.check(seen); err != nil {
		return err
	}
	generation := s.server + "/" + seen.epoch
	s.feed.log.DebugContext(ctx, "pgcache: the touch log is being read", "generation", generation)
	s.feed.open()
	if err := s.tellEvents(seen); err != nil {
		return err
	}
	s.feed.config.Sink.Start(generation, r.number, seen.since)
	s.feed.config.Sink.Pass(r.number)
	s.feed.finish(r, begun)
	return nil
}

func (s *stream) prepare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := s.conn.Prepare(ctx, "poll", strings.Replace(pollSQL, "{events}", server.EventsSQL, 1), nil)
	return explain(err)
}

// prolong has the log go on for another while if it would soon fall asleep: see touch_raise.
func (s *stream) prolong(ctx context.Context) error {
	row, err := s.ask(ctx, "select pgcache.touch_raise()")
	if err != nil || row[0] == nil {
		return err
	}
	_, err = s.ask(ctx, "select pgcache.touch_confirm($1)", row[0])
	return err
}

// look asks what there is since a snapshot.
func (s *stream) look(ctx context.Context, last *freshness.Snapshot) (*sight, error) {
	ctx, cancel := s.patient(ctx)
	defer cancel()
	result := s.conn.ExecPrepared(ctx, "poll", since(last), nil, nil).Read()
	if result.Err == nil && len(result.Rows) == 0 {
		return nil, errRestarted // there is no state: it was lost in a crash
	}
	row, err := one(result)
	if err != nil {
		return nil, err
	}
	return read(row)
}

// check tells whether a poll has seen all that there was since the last one.
func (s *stream) check(seen *sight) error {
	switch {
	case seen.pid != s.first.pid:
		return errPooler
	case seen.epoch != s.first.epoch:
		return errRestarted
	case seen.since != s.first.since || seen.snapshot.Max > seen.awakeTo:
		return errAsleep
	case !seesAll(&s.last, &seen.floor):
		return errBehind
	default:
		return nil
	}
}

// wait waits until it is time for the next poll.
func (s *stream) wait(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		rest := time.Until(s.begun.Add(s.pace()))
		if rest <= 0 {
			return ctx.Err()
		}
		timer.Reset(rest)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.feed.wake:
		case <-timer.C:
		}
	}
}

// pace is the time from the beginning of one poll to that of the next, as things are now.
func (s *stream) pace() time.Duration {
	s.feed.mu.Lock()
	urgent, wanted := s.feed.urgent, s.feed.wanted
	s.feed.mu.Unlock()
	switch {
	case urgent:
		return 0
	case wanted:
		return gap
	case s.idle():
		return max(idleInterval, s.feed.config.Interval)
	default:
		return s.feed.config.Interval
	}
}

// idle tells whether nothing was read for a while.
func (s *stream) idle() bool {
	if s.feed.config.Reads == nil {
		return false
	}
	if reads := s.feed.config.Reads(); reads != s.reads {
		s.reads, s.active = reads, time.Now()
	}
	return time.Since(s.active) > idleAfter
}

// poll looks once and tells the sink.
func (s *stream) poll(ctx context.Context) error {
	r, begun := s.feed.begin(), time.Now()
	seen, err := s.look(ctx, &s.last)
	if err != nil {
		return err
	}
	if err := s.check(seen); err != nil {
		return err
	}
	if err := s.tellEvents(seen); err != nil {
		return err
	}
	sink := s.feed.config.Sink
	for i := range seen.commits {
		c := &seen.commits[i]
		sink.Commit(c.tells(r.number), c.schema)
	}
	sink.Pass(r.number)
	s.last, s.begun = seen.snapshot, begun
	s.feed.finish(r, begun)
	if o, ok := sink.(observer); ok {
		o.Observe(seen.snapshot)
	}
	return s.care(ctx, seen)
}

// tellEvents tells the sink whether changes of the schema are told, and gives an error if that is no more by the same triggers.
func (s *stream) tellEvents(seen *sight) error {
	told, err := s.events.Look(seen.events)
	changefeed.TellEvents(s.feed.config.Sink, told)
	return err
}

// care does what keeps the log awake and small, when there is something to do.
func (s *stream) care(ctx context.Context, seen *sight) error {
	if seen.awakeTo-seen.snapshot.Max < margin {
		if err := s.prolong(ctx); err != nil {
			return err
		}
	}
	if seen.litter && time.Since(s.swept) >= sweepEvery {
		s.swept = time.Now()
		_, err := s.ask(ctx, "select pgcache.touch_collect()")
		return err
	}
	return nil
}
