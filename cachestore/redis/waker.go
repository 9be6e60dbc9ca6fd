package redis

import (
	"context"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

const (
	// pingAfter is how long a connection that nothing comes from is trusted.
	pingAfter = 2 * time.Second
	// listenAgain is how long it takes to listen again after a failure.
	listenAgain = 100 * time.Millisecond
)

// waker listens for the ends of leases, on one connection for all who wait. It listens only to channels that somebody waits for.
//
// Two goroutines, which start when somebody waits for the first time, do what may take long: one subscribes and unsubscribes, the
// other one receives. Who waits never does.
type waker struct {
	pubsub  *goredis.PubSub
	timeout time.Duration

	mu      sync.Mutex
	bells   map[string]*bell
	silent  []string // channels that nobody waits for any more
	started bool
	closed  bool

	change  chan struct{} // holds one: bells or silent have changed
	stop    chan struct{}
	running sync.WaitGroup
}

// bell is one channel, for all who wait for it.
type bell struct {
	channel string
	waiters int
	asked   bool          // the subscription was sent
	heard   chan struct{} // closed once messages are sure to arrive
	rung    chan struct{} // closed by the first message
}

func newWaker(client goredis.UniversalClient, timeout time.Duration) *waker {
	return &waker{
		pubsub: client.Subscribe(context.Background()), timeout: timeout, bells: make(map[string]*bell),
		change: make(chan struct{}, 1), stop: make(chan struct{}),
	}
}

// join begins to listen to the channel.
func (w *waker) join(channel string) *bell {
	w.mu.Lock()
	defer w.mu.Unlock()
	b := w.bells[channel]
	if b == nil {
		b = &bell{channel: channel, heard: make(chan struct{}), rung: make(chan struct{})}
		w.bells[channel] = b
		w.changed()
	}
	b.waiters++
	if !w.started && !w.closed {
		w.started = true
		w.running.Go(w.subscribe)
	}
	return b
}

// leave ends what join began.
func (w *waker) leave(b *bell) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if b.waiters--; b.waiters == 0 && w.bells[b.channel] == b {
		delete(w.bells, b.channel)
		w.silence(b)
	}
}

// silence has the bell's channel unsubscribed; it is for the holder of the lock.
func (w *waker) silence(b *bell) {
	if b.asked {
		w.silent = append(w.silent, b.channel)
		w.changed()
	}
}

func (w *waker) changed() {
	select {
	case w.change <- struct{}{}:
	default:
	}
}

// close stops the goroutines and waits for them.
func (w *waker) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	close(w.stop)
	_ = w.pubsub.Close()
	w.running.Wait()
}

// subscribe brings Redis up to date with what is listened to, many channels at once. Failures are left to the connection, which
// subscribes to everything again when it is made anew.
func (w *waker) subscribe() {
	receiving := false
	for {
		select {
		case <-w.stop:
			return
		case <-w.change:
		}
		silent, fresh := w.changes()
		ctx, cancel := context.WithTimeout(context.Background(), w.timeout)
		if len(silent) > 0 {
			_ = w.pubsub.Unsubscribe(ctx, silent...)
		}
		if len(fresh) > 0 {
			_ = w.pubsub.Subscribe(ctx, fresh...)
		}
		cancel()
		if !receiving {
			receiving = true
			w.running.Go(w.receive)
		}
	}
}

// changes takes what was not yet brought to Redis. A channel that was left and joined again in the meantime is unsubscribed first,
// so that its subscription is confirmed anew.
func (w *waker) changes() (silent, fresh []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	silent, w.silent = w.silent, nil
	for channel, b := range w.bells {
		if !b.asked {
			b.asked = true
			fresh = append(fresh, channel)
		}
	}
	return silent, fresh
}

func (w *waker) receive() {
	for {
		message, err := w.pubsub.ReceiveTimeout(context.Background(), pingAfter)
		if err == nil {
			w.hear(message)
			continue
		}
		select {
		case <-w.stop:
			return
		default:
		}
		if timedOut(err) && w.ping() == nil {
			continue
		}
		select {
		case <-w.stop:
			return
		case <-time.After(listenAgain):
		}
	}
}

// ping has the connection prove that it is alive: its answer is received, or sending fails in the end.
func (w *waker) ping() error {
	ctx, cancel := context.WithTimeout(context.Background(), w.timeout)
	defer cancel()
	return w.pubsub.Ping(ctx)
}

func (w *waker) hear(message any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch m := message.(type) {
	case *goredis.Subscription:
		if b := w.bells[m.Channel]; b != nil && m.Kind == "subscribe" && b.asked {
			w.confirm(b)
		}
	case *goredis.Message:
		if b := w.bells[m.Channel]; b != nil {
			close(b.rung)
			delete(w.bells, m.Channel)
			w.silence(b)
		}
	}
}

// confirm tells who waits that messages arrive from now on. A second confirmation means that the connection was made anew: then a
// message may have been lost, and it's worth looking again.
func (w *waker) confirm(b *bell) {
	select {
	case <-b.heard:
		close(b.rung)
		delete(w.bells, b.channel)
		w.silence(b)
	default:
		close(b.heard)
	}
}
