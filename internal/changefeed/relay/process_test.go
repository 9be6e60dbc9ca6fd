package relay

import (
	"context"
	"fmt"
	"os"
	osexec "os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/redis/go-redis/v9"

	"github.com/gopgcache/pgcache/internal/changefeed/wal"
	"github.com/gopgcache/pgcache/internal/freshness"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

// child is a process of a fleet that is a process of the system's.
func child() {
	config, err := pgconn.ParseConfig(os.Getenv("PGCACHE_TEST_CHILD"))
	if err != nil {
		panic(err)
	}
	p := &process{tracker: freshness.NewTracker()}
	p.feed = New(Config{
		WAL:       wal.Config{Connect: config, Sink: p, Interest: &p.interest, Logger: logger("child")},
		Transport: ViaRedis(new(testing.T), os.Getenv("PGCACHE_TEST_CHILD_REDIS")),
	})
	fmt.Println(p.feed.Run(context.Background()))
}

// startChild starts one, and waits until it leads.
func startChild(t *testing.T, dsn, redis string, c *pgx.Conn) *osexec.Cmd {
	t.Helper()
	cmd := osexec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "PGCACHE_TEST_CHILD="+dsn, "PGCACHE_TEST_CHILD_REDIS="+redis)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	untilSQL(t, c, "select count(*) > 0 from pg_replication_slots where database = current_database() and active")
	return cmd
}

// A leader that is killed is followed by another; so is one that is stopped, and when it goes on it is not believed.
func TestLeaderIsStoppedOrKilled(t *testing.T) {
	for name, signal := range map[string]syscall.Signal{"stopped": syscall.SIGSTOP, "killed": syscall.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			dsn, c := database(t)
			redis := pgtest.OwnRedis(t)
			cmd := startChild(t, dsn, redis.URL(), c)
			all := fleet(t, dsn, 2, func() Transport { return ViaRedis(t, redis.URL()) })
			w := newTruth(t, dsn, c)
			w.run(all, 6000, func() {
				if err := cmd.Process.Signal(signal); err != nil {
					t.Error(err)
				}
				for _, p := range all {
					p.until(t, "the loss is told", func(s *state) bool { return len(s.losses) > 0 })
				}
				leaderOf(t, all)
			}, func() {
				if signal == syscall.SIGSTOP {
					_ = cmd.Process.Signal(syscall.SIGCONT)
				}
			}, func() {
				for _, p := range all {
					p.look(func(s *state) {
						if len(s.starts) > 3 {
							t.Errorf("there were %d starts, as if the old leader was believed again: losses %q", len(s.starts), s.losses)
						}
					})
				}
				untilSQL(t, c, "select count(*) = 1 from pg_replication_slots where database = current_database()")
			})
		})
	}
}

// What Redis loses is noticed: all begin again, and none lies.
func TestRedisLosesBatches(t *testing.T) {
	dsn, c := database(t)
	server := pgtest.OwnRedis(t)
	options, err := redis.ParseURL(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	defer client.Close()
	all := fleet(t, dsn, 3, func() Transport { return ViaRedis(t, server.URL()) })
	w := newTruth(t, dsn, c)
	// each has a loss told to all followers, between two things done to Redis.
	each := func(happens func() error, said string, ends func() error) func() {
		return func() {
			_, others := leaderOf(t, all)
			for _, p := range others {
				p.look(func(s *state) { s.losses = nil })
			}
			if err := happens(); err != nil {
				t.Error(err)
			}
			for _, p := range others {
				p.until(t, said, func(s *state) bool { return len(s.losses) > 0 && strings.Contains(strings.Join(s.losses, ""), said) })
			}
			if err := ends(); err != nil {
				t.Error(err)
			}
			for _, p := range others {
				p.untilLive(t)
			}
		}
	}
	w.run(all, 9000,
		func() {
			if err := client.FlushAll(t.Context()).Err(); err != nil {
				t.Error(err)
			}
		},
		each(func() error { return server.Stop(t.Context()) }, "", func() error { return server.Start(t.Context()) }),
		each(server.Pause, "silent", server.Continue))
}

// A stream that was trimmed is a gap.
func TestRedisTrims(t *testing.T) {
	dsn, c := database(t)
	server := pgtest.OwnRedis(t)
	options, err := redis.ParseURL(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	defer client.Close()
	// One process reads nothing until the stream was trimmed.
	late := &halting{Transport: ViaRedis(t, server.URL()), reached: make(chan struct{}, 1), halted: make(chan struct{})}
	all := []*process{launch(t, dsn, ViaRedis(t, server.URL()))}
	all[0].untilLive(t)
	p := launch(t, dsn, late)
	p.untilLive(t)
	late.halt.Store(true)
	insert := func() { // a message of its own
		exec(t, c, "insert into t select coalesce(max(id), 0) + 1, 0 from t")
		all[0].catchUp(t, c)
	}
	insert()
	<-late.reached // it was waiting for this one
	for range 5 {
		insert()
	}
	if err := client.XTrimMaxLen(t.Context(), "{fleet}:commits", 1).Err(); err != nil {
		t.Fatal(err)
	}
	late.halt.Store(false)
	close(late.halted)
	p.until(t, "the loss is told", func(s *state) bool { return slices.Contains(s.losses, errGap.Error()) })
	p.untilLive(t)
	follows(t, p, c)
}

// halting is a transport whose subscriptions wait while they are halted.
type halting struct {
	Transport

	halt            atomic.Bool
	reached, halted chan struct{}
}

func (h *halting) Subscribe(ctx context.Context) (Subscription, error) {
	s, err := h.Transport.Subscribe(ctx)
	return haltingSubscription{s, h}, err
}

type haltingSubscription struct {
	Subscription

	of *halting
}

func (s haltingSubscription) Receive(ctx context.Context) ([]byte, error) {
	if s.of.halt.Load() {
		select {
		case s.of.reached <- struct{}{}:
		default:
		}
		<-s.of.halted
	}
	return s.Subscription.Receive(ctx)
}
