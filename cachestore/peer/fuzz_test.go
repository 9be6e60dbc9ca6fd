package peer

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// FuzzInquiry: what is parsed is within bounds and comes out of encode again.
func FuzzInquiry(f *testing.F) {
	f.Add((&inquiry{timeout: 1, patience: 1, key: "key", request: []byte("request")}).encode())
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{0xff}, 100))
	f.Fuzz(func(t *testing.T, b []byte) {
		q, ok := parseInquiry(b)
		if !ok {
			return
		}
		if len(q.key) > mostKey || len(q.request) > mostRequest || q.timeout <= 0 || q.patience <= 0 {
			t.Errorf("%+v", q)
		}
		if !bytes.Equal(q.encode(), b) {
			t.Errorf("%x becomes %x", b, q.encode())
		}
	})
}

// FuzzServer: whatever comes without the secret gets 403 and nothing, and what comes with it never gets anything but frames.
func FuzzServer(f *testing.F) {
	c := &Config{Self: "http://a:1", Logger: slog.New(slog.DiscardHandler)}
	e := &endpoint{config: c, keys: newKeys(testSecret), nonces: newNonces(time.Now(), 1000), groups: map[[16]byte][]*Fleet{}}
	f.Add("POST", pathFetch, authScheme+"AAAA", []byte("body"))
	f.Add("GET", pathStream+"00/x", "", []byte{})
	f.Add("GET", "/pgcache/2/fetch", "Basic x", []byte{})
	f.Fuzz(func(t *testing.T, method, target, header string, body []byte) {
		r, err := http.NewRequest(method, "http://a:1/", bytes.NewReader(body))
		if err != nil {
			return
		}
		r.RequestURI, r.URL.Path = target, target
		r.Header["Authorization"] = []string{header}
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		if w.Code != http.StatusForbidden || w.Body.Len() > 0 {
			t.Fatalf("%d, %q", w.Code, w.Body)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		ticket := e.keys.sign(c.Self, method, target, body, time.Now())
		r.Header["Authorization"] = []string{ticket.header()}
		w = httptest.NewRecorder()
		e.ServeHTTP(w, r)
		if w.Code == http.StatusForbidden {
			return
		}
		frames := frameReader{from: w.Body, chain: e.keys.chain(ticket), limit: 1 << 20}
		if _, _, err := frames.next(); err != nil || w.Body.Len() > 0 {
			t.Fatalf("%v, %d left", err, w.Body.Len())
		}
	})
}

// FuzzFrames: no bytes are taken for frames but those that were written.
func FuzzFrames(f *testing.F) {
	f.Add([]byte("a\x00\x00\x00\x01x"))
	f.Fuzz(func(t *testing.T, b []byte) {
		signed := frameReader{from: bytes.NewReader(b), chain: newKeys(testSecret).chain(&ticket{}), limit: 1 << 10}
		if k, _, err := signed.next(); err == nil {
			t.Errorf("a frame %c comes from nowhere", k)
		}
		bare := frameReader{from: bytes.NewReader(b), limit: 1 << 10}
		for {
			_, payload, err := bare.next()
			if err != nil {
				return
			}
			_, _ = parseAnswerHead(payload)
		}
	})
}
