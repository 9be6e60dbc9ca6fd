package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// newTransport makes the connections to peers. They never go through a proxy, never follow a redirect, and speak HTTP/1.1, in
// which one slow reply is in nobody's way.
func newTransport(c *Config) *http.Transport {
	dialer := &net.Dialer{Timeout: c.Timeout}
	t := &http.Transport{
		DialContext:            dialer.DialContext,
		MaxIdleConnsPerHost:    64,
		IdleConnTimeout:        time.Minute, // before the server's
		MaxResponseHeaderBytes: 8 << 10,
		DisableCompression:     true,
		TLSHandshakeTimeout:    c.Timeout,
		ForceAttemptHTTP2:      false,
	}
	if c.secure() {
		t.TLSClientConfig = clientTLS(c)
	}
	return t
}

// asking is a request on its way. It ends when nothing has been heard for too long.
type asking struct {
	frames   frameReader
	body     io.ReadCloser
	cancel   context.CancelCauseFunc
	watchdog *time.Timer
	pace     pace
	ctx      context.Context
}

// ask sends a request to a peer and leaves its reply to be read. The error tells whose fault it was.
func (f *Fleet) ask(ctx context.Context, url, method, target string, body []byte, limit int64) (*asking, error) {
	a := &asking{pace: f.config.pace}
	a.ctx, a.cancel = context.WithCancelCause(ctx)
	a.watchdog = time.AfterFunc(f.config.Timeout, func() { a.cancel(errSilent) })
	request, err := http.NewRequestWithContext(a.ctx, method, url+target, bytes.NewReader(body))
	if err != nil {
		a.close()
		return nil, err
	}
	var t *ticket
	if f.keys != nil {
		t = f.keys.sign(url, method, request.URL.RequestURI(), body, time.Now())
		request.Header.Set("Authorization", t.header())
	}
	request.Header["User-Agent"] = nil
	request.Header["Idempotency-Key"] = nil         // may be sent again on another connection; the nonce sees to it that it counts once
	response, err := f.roundTrip.RoundTrip(request) //nolint:bodyclose // asking.close does
	if err != nil {
		defer a.close()
		return nil, a.blame(err)
	}
	a.body = response.Body
	if response.StatusCode != http.StatusOK {
		a.close()
		return nil, errForbids
	}
	a.frames = frameReader{from: response.Body, chain: f.keys.chain(t), limit: limit}
	return a, nil
}

// next reads the next frame that is not a sign of life.
func (a *asking) next(alive func()) (kind, []byte, error) {
	for {
		k, payload, err := a.frames.next()
		if err != nil {
			return 0, nil, a.blame(err)
		}
		a.watchdog.Reset(a.pace.silence)
		alive()
		if k != kindWorking {
			return k, payload, nil
		}
	}
}

// blame puts the reason for which the request was ended in the place of what came of that.
func (a *asking) blame(err error) error {
	if cause := context.Cause(a.ctx); cause != nil {
		return cause
	}
	return err
}

// finish reads to the end of the reply, so that the connection can be used again. Nothing may be there.
func (a *asking) finish() error {
	var one [1]byte
	if n, err := io.ReadFull(a.body, one[:]); n > 0 || !errors.Is(err, io.EOF) {
		return errForged
	}
	return nil
}

func (a *asking) close() {
	a.watchdog.Stop()
	a.cancel(context.Canceled)
	if a.body != nil {
		_ = a.body.Close()
	}
}

// fetch asks the peer for an answer, which comes with the time when it was made in front.
func (p *peer) fetch(ctx context.Context, call *Call) (value []byte, keep bool, err error) {
	f := p.fleet
	if len(call.Request) > mostRequest || len(call.Key) > mostKey {
		return nil, false, fmt.Errorf("the request is larger than %d bytes, or its key than %d", mostRequest, mostKey)
	}
	q := inquiry{
		group: f.group, ring: f.ring.Load().sum, timeout: f.config.Timeout, patience: call.Patience,
		key: call.Key, request: call.Request,
	}
	sent := clock()
	payload, head, err := p.exchange(ctx, pathFetch, q.encode())
	if err != nil {
		return nil, false, err
	}
	if head.outcome != outcomeAnswer {
		return nil, false, errors.New(head.outcome.String())
	}
	// What the owner told its age at was held for so long when it did, and was asked for no earlier than sent: so it was made no
	// later than this, and the way there and back counts as age.
	born := min(sent+head.held, clock()) - head.rested
	// The end of the head makes room for the stamp, so that nothing has to be copied.
	value = payload[answerHeadSize-stampSize:]
	stamp(value, born)
	return value, head.keep, nil
}

// exchange sends a request and waits for the answer.
func (p *peer) exchange(ctx context.Context, target string, body []byte) (payload []byte, head answerHead, err error) {
	verdict, err := p.admit(ctx)
	if err != nil {
		return nil, head, err
	}
	defer func() {
		if err != nil && ctx.Err() != nil && !errors.Is(err, errSilent) {
			verdict(errOurs)
			return
		}
		verdict(err)
	}()
	a, err := p.fleet.ask(ctx, p.url, http.MethodPost, target, body, p.fleet.config.MaxEntry+answerHeadSize)
	if err != nil {
		return nil, head, err
	}
	defer a.close()
	k, payload, err := a.next(func() { verdict(nil) })
	if err != nil {
		return nil, head, p.fleet.stats.forged(err)
	}
	head, ok := parseAnswerHead(payload)
	if k != kindAnswer || !ok {
		return nil, head, errReply
	}
	return payload, head, p.fleet.stats.forged(a.finish())
}
