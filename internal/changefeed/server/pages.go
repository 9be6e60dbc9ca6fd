package server

// Pages is the layout of a server's WAL.
type Pages struct{ Block, Segment uint64 }

// The headers of a page, and of the first page of a segment.
const (
	shortHeader = 24
	longHeader  = 40
)

// Common is the layout of a server that was built and set up as nearly all are.
var Common = Pages{Block: 8 << 10, Segment: 16 << 20}

// Reachable rounds a position in a page's header down to the start of the page. The insert position stands behind the header
// of a page that nothing was written to yet; the last record ends at the page's start, and that is where the decoder stops
// until more is written. No record ends inside a header, so nothing lies between the two.
func (p Pages) Reachable(lsn uint64) uint64 {
	header := uint64(shortHeader)
	if lsn%p.Segment < p.Block {
		header = longHeader
	}
	if into := lsn % p.Block; into <= header {
		return lsn - into
	}
	return lsn
}
