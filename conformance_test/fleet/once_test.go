//go:build unix

package fleet_test

import (
	"syscall"
	"testing"
	"time"
)

// sharing are the ways to share what is made.
var sharing = []struct {
	name   string
	params func(t *testing.T) func(int) []string
}{
	{"redis/none", func(t *testing.T) func(int) []string { return onRedis(ownRedis(t).URL(), "feed=none") }},
	{"redis/wal", func(t *testing.T) func(int) []string { return onRedis(ownRedis(t).URL(), "feed=wal") }},
	{"peers/none", func(t *testing.T) func(int) []string { return amongPeers(t, "feed=none") }},
	{"peers/wal", func(t *testing.T) func(int) []string { return amongPeers(t, "feed=wal") }},
}

const (
	heavy      = "select count(*)::text from counted a, counted b where a.id <= $1 and b.id <= $1 and (a.v * b.v) % 7 = 3"
	goroutines = 100
	lock       = 10 * time.Second
	// spare is how much longer than it should a wait may last on a machine that is busy.
	spare = 5 * time.Second
)

// heavyEnough gives an argument with which the query takes about a second here and now, and the answer.
func (f *fleet) heavyEnough() (arg int, answer string) {
	f.Helper()
	for arg = 250; ; arg = arg * 3 / 2 {
		began := time.Now()
		if err := f.control.QueryRow(f.Context(), heavy, arg).Scan(&answer); err != nil {
			f.Fatal(err)
		}
		if time.Since(began) > 400*time.Millisecond || arg > 3000 {
			return arg, answer
		}
	}
}

// 3 processes of 100 goroutines each ask for what nobody has: PostgreSQL runs the query once. When the process that runs it is stopped
// in the middle of it, or killed, another takes over, and nobody waits longer than the rule says and a query takes.
func TestFillOnce(t *testing.T) {
	for _, way := range sharing {
		t.Run(way.name, func(t *testing.T) {
			f := startFleet(t, way.params(t))
			arg, want := f.heavyEnough()
			for i, r := range f.all(everybody, command{Do: "ask", Query: heavy, Arg: arg, Goroutines: goroutines}) {
				f.check(i, r, want)
			}
			if n := f.runs.Load(); n != 1 {
				t.Errorf("PostgreSQL ran the query %d times", n)
			}
			stopped := f.takeAway(arg-1, syscall.SIGSTOP)
			f.signal(stopped, syscall.SIGCONT)
			if r := f.hear(stopped); r.Failed+r.Wrong > 0 {
				t.Errorf("who was stopped: %+v", r)
			}
			f.leave(others(f.takeAway(arg-2, syscall.SIGKILL)))
		})
	}
}

// takeAway sends a signal to the process that runs the query, whose number it gives, as soon as it does, and checks what the others
// are answered.
func (f *fleet) takeAway(arg int, signal syscall.Signal) (runner int) {
	f.Helper()
	var want string
	if err := f.control.QueryRow(f.Context(), heavy, arg).Scan(&want); err != nil {
		f.Fatal(err)
	}
	before := f.runs.Load()
	for i := range everybody {
		f.tell(i, command{Do: "ask", Query: heavy, Arg: arg, Goroutines: goroutines})
	}
	f.eventually("a run", func() bool { return f.runs.Load() > before })
	runner = int(f.runner.Load()) - 1
	f.signal(runner, signal)
	if n := f.runs.Load() - before; n != 1 {
		f.Fatalf("PostgreSQL ran the query %d times before", n)
	}
	var longest time.Duration
	for _, i := range others(runner) {
		r := f.hear(i)
		f.check(i, r, want)
		longest = max(longest, r.Longest)
	}
	again, took := f.runs.Load()-before-1, time.Duration(f.longest.Load())
	f.Logf("%v: %d runs more; waited %v at most, the query took %v at most", signal, again, longest, took)
	if again != 1 {
		f.Errorf("%v: PostgreSQL ran the query %d times more", signal, again)
	}
	if longest > lock+took+spare {
		f.Errorf("%v: somebody waited %v", signal, longest)
	}
	return runner
}

// check checks what all goroutines of a process were answered.
func (f *fleet) check(number int, r *reply, want string) {
	f.Helper()
	if r.Failed+r.Wrong > 0 || r.Answer != want || r.Queries != goroutines {
		f.Errorf("process %d: answer %q, want %q; %+v", number, r.Answer, want, r)
	}
}
