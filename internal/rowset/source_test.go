package rowset

import "io"

// pieces is a Source that gives a Set's rows a few at a time, each time in the same memory.
type pieces struct {
	piece  []byte
	rest   []byte
	rows   int   // per Fetch
	err    error // after the last row, in place of io.EOF
	failed error // from Close
	closed int
}

func (p *pieces) Fetch() (rows []byte, lasting bool, err error) {
	if len(p.rest) == 0 {
		if p.err != nil {
			return nil, false, p.err
		}
		return nil, false, io.EOF
	}
	end := 0
	for range p.rows {
		n, _ := cutRun(p.rest[end:], 1)
		end += n
	}
	clear(p.piece)
	p.piece = append(p.piece[:0], p.rest[:end]...)
	p.rest = p.rest[end:]
	return p.piece, false, nil
}

func (p *pieces) Close() error { p.closed++; return p.failed }

func overSource(tb failer, set *Set, rows int) *Rows {
	tb.Helper()
	return NewRows(set.Columns(), &pieces{rest: set.data, rows: rows})
}
