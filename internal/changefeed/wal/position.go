package wal

// pages is the layout of a server's WAL.
type pages struct{ block, segment uint64 }

// The headers of a page, and of the first page of a segment.
const (
	shortHeader = 24
	longHeader  = 40
)

// common is the layout of a server that was built and set up as nearly all are.
var common = pages{block: 8 << 10, segment: 16 << 20}

// reachable rounds a position in a page's header down to the start of the page. The insert position stands behind the header
// of a page that nothing was written to yet; the last record ends at the page's start, and that is where the decoder stops
// until more is written. No record ends inside a header, so nothing lies between the two.
func (p pages) reachable(lsn uint64) uint64 {
	header := uint64(shortHeader)
	if lsn%p.segment < p.block {
		header = longHeader
	}
	if into := lsn % p.block; into <= header {
		return lsn - into
	}
	return lsn
}

// Position implements changefeed.Feed. The feed does what it can to pass the position soon.
func (f *Feed) Position(lsn uint64) uint64 {
	p := f.pages.Load()
	if p == nil {
		p = &common
	}
	position := p.reachable(lsn)
	f.want(position)
	return position
}
