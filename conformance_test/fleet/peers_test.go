//go:build unix

package fleet_test

import (
	"syscall"
	"testing"
)

// One of the peers is not as the others are, or goes away: they do without it, and it without them.
func TestPeerFaults(t *testing.T) {
	for _, fault := range []struct {
		name string
		// params are the last peer's own.
		params func(t *testing.T) []string
		// signals are sent to it under load.
		signals []syscall.Signal
	}{
		{name: "stopped, and later killed", signals: []syscall.Signal{syscall.SIGSTOP, syscall.SIGCONT, syscall.SIGKILL}},
		{name: "with a wrong secret", params: func(t *testing.T) []string {
			return []string{"peer_secret_file=" + secretFile(t, "quite another secret")}
		}},
		{name: "with other rules", params: func(*testing.T) []string {
			return []string{"rule=other: table=space0,space1,space2,space3 ttl=1h lock=1s"}
		}},
		{name: "with another namespace", params: func(*testing.T) []string { return []string{"namespace=another"} }},
	} {
		feeds := []string{"none", "wal"}
		if fault.signals == nil {
			feeds = feeds[:1] // how peers get on with each other is the same with a feed
		}
		for _, feed := range feeds {
			t.Run(fault.name+"/"+feed, func(t *testing.T) {
				more := []string{"feed=" + feed, "timeout=100ms"}
				if feed == "none" {
					more = append(more, "rule=all: * ttl=300ms lock=1s") // nothing else makes anybody ask the peers again
				}
				params := amongPeers(t, more...)
				f := startFleet(t, func(number int) []string {
					if number == members-1 && fault.params != nil {
						return with(params(number), fault.params(t)...)
					}
					return params(number)
				})
				f.playPeers(fault.signals)
			})
		}
	}
}

func (f *fleet) playPeers(signals []syscall.Signal) {
	const odd = members - 1
	healthy := others(odd)
	f.all(everybody, command{Do: "load"})
	f.turnsOf(everybody, 60)
	f.shares(healthy)
	last := everybody
	for i, signal := range signals {
		f.phase.Store(int64(1 + i))
		f.signal(odd, signal)
		f.turnsOf(healthy, 60)
		f.shares(healthy)
		switch signal {
		case syscall.SIGCONT:
			f.turnsOf(everybody, 60)
			f.shares(everybody)
		case syscall.SIGKILL:
			last = healthy
		}
	}
	f.judge(last)
	f.leave(last)
}
