//go:build unix

package fleet_test

import (
	"context"
	"testing"

	"github.com/gopgcache/pgcache/internal/testenv"
)

// While slots of a Redis Cluster move from one master to another, and when a master dies, no query fails and no answer is wrong.
func TestRedisCluster(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cluster, err := testenv.StartRedisCluster(ctx, testenv.Options{}, 3, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Close(); err != nil {
			t.Error(err)
		}
	})
	f := startFleet(t, onRedis(cluster.URL(), "feed=none"))
	f.survive("slots move", func() { f.must(cluster.Reshard(ctx, 300, cluster.Nodes[0], cluster.Nodes[1])) })
	f.survive("a master is killed", func() { f.must(cluster.Nodes[1].Stop(ctx)) })
	f.leave(everybody)
}

// The same when Sentinel makes a replica the master.
func TestRedisSentinel(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	sentinel, err := testenv.StartRedisSentinel(ctx, testenv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sentinel.Close(); err != nil {
			t.Error(err)
		}
	})
	f := startFleet(t, onRedis(sentinel.URL(), "feed=none"))
	f.survive("the master is killed", func() { f.must(sentinel.Master.Stop(ctx)) })
	f.leave(everybody)
}

// survive lets something happen under load, waits until the fleet shares again, and looks at what was read.
func (f *fleet) survive(what string, happens func()) {
	f.Helper()
	f.Log(what)
	f.phase.Store(before)
	f.all(everybody, command{Do: "load"})
	f.shares(everybody)
	f.phase.Store(during)
	happens()
	f.turnsOf(everybody, 100)
	f.shares(everybody)
	f.phase.Store(after)
	f.turnsOf(everybody, 100)
	f.judge(everybody)
}
