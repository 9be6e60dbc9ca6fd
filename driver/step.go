package driver

import (
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/internal/rowset"
)

// run takes all the steps that are left.
func (f *fill) run() {
	f.stepping.Lock()
	defer f.stepping.Unlock()
	for !f.finished() {
		f.step()
	}
}

// Pull takes one step in the caller's goroutine, unless somebody else is at it.
func (f *fill) Pull() bool {
	if !f.stepping.TryLock() {
		return false
	}
	defer f.stepping.Unlock()
	if f.finished() {
		return true
	}
	if !f.attention.beginStep() {
		return false
	}
	defer f.attention.endStep()
	f.step()
	return true
}

// batch is how many bytes a step reads, about: as much as a server sends at a time.
const batch = 8 << 10

// errGone is the error of a step whose goroutine was ended by something that the caller hooks into pgx.
var errGone = errors.New("pgcache: the goroutine that read a result was ended")

// step takes one step and ends the fill if there is nothing left to do, or something goes wrong.
func (f *fill) step() {
	more, err := false, errGone
	began := cachestore.Now()
	defer func() {
		f.spent += cachestore.Now().Sub(began)
		if p := recover(); p != nil {
			more, err = false, fmt.Errorf("pgcache: panic while reading a result: %v\n%s", p, debug.Stack())
		}
		if !more {
			f.finish(err)
		}
	}()
	if f.rows == nil {
		more, err = f.begin()
	} else {
		more, err = f.next(batch)
	}
}

// begin sends the query down the chain and reads the first row.
func (f *fill) begin() (more bool, err error) {
	f.started = time.Now()
	if _, err := f.chain.QueryContext(&f.ctx, f.request.text.sql, f.request.args); err != nil {
		return false, err
	}
	more = f.rows.Next()
	if err := f.rows.Err(); err != nil {
		f.rows.Close()
		return false, err
	}
	layout, err := f.layout()
	if err != nil {
		f.rows.Close()
		return false, err
	}
	f.recording.Begin(layout)
	return more && f.add(), nil
}

// layout describes the result. All results of one statement share what they have in common.
func (f *fill) layout() (*rowset.Layout, error) {
	fields, types := f.rows.FieldDescriptions(), f.std.Conn().TypeMap()
	if known := f.request.verdict.layout.Load(); known.Fits(fields, types) {
		return known, nil
	}
	layout, err := rowset.NewLayout(fields, types)
	if err == nil {
		f.request.verdict.layout.Store(layout)
	}
	return layout, err
}

// next reads about size bytes of rows, and no more once the result has become too large: where the reader takes the steps itself,
// the recording would wait for it to read.
func (f *fill) next(size int) (more bool, err error) {
	for wasLarge := f.large; size > 0 && f.large == wasLarge; {
		if !f.rows.Next() {
			return false, f.rows.Err()
		}
		if !f.add() {
			return false, f.rows.Err()
		}
		size -= rowset.RowSize(f.rows.RawValues())
	}
	return true, nil
}

// add records the row at hand. It reports false, having read the rest, when nobody wants it.
func (f *fill) add() bool {
	kept, wanted := f.recording.Append(f.rows.RawValues())
	if !kept && !f.large {
		f.large = true
		f.discard()
		f.flight.land(goAlone, nil, nil)
	}
	if !wanted {
		f.rows.Close()
	}
	return wanted
}
