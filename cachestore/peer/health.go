package peer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sony/gobreaker/v2"
)

// peer is another process, and what is known of its health.
type peer struct {
	fleet   *Fleet
	url     string
	breaker *gobreaker.TwoStepCircuitBreaker[struct{}]
}

func newPeer(f *Fleet, url string) *peer {
	p := &peer{fleet: f, url: url}
	p.breaker = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Name:    url,
		Timeout: f.config.pace.rest,
		// One failure is enough: it may have cost a caller the whole Timeout, and the peer is looked after at once.
		ReadyToTrip:   func(c gobreaker.Counts) bool { return c.ConsecutiveFailures > 0 },
		OnStateChange: p.changed,
		IsExcluded:    func(err error) bool { return errors.Is(err, errOurs) },
		IsSuccessful:  func(err error) bool { return err == nil || errors.Is(err, errTooLarge) },
	})
	return p
}

type probing struct{}

// admit asks whether the peer may be asked now. Only probes ask one that has failed, so that it costs callers nothing. The
// verdict is called with nil as soon as the peer is heard of, and once more in the end: one that dies later has failed too.
func (p *peer) admit(ctx context.Context) (verdict func(error), err error) {
	if ctx.Value(probing{}) == nil && p.rests() {
		return nil, errResting
	}
	done, err := p.breaker.Allow()
	if err != nil {
		return nil, errResting
	}
	said := false
	return func(err error) {
		switch {
		case !said:
			said = true
			done(err)
		case err != nil:
			if done, refused := p.breaker.Allow(); refused == nil {
				done(err)
			}
		}
	}, nil
}

// rests reports whether the peer has failed and has not been heard of since.
func (p *peer) rests() bool { return p.breaker.State() != gobreaker.StateClosed }

// changed is called by the breaker, under its lock.
func (p *peer) changed(_ string, from, to gobreaker.State) {
	if from == gobreaker.StateClosed && to == gobreaker.StateOpen && p.fleet.enter() {
		go p.lookAfter()
	}
}

// lookAfter asks a peer that failed for a sign of life, until it gives one, leaves the ring, or the Fleet is closed.
func (p *peer) lookAfter() {
	defer p.fleet.work.Done()
	log := p.fleet.config.Logger.With("peer", p.url)
	log.Warn("pgcache: a peer failed; others make its answers")
	rest := time.NewTimer(p.fleet.config.pace.rest)
	defer rest.Stop()
	for {
		select {
		case <-p.fleet.life.Done():
			return
		case <-rest.C:
		}
		if p.fleet.ring.Load().peers[p.url] != p {
			return
		}
		err := p.probe()
		if err == nil {
			log.Info("pgcache: a peer is back")
			return
		}
		log.Debug("pgcache: a peer is still away", "error", err)
		rest.Reset(p.fleet.config.pace.rest)
	}
}

func (p *peer) probe() error {
	ctx, cancel := context.WithTimeout(context.WithValue(p.fleet.life, probing{}, true), p.fleet.config.pace.silence)
	defer cancel()
	_, head, err := p.exchange(ctx, pathPing, nil)
	if err == nil && head.outcome != outcomeAnswer {
		err = fmt.Errorf("%w: %s", errReply, head.outcome)
	}
	if err == nil && p.rests() {
		err = errResting
	}
	return err
}
