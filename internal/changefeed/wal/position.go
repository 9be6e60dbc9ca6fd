package wal

import "github.com/gopgcache/pgcache/internal/changefeed/server"

// Position implements changefeed.Feed. The feed does what it can to pass the position soon.
func (f *Feed) Position(lsn uint64) uint64 {
	p := f.pages.Load()
	if p == nil {
		p = &server.Common
	}
	position := p.Reachable(lsn)
	f.want(position)
	return position
}
