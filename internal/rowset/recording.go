package rowset

import (
	"bytes"
	"context"
	"io"
	"sync"
)

// Limit says how large a result may be and still be kept. Zero means no limit.
type Limit struct {
	Bytes int64 // in the row format
	Rows  int64
}

// window is how far the recorder may run ahead of the reader once a result is too large to be kept.
const window = 256 << 10

// A Recording is a result on its way from the server. One goroutine, the recorder, appends the rows as they arrive, at the
// server's pace and not at the reader's: others may wait for the whole. One other goroutine, the reader, may read them
// meanwhile.
//
// A result that turns out to be too large streams on in bounded memory: what the reader has seen is let go, and the
// recorder waits for a reader that falls behind.
type Recording struct {
	limit  Limit
	layout *layout

	mu       sync.Mutex
	data     []byte // the rows not let go of
	read     int    // how far the reader is in data
	rows     int    // rows appended
	ended    bool
	err      error // how it ended
	tooLarge bool
	left     bool          // the reader wants no more
	behind   bool          // the reader waits for news
	news     chan struct{} // a row or the end has come
	room     chan struct{} // the reader has taken rows, or left
}

// NewRecording returns a Recording of a result that is kept within the limit.
func NewRecording(limit Limit) *Recording {
	return &Recording{limit: limit, news: make(chan struct{}, 1), room: make(chan struct{}, 1)}
}

// Begin says what the columns are. The recorder calls it before the first Append and before an End without error.
func (r *Recording) Begin(columns []Column) { r.layout = newLayout(columns) }

// Append adds a row and copies its values. It reports whether anybody still wants the rest. Once the result is too large
// it waits while the reader is far behind.
func (r *Recording) Append(values [][]byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.tooLarge && !r.left && len(r.data)-r.read > window {
		r.mu.Unlock()
		<-r.room
		r.mu.Lock()
	}
	if r.tooLarge {
		r.letGo()
	}
	if r.tooLarge && r.left {
		return false
	}
	r.data = AppendRow(r.data, values)
	r.rows++
	r.tooLarge = r.tooLarge || r.over()
	r.tell()
	return true
}

func (r *Recording) over() bool {
	return r.limit.Bytes > 0 && int64(len(r.data)) > r.limit.Bytes || r.limit.Rows > 0 && int64(r.rows) > r.limit.Rows
}

// letGo drops what the reader has seen, when that is worth moving the rest.
func (r *Recording) letGo() {
	if r.left {
		r.data, r.read = nil, 0
	} else if r.read > len(r.data)/2 {
		r.data = append(r.data[:0], r.data[r.read:]...)
		r.read = 0
	}
}

// tell wakes the reader if it waits.
func (r *Recording) tell() {
	if r.behind {
		r.behind = false
		signal(r.news)
	}
}

// signal leaves one token in a channel of one place.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// End says that the result has come to its end: cleanly, or with the error that broke it off.
func (r *Recording) End(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended, r.err = true, err
	r.tell()
}

// TooLarge tells whether the result has outgrown its limit.
func (r *Recording) TooLarge() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tooLarge
}

// Set returns the whole result, or nil if it is too large. The recorder calls it once it has read the result to its clean
// end, and before End, so that what it does with the result is done when the reader sees the end.
func (r *Recording) Set() *Set {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tooLarge {
		return nil
	}
	r.data = trim(r.data)
	return &Set{layout: r.layout, data: r.data, rows: r.rows}
}

// Started waits until the first row has come or the result has ended, and returns the error of a result that ended before
// it had a row. It gives up with the context's error.
func (r *Recording) Started(ctx context.Context) error {
	for {
		r.mu.Lock()
		if r.rows > 0 {
			r.mu.Unlock()
			return nil
		}
		if r.ended {
			defer r.mu.Unlock()
			return r.err
		}
		r.behind = true
		r.mu.Unlock()
		if err := r.wait(ctx); err != nil {
			return err
		}
	}
}

func (r *Recording) wait(ctx context.Context) error {
	select {
	case <-r.news:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Rows returns the rows for the one reader, after Started. Waiting for a row ends with ctx; leave is called when the reader
// has enough, with the context's error if that is why, and its error is that of the result.
func (r *Recording) Rows(ctx context.Context, leave func(error) error) *Rows {
	rows := newRows(r.layout)
	rows.src = &tail{recording: r, ctx: ctx, leave: leave}
	return rows
}

// Leave says that the reader wants no more. The recorder may go on, for others.
func (r *Recording) Leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left = true
	signal(r.room)
}

// take copies the next rows out for the reader. It gives nothing while there are none, and io.EOF or the error at the end.
func (r *Recording) take() ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n, _ := cutRun(r.data[r.read:], runSize); n > 0 {
		rows := bytes.Clone(r.data[r.read : r.read+n])
		r.read += n
		if r.tooLarge {
			signal(r.room)
		}
		return rows, nil
	}
	if !r.ended {
		r.behind = true
		return nil, nil
	}
	if r.err != nil {
		return nil, r.err
	}
	return nil, io.EOF
}

// tail is the reader's end of a recording, as a Source.
type tail struct {
	recording *Recording
	ctx       context.Context
	leave     func(error) error
	closed    bool
}

func (t *tail) Fetch() ([]byte, error) {
	for {
		rows, err := t.recording.take()
		if rows != nil || err != nil {
			return rows, err
		}
		if err := t.recording.wait(t.ctx); err != nil {
			t.closed = true
			return nil, t.leave(err)
		}
	}
}

func (t *tail) Close() error {
	if t.closed {
		return nil
	}
	t.closed = true
	return t.leave(nil)
}
