package peer

import (
	"context"
	"net"
	"slices"
	"time"
)

// lookTime bounds one look-up of the peers' name.
const lookTime = 2 * time.Second

// follow looks the peers' name up again and again.
func (f *Fleet) follow() {
	defer f.work.Done()
	ticks := f.config.ticks
	if ticks == nil {
		ticker := time.NewTicker(f.config.Refresh)
		defer ticker.Stop()
		ticks = ticker.C
	}
	for {
		select {
		case <-f.life.Done():
			return
		case <-ticks:
			f.look()
		}
	}
}

// look makes the ring what the name stands for now. This process is always in its own ring: what it owns only by that it fills
// itself, which needs nobody's consent. A name that can't be looked up, or stands for nothing, changes nothing.
func (f *Fleet) look() {
	ctx, cancel := context.WithTimeout(f.life, lookTime)
	defer cancel()
	host, port, _ := net.SplitHostPort(f.config.dnsName())
	addresses, err := f.config.Resolver.LookupNetIP(ctx, "ip", host)
	if err != nil || len(addresses) == 0 {
		f.config.Logger.Debug("pgcache: the name of the peers can't be looked up", "name", host, "error", err)
		return
	}
	scheme := "http://"
	if f.config.secure() {
		scheme = "https://"
	}
	urls := []string{f.config.Self}
	for _, a := range addresses {
		urls = append(urls, scheme+net.JoinHostPort(a.Unmap().String(), port))
	}
	slices.Sort(urls)
	if urls = slices.Compact(urls); slices.Equal(urls, f.ring.Load().urls) {
		return
	}
	f.setRing(urls)
	f.config.Logger.Info("pgcache: the peers have changed", "peers", urls)
}
