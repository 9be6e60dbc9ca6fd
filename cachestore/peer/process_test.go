//go:build unix

package peer

import (
	"errors"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestThreeProcessesFillOnce has 300 callers in three processes want one key that nobody has.
func TestThreeProcessesFillOnce(t *testing.T) {
	ss := sites(t, 3)
	var ps [3]*process
	for i, s := range ss {
		ps[i] = s.start(t, false)
	}
	for _, p := range ps {
		p.hear(t, "open")
	}
	for round := range 5 {
		for _, p := range ps {
			p.sayf(t, "ask cold%d 100 q", round)
		}
		for _, p := range ps {
			if got := p.hear(t, "asked"); got != "100" {
				t.Errorf("%s of 100 got an answer", got)
			}
		}
	}
	var fills strings.Builder
	for _, p := range ps {
		p.sayf(t, "fills")
		fills.WriteString(p.hear(t, "fills"))
	}
	total := 0
	for _, digit := range fills.String() {
		total += int(digit - '0')
	}
	if total != 5 {
		t.Errorf("%d fills of 5 keys", total)
	}
}

// pair is a Fleet of this process, and another process, which owns the key.
func pair(t *testing.T, timeout time.Duration) (f *Fleet, p *process, key string) {
	t.Helper()
	ss := sites(t, 2)
	p = ss[1].start(t, false)
	p.hear(t, "open")
	ss[0].config.Timeout = timeout
	ss[0].config.pace.rest = 20 * time.Millisecond
	f = ss[0].open(t)
	for i := 'a'; ; i++ {
		if key = string(i); f.ring.Load().owner(key) == ss[1].config.Self {
			return f, p, key
		}
	}
}

// stop stops the process. The signal takes its time, so it waits until the kernel says that it has arrived.
func (p *process) stop(t *testing.T) {
	t.Helper()
	_ = p.Process.Signal(syscall.SIGSTOP)
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(p.Process.Pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		t.Fatalf("not stopped: %v, %v", status, err)
	}
}

// TestOwnerKilledInTheMiddle kills an owner with kill -9 while it fills: who waits is told at once.
func TestOwnerKilledInTheMiddle(t *testing.T) {
	f, p, key := pair(t, 10*time.Second)
	failed := make(chan error)
	go func() {
		_, err := f.Fetch(t.Context(), Call{Key: key, Request: []byte("hold")})
		failed <- err
	}()
	p.hear(t, "holding")
	killed := time.Now()
	_ = p.Process.Kill()
	if err := <-failed; !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(killed); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	if _, err := f.Fetch(t.Context(), Call{Key: key}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("afterwards: %v", err)
	}
}

// TestStandInTakesOver kills an owner while all others wait for it: one of those makes the answer for both.
func TestStandInTakesOver(t *testing.T) {
	ss := sites(t, 3)
	p := ss[2].start(t, false)
	p.hear(t, "open")
	asker, standIn := ss[0].open(t), ss[1].open(t)
	ring, key := asker.ring.Load(), ""
	for i := 'a'; ring.owner(key) != ss[2].config.Self || ring.standIn(key) != ss[1].config.Self; i++ {
		key = string(i)
	}
	call := Call{Key: key, Request: []byte("hold")}
	var all sync.WaitGroup
	for _, f := range []*Fleet{asker, standIn} {
		all.Go(func() {
			answer, err := f.Fetch(t.Context(), call)
			if f == standIn && errors.Is(err, ErrUnavailable) {
				answer, err = f.Own(t.Context(), call)
			}
			if want := ss[1].config.Self + " hold"; err != nil || string(answer.Bytes) != want {
				t.Errorf("got %q, %v, want %q", answer.Bytes, err, want)
			}
		})
	}
	p.hear(t, "holding")
	_ = p.Process.Kill()
	all.Wait()
	if ss[0].fills.Load() != 0 || ss[1].fills.Load() != 1 {
		t.Errorf("filled %d times by the asker, %d times by who stands in", ss[0].fills.Load(), ss[1].fills.Load())
	}
}

// TestNoStandInForOtherRings: who does not own a key makes it only for those who agree on who does.
func TestNoStandInForOtherRings(t *testing.T) {
	fs, ss := fleets(t, 3, nil)
	ring, key := fs[0].ring.Load(), ""
	for i := 'a'; ring.owner(key) != ss[2].config.Self || ring.standIn(key) != ss[1].config.Self; i++ {
		key = string(i)
	}
	if !fs[1].makes(key, ring.sum) || fs[1].makes(key, ring.sum+1) || fs[0].makes(key, ring.sum) || !fs[2].makes(key, ring.sum+1) {
		t.Error("another makes it than should")
	}
}

// TestStoppedPeerCostsTheTimeoutOnce stops an owner with SIGSTOP: its kernel still takes connections. Only one caller waits for
// it, for the Timeout, and nobody after that. When it goes on, it is asked again.
func TestStoppedPeerCostsTheTimeoutOnce(t *testing.T) {
	const timeout = 300 * time.Millisecond
	f, p, key := pair(t, timeout)
	p.stop(t)
	asked := time.Now()
	_, err := f.Fetch(t.Context(), Call{Key: key})
	if took := time.Since(asked); !errors.Is(err, ErrUnavailable) || took < timeout || took > timeout+2*time.Second {
		t.Errorf("%v after %v", err, took)
	}
	asked = time.Now()
	for range 100 {
		if _, err := f.Fetch(t.Context(), Call{Key: key}); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), errResting.Error()) {
			t.Fatalf("got %v", err)
		}
	}
	if took := time.Since(asked); took > timeout {
		t.Errorf("100 more calls took %v", took)
	}
	if s := f.Stats(); s.Resting != 1 {
		t.Errorf("%+v", s)
	}
	_ = p.Process.Signal(syscall.SIGCONT)
	eventually(t, "the peer is asked again", func() bool {
		_, err := f.Fetch(t.Context(), Call{Key: key})
		return err == nil
	})
}

// TestStoppedInTheMiddle stops an owner while it fills: it says nothing any more, and is given up long before the patience ends.
func TestStoppedInTheMiddle(t *testing.T) {
	f, p, key := pair(t, time.Second)
	failed := make(chan error)
	go func() {
		_, err := f.Fetch(t.Context(), Call{Key: key, Request: []byte("hold"), Patience: time.Hour})
		failed <- err
	}()
	p.hear(t, "holding")
	owner := f.ring.Load().peers[f.ring.Load().owner(key)]
	eventually(t, "the owner says that it is at work", func() bool { return owner.breaker.Counts().TotalSuccesses > 0 })
	p.stop(t)
	if err := <-failed; !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if f.Stats().Resting != 1 {
		t.Error("it is asked again at once")
	}
	_ = p.Process.Signal(syscall.SIGCONT)
	_ = p.Process.Kill()
}

// TestSomebodyElsesPickerIsAnError: groupcache panics when a second picker is registered.
func TestSomebodyElsesPickerIsAnError(t *testing.T) {
	p := sites(t, 1)[0].start(t, true)
	if got := p.hear(t, "true"); !strings.Contains(got, "RegisterPeerPicker") {
		t.Errorf("got %q", got)
	}
}
