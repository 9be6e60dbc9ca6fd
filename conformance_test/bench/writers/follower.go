package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/gopgcache/pgcache/driver"
)

// followers are what pgbench writes beside.
var followers = []string{none, "wal", "touch"}

const none = "nothing"

// follower is a cache that follows pgbench's tables. It goes on reading one that pgbench -N does not write, from memory:
// a touch log that nobody relies on is read less often.
type follower struct {
	db      *sql.DB
	stop    context.CancelFunc
	running sync.WaitGroup
	failed  error
}

// hit is answered from memory.
const hit = "select bid from pgbench_branches where bid = 1"

// follow installs what the follower needs and waits for it to follow.
func (b *bench) follow(ctx context.Context, name string) (*follower, error) {
	if name == none {
		return &follower{stop: func() {}}, nil
	}
	params := url.Values{"pgcache_feed": {name}, "pgcache_consistency": {"tracked"}, "pgcache_rule": {"all: * ttl=1h"}}
	connector, err := driver.NewConnector(b.dsn + "&" + params.Encode())
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	f := &follower{db: sql.OpenDB(connector), stop: stop}
	if _, err := f.db.ExecContext(ctx, "call pgcache.install()"); err != nil {
		return nil, errors.Join(err, f.close())
	}
	deadline := time.Now().Add(time.Minute)
	for connector.Stats().Hits == 0 {
		if err := f.read(ctx); err != nil {
			return nil, errors.Join(err, f.close())
		}
		if time.Now().After(deadline) {
			return nil, errors.Join(fmt.Errorf("no hit: %+v", connector.Stats()), f.close())
		}
	}
	if got := connector.Stats().Feed; got != name {
		return nil, errors.Join(fmt.Errorf("it follows by %s", got), f.close())
	}
	f.running.Go(func() { f.failed = f.goOn(ctx) })
	return f, nil
}

func (f *follower) read(ctx context.Context) error {
	var one int
	return f.db.QueryRowContext(ctx, hit).Scan(&one)
}

// goOn reads now and then until the context ends.
func (f *follower) goOn(ctx context.Context) error {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if err := f.read(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// close takes away all that was installed.
func (f *follower) close() error {
	f.stop()
	f.running.Wait()
	if f.db == nil {
		return nil
	}
	_, err := f.db.ExecContext(context.Background(), "call pgcache.uninstall()")
	return errors.Join(f.failed, err, f.db.Close())
}
