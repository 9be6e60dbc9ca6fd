package peer

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// chunk is the size of the largest frame of a stream.
const chunk = 64 << 10

// Handle gives other parts of the program a way to stream to their like in other processes of the group: h serves what they open
// at path, which begins with a slash. Only peers reach it. What it writes comes out at the other end as it is, or not at all;
// the reader is told whether it is complete. h sends what it has written when it flushes, and must return when its request's
// context ends, which it does when the reader leaves, doesn't read for 10 s, or the Fleet is closed. A status of 400 or more is
// an error at the other end. Headers go nowhere.
func (f *Fleet) Handle(path string, h http.Handler) { f.streams.Store(path, h) }

// Open opens the stream that a peer serves at path, to which a query may be added. The error wraps [ErrUnavailable]. The stream
// ends with io.EOF when it is complete, and with another error when it was cut short, is not authentic, or the peer has
// said nothing for about a second: one that has nothing to tell says so. It ends with ctx too, and with the Fleet.
func (f *Fleet) Open(ctx context.Context, peerURL, path string) (io.ReadCloser, error) {
	if !slices.Contains(f.ring.Load().urls, peerURL) {
		return nil, fmt.Errorf("%w: %s is not a peer", ErrUnavailable, peerURL)
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(f.life, cancel)
	end := func() { stop(); cancel() }
	a, err := f.ask(ctx, peerURL, http.MethodGet, pathStream+hex.EncodeToString(f.group[:])+path, nil, chunk)
	if err != nil {
		end()
		return nil, fmt.Errorf("%w: %s: %w", ErrUnavailable, peerURL, err)
	}
	s := &stream{fleet: f, asking: a, end: end}
	k, payload, err := a.frames.next() // a sign of life at least
	if err == nil && k != kindWorking {
		err = s.accept(k, payload)
	}
	if err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("%w: %s: %w", ErrUnavailable, peerURL, f.stats.forged(a.blame(err)))
	}
	a.watchdog.Reset(a.pace.silence)
	return s, nil
}

var errRefusedStream = errors.New("it does not serve the stream")

// stream is the reader's end.
type stream struct {
	fleet  *Fleet
	asking *asking
	end    func()
	rest   []byte // read, but not asked for yet
	err    error  // after rest
}

func (s *stream) Read(p []byte) (int, error) {
	for len(s.rest) == 0 && s.err == nil && len(p) > 0 {
		k, payload, err := s.asking.next(func() {})
		if err == nil {
			err = s.accept(k, payload)
		}
		s.err = s.fleet.stats.forged(err)
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	if n > 0 || s.err == nil {
		return n, nil
	}
	return 0, s.err
}

// accept takes a frame that is no mere sign of life.
func (s *stream) accept(k kind, payload []byte) error {
	switch k {
	case kindData:
		s.rest = payload
		return nil
	case kindEnd:
		if err := s.asking.finish(); err != nil {
			return err
		}
		return io.EOF
	case kindRefused:
		return errRefusedStream
	case kindWorking, kindAnswer:
	}
	return errReply
}

// Close leaves the stream. It may be called while Read waits, which then returns.
func (s *stream) Close() error {
	s.asking.close()
	s.end()
	return nil
}

// serveStream finds who serves the stream, and lets them.
func (e *endpoint) serveStream(out *reply, r *http.Request) {
	name, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, pathStream), "/")
	group, err := hex.DecodeString(name)
	if err != nil || len(group) != 16 {
		e.refused.malformed.Add(1)
		_ = out.write(kindRefused)
		return
	}
	f := e.fleetOf([16]byte(group))
	if f == nil {
		e.refused.noGroup.Add(1)
		_ = out.write(kindRefused)
		return
	}
	defer f.work.Done()
	h, found := f.streams.Load("/" + path)
	if !found {
		e.refused.malformed.Add(1)
		_ = out.write(kindRefused)
		return
	}
	f.stream(out, r, h.(http.Handler), "/"+path)
}

// stream runs a handler, and beats while it has nothing to say.
func (f *Fleet) stream(out *reply, r *http.Request, h http.Handler, path string) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(f.life, cancel)()
	r = r.WithContext(ctx)
	r.URL = &url.URL{Path: path, RawQuery: r.URL.RawQuery}
	w := &streamWriter{out: out, cancel: cancel, header: http.Header{}}
	w.beat()
	beating := make(chan struct{})
	go func() {
		defer close(beating)
		ticker := time.NewTicker(f.config.pace.beat)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				w.beat()
			}
		}
	}()
	defer func() { <-beating }() // nothing may be written when the handler has returned
	defer cancel()
	h.ServeHTTP(w, r)
	if ctx.Err() == nil {
		w.finish()
	}
}

// streamWriter is the http.ResponseWriter of a stream's handler.
type streamWriter struct {
	out    *reply
	header http.Header
	cancel context.CancelFunc

	mu      sync.Mutex
	refused bool
}

func (w *streamWriter) Header() http.Header { return w.header }

func (w *streamWriter) WriteHeader(status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refused = w.refused || status >= http.StatusBadRequest
}

func (w *streamWriter) Write(p []byte) (n int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refused {
		return len(p), nil // the text of an error stays here
	}
	for part := range slices.Chunk(p, chunk) {
		if err := w.out.write(kindData, part); err != nil {
			w.cancel()
			return n, err
		}
		n += len(part)
	}
	return n, nil
}

// Flush sends what was written.
func (w *streamWriter) Flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.out.control.Flush() != nil {
		w.cancel()
	}
}

func (w *streamWriter) beat() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.out.beat() != nil {
		w.cancel()
	}
}

func (w *streamWriter) finish() {
	w.mu.Lock()
	defer w.mu.Unlock()
	k := kindEnd
	if w.refused {
		k = kindRefused
	}
	_ = w.out.write(k)
}
