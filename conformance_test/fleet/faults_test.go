//go:build unix

package fleet_test

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/gopgcache/pgcache/internal/testenv"
)

// redisFault is something that happens to Redis, or to what is in it.
type redisFault struct {
	name   string
	happen func(s *scene)
	mend   func(s *scene)
	// outage is set when the store can't be used meanwhile, which opens the breakers.
	outage bool
	// bold is set when even so everybody has to see what anybody has written.
	bold bool
}

var redisFaults = []redisFault{
	{
		name: "stopped", outage: true,
		happen: func(s *scene) { s.must(s.redis.Stop(s.Context())) },
		mend:   func(s *scene) { s.must(s.redis.Start(s.Context())) },
	},
	{
		name: "frozen", outage: true,
		happen: func(s *scene) { s.must(s.redis.Pause()) },
		mend:   func(s *scene) { s.must(s.redis.Continue()) },
	},
	{name: "emptied", happen: func(s *scene) { s.says("FLUSHALL") }},
	{
		name: "another password", outage: true,
		happen: func(s *scene) {
			s.says("CONFIG", "SET", "requirepass", "another")
			s.says("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
			s.says("CLIENT", "KILL", "TYPE", "pubsub")
		},
		mend: func(s *scene) { s.says("CONFIG", "SET", "requirepass", s.redis.Password()) },
	},
	{
		name: "full", bold: true,
		happen: func(s *scene) { s.says("CONFIG", "SET", "maxmemory", "1") },
		mend:   func(s *scene) { s.says("CONFIG", "SET", "maxmemory", "0") },
	},
	{
		name:   "no writes", // as when its disk is full
		happen: func(s *scene) { s.says("CONFIG", "SET", "min-replicas-to-write", "1") },
		mend:   func(s *scene) { s.says("CONFIG", "SET", "min-replicas-to-write", "0") },
		outage: true,
	},
	{
		name: "1 % spoilt", bold: true,
		happen: func(s *scene) { s.network.percent.Store(1) },
		mend:   func(s *scene) { s.network.percent.Store(0) },
	},
	{
		name: "all spoilt", bold: true,
		happen: func(s *scene) { s.network.percent.Store(100) },
		mend:   func(s *scene) { s.network.percent.Store(0) },
	},
	{name: "garbage", bold: true, happen: func(s *scene) { s.overwrite() }},
}

// scene is a fleet on a Redis, under load.
type scene struct {
	*fleet

	redis   *testenv.Redis
	network *spoiler
	client  *goredis.Client // one connection that stays
}

// The phases of a load.
const (
	before = iota
	during
	open // during, with open breakers
	after
)

func startScene(t *testing.T, feed, timeout string) *scene {
	t.Helper()
	redis := ownRedis(t)
	u, err := url.Parse(redis.URL())
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{redis: redis}
	s.network, u.Host = startSpoiler(t, u.Host)
	s.fleet = startFleet(t, onRedis(u.String(), "feed="+feed, "timeout="+timeout))
	s.client = goredis.NewClient(&goredis.Options{Addr: redis.Addr(), Password: redis.Password(), PoolSize: 1, MaxRetries: 3})
	t.Cleanup(func() { s.client.Close() })
	return s
}

func (s *scene) says(command ...any) {
	s.Helper()
	if err := s.client.Do(s.Context(), command...).Err(); err != nil {
		s.Fatalf("%v: %v", command, err)
	}
}

func (f *fleet) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// overwrite replaces what is kept: by something else, by nothing, by the beginning, by an older format, by what is no string.
func (s *scene) overwrite() {
	s.Helper()
	dice := rand.New(rand.NewPCG(s.seed, 1))
	found := 0
	s.eventually("entries to overwrite", func() bool {
		keys, _, err := s.client.Scan(s.Context(), 0, "*entry:*", 1000).Result()
		s.must(err)
		for _, key := range keys {
			value, err := s.client.Get(s.Context(), key).Bytes()
			if err != nil || len(value) < 100 {
				continue
			}
			found++
			switch found % 5 {
			case 0:
				value = []byte("garbage")
			case 1:
				value = nil
			case 2:
				value = value[:dice.IntN(len(value))]
			case 3:
				value[0]--
			case 4:
				const list = "redis.call('DEL', KEYS[1]) return redis.call('RPUSH', KEYS[1], 'a list')"
				s.must(s.client.Eval(s.Context(), list, []string{key}).Err())
				continue
			}
			s.must(s.client.Set(s.Context(), key, value, goredis.KeepTTL).Err())
		}
		return found > 50
	})
}

// turnsOf waits until each process of a list has taken some turns.
func (f *fleet) turnsOf(which []int, n int64) {
	f.Helper()
	for _, i := range which {
		enough := f.turns[i].Load() + n
		f.eventually(fmt.Sprintf("turns of process %d", i), func() bool { return f.turns[i].Load() >= enough })
	}
}

// shares waits until each process has got more from the fleet.
func (f *fleet) shares(which []int) {
	f.Helper()
	for _, i := range which {
		enough := f.sharedHits[i].Load() + 5
		f.eventually(fmt.Sprintf("shared hits of process %d", i), func() bool { return f.sharedHits[i].Load() >= enough })
	}
}

// notices waits until the breakers of all processes must have opened.
func (f *fleet) notices(which []int) {
	f.Helper()
	for _, i := range which {
		enough := f.storeErrors[i].Load() + 8
		f.eventually(fmt.Sprintf("errors of process %d", i), func() bool { return f.storeErrors[i].Load() >= enough })
	}
}

// Whatever becomes of Redis, no query fails, no answer is wrong, and afterwards the fleet shares again, all by itself.
func TestRedisFaults(t *testing.T) {
	for _, feed := range []string{"none", "wal"} {
		s := startScene(t, feed, "2s")
		for _, fault := range redisFaults {
			t.Run(strings.ReplaceAll(fault.name, " ", "_")+"/"+feed, func(t *testing.T) {
				defer s.within(t)()
				fault.play(s, func() { s.turnsOf(everybody, 40) })
			})
		}
		s.leave(everybody)
	}
}

// within has what goes wrong belong to a part of a test, until the function it gives is called.
func (f *fleet) within(t *testing.T) (end func()) {
	whole := f.T
	f.T = t
	return func() { f.T = whole }
}

func (fault *redisFault) play(s *scene, last func()) {
	s.phase.Store(before)
	s.all(everybody, command{Do: "load", Bold: fault.bold})
	s.shares(everybody)
	last()
	s.phase.Store(during)
	fault.happen(s)
	if fault.outage {
		s.notices(everybody)
		s.phase.Store(open)
	}
	last()
	s.phase.Store(after)
	if fault.mend != nil {
		fault.mend(s)
	}
	s.shares(everybody)
	last()
	s.judge(everybody)
}

// judge ends the load and looks at what has become of it.
func (f *fleet) judge(which []int) {
	f.Helper()
	for i, r := range f.all(which, command{Do: "unload"}) {
		if r == nil {
			continue
		}
		f.Logf("process %d: %d reads, %d writes, %d hits, %d of them shared, %d store errors, %d corrupt", i, r.Queries, r.Writes,
			r.Stats.Hits, r.Stats.SharedHits, r.Stats.StoreErrors, r.Stats.CorruptEntries)
		for phase, name := range []string{"before", "during", "with open breakers", "after"} {
			if times, plain := r.Times[int64(phase)], r.Plain[int64(phase)]; times.Count > 0 {
				f.Logf("  %s: p50 %v, p99 %v; past the cache p50 %v, p99 %v", name, times.P50, times.P99, plain.P50, plain.P99)
			}
		}
		if r.Failed+r.Wrong > 0 {
			f.Errorf("process %d: %d failed, %d wrong, such as: %s", i, r.Failed, r.Wrong, r.Complaint)
		}
		if r.Queries == 0 || r.Writes == 0 {
			f.Errorf("process %d has not worked", i)
		}
	}
}
