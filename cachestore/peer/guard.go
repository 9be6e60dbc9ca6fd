package peer

import (
	"crypto/sha256"
	"crypto/subtle"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// bodyTime is how long the body of an authentic request may take to come.
const bodyTime = 5 * time.Second

// ServeHTTP answers authentic requests. All others learn nothing, not even that there was something to be learnt.
func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	arrived := clock()
	t, reason := e.admit(r)
	if reason != nil {
		reason.Add(1)
		forbid(w)
		return
	}
	body, reason := e.read(w, r, t)
	if reason != nil {
		reason.Add(1)
		forbid(w)
		return
	}
	out := &reply{control: http.NewResponseController(w), w: w, frames: frameWriter{to: w, chain: e.keys.chain(t)}, arrived: arrived}
	switch {
	case r.Method == http.MethodPost && r.RequestURI == pathFetch:
		e.serveFetch(out, r, body)
	case r.Method == http.MethodPost && r.RequestURI == pathPing:
		_ = out.answer(answerHead{outcome: outcomeAnswer}, nil)
	case r.Method == http.MethodGet && strings.HasPrefix(r.RequestURI, pathStream):
		e.serveStream(out, r)
	default:
		e.refused.malformed.Add(1)
		_ = out.answer(answerHead{outcome: outcomeMalformed}, nil)
	}
}

// forbid is the reply to everybody who is not a peer.
func forbid(w http.ResponseWriter) {
	h := w.Header()
	h["Date"] = nil
	h.Set("Content-Length", "0")
	h.Set("Connection", "close")
	w.WriteHeader(http.StatusForbidden)
}

// admit judges a request by its head. The reason to refuse it is the counter of such; nil means that a peer made it, for this
// process, lately, and for the first time.
func (e *endpoint) admit(r *http.Request) (*ticket, *atomic.Int64) {
	switch {
	case strings.HasPrefix(r.RequestURI, root):
	case isVersioned(r.RequestURI):
		return nil, &e.refused.badVersion
	default:
		return nil, &e.refused.unauthenticated
	}
	if e.keys == nil {
		return nil, nil // the certificate was verified before the request was read
	}
	header := r.Header["Authorization"]
	if len(header) != 1 {
		return nil, &e.refused.unauthenticated
	}
	t, ok := parseTicket(header[0])
	if !ok || !e.keys.genuine(e.config.Self, r.Method, r.RequestURI, t) {
		return nil, &e.refused.unauthenticated
	}
	switch e.nonces.take(t.nonce, t.made, time.Now()) {
	case ageReplayed:
		return nil, &e.refused.replayed
	case ageOutOfTime:
		return nil, &e.refused.outOfTime
	case ageFresh:
	}
	return t, nil
}

// isVersioned reports whether the path is one of another version of this protocol.
func isVersioned(target string) bool {
	rest, found := strings.CutPrefix(target, anyVersion)
	version, _, slash := strings.Cut(rest, "/")
	return found && slash && version != "" && strings.Trim(version, "0123456789") == ""
}

// read reads the body, if it has the size and the bytes that it should have.
func (e *endpoint) read(w http.ResponseWriter, r *http.Request, t *ticket) ([]byte, *atomic.Int64) {
	if r.ContentLength < 0 || r.ContentLength > mostBody {
		return nil, &e.refused.oversized
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(bodyTime))
	body := make([]byte, r.ContentLength)
	_, err := io.ReadFull(r.Body, body)
	_ = control.SetReadDeadline(time.Time{})
	if err != nil {
		return nil, &e.refused.altered
	}
	if t == nil {
		return body, nil
	}
	if sum := sha256.Sum256(body); subtle.ConstantTimeCompare(sum[:], t.body[:]) != 1 {
		return nil, &e.refused.altered
	}
	return body, nil
}
