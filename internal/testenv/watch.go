package testenv

import (
	"bytes"
	"io"
	"strings"
	"sync"
)

// tailBytes is how much of a server's log an error quotes.
const tailBytes = 4 << 10

// watch is a server's log: it tells when the line that means "ready" came by,
// and keeps the last lines for error messages.
type watch struct {
	ready chan struct{} // closed at the first line that contains the phrase

	mu      sync.Mutex
	phrase  []byte
	seen    bool
	last    []byte
	forward io.Writer // nil: nobody wants it
}

func newWatch(phrase string, forward io.Writer) *watch {
	return &watch{ready: make(chan struct{}), phrase: []byte(phrase), forward: forward}
}

// Write never fails: a broken log writer must not stop a server.
func (w *watch) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = append(w.last, p...)
	if !w.seen && bytes.Contains(w.last, w.phrase) {
		w.seen = true
		close(w.ready)
	}
	if extra := len(w.last) - tailBytes; extra > 0 {
		w.last = append(w.last[:0], w.last[extra:]...)
	}
	if w.forward != nil {
		_, _ = w.forward.Write(p)
	}
	return len(p), nil
}

func (w *watch) tail() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.TrimSpace(string(w.last))
}
