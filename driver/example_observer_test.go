package driver_test

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/gopgcache/pgcache/driver"
)

// Slow misses are logged, with the rule that applied.
func ExampleWithObserver() {
	slow := driver.Observer{
		Lookup: func(ctx context.Context, l driver.Lookup) {
			if l.Result == driver.ResultMiss && l.Duration > time.Second {
				slog.InfoContext(ctx, "slow miss", "rule", l.Rule, "took", l.Duration)
			}
		},
	}
	db, err := driver.OpenDB("postgres://app@db/shop?pgcache_rule=hot: table=products ttl=10m", driver.WithObserver(slow))
	if err != nil {
		fmt.Println(err)
		return
	}
	// ...
	fmt.Println(db.Close())
	// Output: <nil>
}
