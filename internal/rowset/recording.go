package rowset

import (
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

// A Recording is a result on its way from the server. The recorder appends the rows as they arrive; one reader may read them
// meanwhile, in another goroutine or in the same. Where the recorder has a goroutine of its own it goes at the server's pace
// and not at the reader's: others may wait for the whole.
//
// A result that turns out to be too large streams on in bounded memory: what the reader has seen is let go, and the
// recorder waits for a reader that falls behind.
//
// The zero Recording is ready to begin, and keeps whatever fits its Limit. It must not be copied.
type Recording struct {
	// Limit is how large the result may be and still be kept. It is set before Begin.
	Limit Limit

	layout *Layout
	tail   tail

	mu       sync.Mutex
	rows     reel // what was recorded and is not let go of
	count    int  // rows recorded
	ended    bool
	err      error // how it ended
	tooLarge bool
	left     bool          // the reader wants no more
	behind   bool          // the reader waits for news
	news     chan struct{} // a row or the end has come; made when first waited for
	room     chan struct{} // the reader has taken rows, or left; made when first waited for
}

// Begin says what the columns are. The recorder calls it before the first Append and before an End without error.
func (r *Recording) Begin(l *Layout) { r.layout = l }

// Append adds a row and copies its values. It tells whether the result is within its limit still, and whether anybody wants
// the rest. Once it is too large Append waits while the reader is far behind.
func (r *Recording) Append(values [][]byte) (kept, wanted bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.tooLarge && !r.left && r.rows.unread() > window {
		if r.room == nil {
			r.room = make(chan struct{}, 1)
		}
		r.mu.Unlock()
		<-r.room
		r.mu.Lock()
	}
	if r.tooLarge && r.left {
		return false, false
	}
	r.rows.append(values)
	r.count++
	r.tooLarge = r.tooLarge || r.over()
	r.tell()
	return !r.tooLarge, true
}

func (r *Recording) over() bool {
	return r.Limit.Bytes > 0 && r.rows.size > r.Limit.Bytes || r.Limit.Rows > 0 && int64(r.count) > r.Limit.Rows
}

// expectNews notes that the reader is about to wait.
func (r *Recording) expectNews() {
	r.behind = true
	if r.news == nil {
		r.news = make(chan struct{}, 1)
	}
}

// tell wakes the reader if it waits.
func (r *Recording) tell() {
	if r.behind {
		r.behind = false
		signal(r.news)
	}
}

// signal leaves one token in a channel of one place. Nobody waits on a nil one.
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
	r.letGo()
	r.tell()
}

// Set returns the whole result, or nil if it is too large. The recorder calls it once it has read the result to its clean
// end, and before End, so that what it does with the result is done when the reader sees the end.
func (r *Recording) Set() *Set {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tooLarge {
		return nil
	}
	return &Set{layout: r.layout, data: r.rows.whole(), rows: r.count}
}

// letGo drops what nobody will look at any more: what the reader is through with, once the whole has been made or can't be.
func (r *Recording) letGo() {
	switch {
	case !r.ended && !r.tooLarge: // Set may be asked for all of it
	case r.left:
		r.rows.drop()
	default:
		r.rows.dropRead()
	}
}

// Started waits until the first row has come or the result has ended, and returns the error of a result that ended before
// it had a row. It gives up with the context's error.
func (r *Recording) Started(ctx context.Context) error {
	for {
		r.mu.Lock()
		if r.count > 0 {
			r.mu.Unlock()
			return nil
		}
		if r.ended {
			defer r.mu.Unlock()
			return r.err
		}
		r.expectNews()
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

// Reader is what the one who reads along brings with it.
type Reader interface {
	// Pull records some more rows in the reader's own goroutine. It reports false where the recorder has one of its own;
	// then the reader waits.
	Pull() bool
	// Leave is called when the reader has enough, with the context's error if that is why. Its error is that of the result.
	Leave(ended error) error
}

// Rows returns the rows for the one reader, after Started. The context ends the waiting for a row.
func (r *Recording) Rows(ctx context.Context, reader Reader) *Rows {
	rows := newRows(r.layout, 1)
	r.tail = tail{recording: r, reader: reader, ctx: ctx}
	rows.src = &r.tail
	return rows
}

// Leave says that the reader wants no more. The recorder may go on, for others.
func (r *Recording) Leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left = true
	r.letGo()
	signal(r.room)
}

// take gives the reader the rows that it has not had. It gives nothing while there are none, and io.EOF or the error at the
// end. waits says that the reader is about to wait if there is nothing.
func (r *Recording) take(waits bool) (rows []byte, lasting bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if rows, lasting = r.rows.next(); rows != nil {
		r.letGo()
		if r.tooLarge {
			signal(r.room)
		}
		return rows, lasting, nil
	}
	switch {
	case r.ended && r.err == nil:
		return nil, false, io.EOF
	case r.ended:
		return nil, false, r.err
	case waits:
		r.expectNews()
	}
	return nil, false, nil
}

// tail is the reader's end of a recording, as a Source.
type tail struct {
	recording *Recording
	reader    Reader
	ctx       context.Context
	closed    bool
}

func (t *tail) Fetch() (rows []byte, lasting bool, err error) {
	for pulled := true; ; pulled = t.reader.Pull() {
		rows, lasting, err = t.recording.take(!pulled)
		if rows != nil || err != nil {
			return rows, lasting, err
		}
		if pulled {
			continue
		}
		if err := t.recording.wait(t.ctx); err != nil {
			t.closed = true
			return nil, false, t.reader.Leave(err)
		}
	}
}

func (t *tail) Close() error {
	if t.closed {
		return nil
	}
	t.closed = true
	return t.reader.Leave(nil)
}
