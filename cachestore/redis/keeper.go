package redis

import (
	"context"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// keeper keeps up the leases that this process holds, all of them from one goroutine, which runs as long as there are any.
type keeper struct {
	store *Store

	mu      sync.Mutex
	held    map[*lease]struct{}
	stop    chan struct{} // nil: the goroutine doesn't run
	closed  bool
	running sync.WaitGroup
}

// keep keeps the lease up until it is forgotten. It does not if the keeper is closed.
func (k *keeper) keep(l *lease) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return false
	}
	if k.held == nil {
		k.held = make(map[*lease]struct{})
	}
	k.held[l] = struct{}{}
	if k.stop == nil {
		stop := make(chan struct{})
		k.stop = stop
		k.running.Go(func() { k.run(stop) })
	}
	return true
}

func (k *keeper) forget(l *lease) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.held, l)
	if len(k.held) == 0 {
		k.halt()
	}
}

// halt stops the goroutine; it is for the holder of the lock.
func (k *keeper) halt() {
	if k.stop != nil {
		close(k.stop)
		k.stop = nil
	}
}

// close releases what is held and waits for the goroutine.
func (k *keeper) close() {
	k.mu.Lock()
	k.closed = true
	leases := k.all()
	k.halt()
	k.mu.Unlock()
	k.running.Wait()
	for _, l := range leases {
		l.Release()
	}
}

func (k *keeper) all() []*lease {
	leases := make([]*lease, 0, len(k.held))
	for l := range k.held {
		leases = append(leases, l)
	}
	return leases
}

func (k *keeper) run(stop <-chan struct{}) {
	ticker := time.NewTicker(renewEvery)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			k.mu.Lock()
			leases := k.all()
			k.mu.Unlock()
			k.renew(leases)
		}
	}
}

// renew renews the leases. Those that were lost are kept up no longer: their holders learn it when they put. A failure is no loss
// yet, the next round may be in time.
func (k *keeper) renew(leases []*lease) {
	renewed := make([]*goredis.Cmd, len(leases))
	err := k.store.do(context.Background(), "renew", k.store.guard.ledger, func(ctx context.Context) error {
		_, err := k.store.client.Pipelined(ctx, func(pipe goredis.Pipeliner) error {
			for i, l := range leases {
				renewed[i] = pipe.Eval(ctx, renewSource, []string{l.names.lease}, l.token, leaseLasts.Milliseconds())
			}
			return nil
		})
		return err
	})
	if err != nil {
		return
	}
	for i, l := range leases {
		if kept, err := renewed[i].Int(); err == nil && kept == 0 {
			k.forget(l)
		}
	}
}
