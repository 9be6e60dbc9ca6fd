package peer

import (
	"errors"
	"net/http"
	"strconv"
	"time"
)

// writeTime is how long a peer may take to accept a frame.
const writeTime = 10 * time.Second

// reply is what an authentic request gets.
type reply struct {
	w       http.ResponseWriter
	control *http.ResponseController
	frames  frameWriter
	arrived time.Duration // on this process's clock
	begun   bool
}

// beat says that the peer is alive and at work.
func (r *reply) beat() error {
	if err := r.write(kindWorking); err != nil {
		return err
	}
	return r.control.Flush()
}

func (r *reply) write(k kind, parts ...[]byte) error {
	r.begun = true
	_ = r.control.SetWriteDeadline(time.Now().Add(writeTime))
	return r.frames.write(k, parts...)
}

// answer is the last frame.
func (r *reply) answer(head answerHead, bytes []byte) error {
	if !r.begun { // an answer that comes at once needs no chunks
		size := r.frames.chain.frameSize(answerHeadSize + len(bytes))
		r.w.Header().Set("Content-Length", strconv.Itoa(size))
	}
	return r.write(kindAnswer, head.encode(), bytes)
}

// serveFetch answers a peer that believes this process to own a key.
func (e *endpoint) serveFetch(out *reply, r *http.Request, body []byte) {
	q, ok := parseInquiry(body)
	if !ok {
		e.refused.malformed.Add(1)
		_ = out.answer(answerHead{outcome: outcomeMalformed}, nil)
		return
	}
	f := e.fleetOf(q.group)
	if f == nil {
		e.refused.noGroup.Add(1)
		_ = out.answer(answerHead{outcome: outcomeNoGroup}, nil)
		return
	}
	defer f.work.Done()
	f.serve(out, r, q)
}

// serve makes the answer, or says that the key is not ours.
//
// Invariant: it never asks another peer, so no two processes can wait for each other.
func (f *Fleet) serve(out *reply, r *http.Request, q *inquiry) {
	if q.ring != f.ring.Load().sum {
		f.stats.ringsDiffer.Add(1)
	}
	if !f.makes(q.key, q.ring) {
		f.stats.notOwner.Add(1)
		_ = out.answer(answerHead{outcome: outcomeNotOwner}, nil)
		return
	}
	call := Call{Key: q.key, Request: q.request, Patience: min(q.patience, f.config.Patience)}
	fl, err := f.launch(f.life, near, call)
	if err != nil {
		_ = out.answer(answerHead{outcome: outcomeNoGroup}, nil)
		return
	}
	if !f.await(out, r, fl, min(earliestBeat, q.timeout/4)) {
		return // the asker has gone; what it asked for goes on
	}
	f.deliver(out, fl)
}

// await waits for a flight, and beats meanwhile.
func (f *Fleet) await(out *reply, r *http.Request, fl *flight, first time.Duration) bool {
	beat := time.NewTimer(first)
	defer beat.Stop()
	for {
		select {
		case <-fl.done:
			return true
		case <-r.Context().Done():
			return false
		case <-beat.C:
			if out.beat() != nil {
				return false
			}
			beat.Reset(f.config.pace.beat)
		}
	}
}

func (f *Fleet) deliver(out *reply, fl *flight) {
	head := answerHead{}
	switch {
	case errors.Is(fl.err, ErrRefused):
		head.outcome = outcomeRefused
		f.stats.byFill.Add(1)
	case fl.err != nil:
		head.outcome = outcomeFailed
		f.stats.failed.Add(1)
	case int64(len(fl.value)-stampSize) > f.config.MaxEntry:
		head.outcome = outcomeTooLarge
		f.stats.tooLarge.Add(1)
	default:
		// Both up to the same moment: what comes after it, the way included, the asker adds.
		now := clock()
		head.keep, head.rested, head.held = fl.keep, max(now-bornOf(fl.value), 0), now-out.arrived
		if out.answer(head, fl.value[stampSize:]) == nil {
			f.stats.served.Add(1)
		}
		return
	}
	_ = out.answer(head, nil)
}
