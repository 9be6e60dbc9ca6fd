package testenv

import (
	"strings"
	"testing"
)

func TestRedisClusterMovesSlots(t *testing.T) {
	c, err := StartRedisCluster(t.Context(), Options{}, 3, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	a := dialRedis(t, c.Nodes[0])
	a.do("AUTH " + c.Nodes[0].Password())
	slot := "{06S}" // in slot 0
	if got := a.do("SET " + slot + " 1"); got != "+OK" {
		t.Fatal(got)
	}
	if err := c.Reshard(t.Context(), 10, c.Nodes[0], c.Nodes[1]); err != nil {
		t.Fatal(err)
	}
	if got := a.do("GET " + slot); !strings.HasPrefix(got, "-MOVED 0 "+c.Nodes[1].Addr()) {
		t.Errorf("after moving its slot: %s", got)
	}
}

func TestRedisSentinelFailsOver(t *testing.T) {
	s, err := StartRedisSentinel(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	set := func() string { // on a connection of its own: a replica closes all when it becomes the master
		replica := dialRedis(t, s.Replica)
		if _, err := replica.try("AUTH " + s.Replica.Password()); err != nil {
			return err.Error()
		}
		line, err := replica.try("SET a 1")
		if err != nil {
			return err.Error()
		}
		return line
	}
	if got := set(); !strings.HasPrefix(got, "-READONLY") {
		t.Fatal(got)
	}
	if err := s.Master.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	err = until(t.Context(), func() (bool, error) { return set() == "+OK", nil })
	if err != nil {
		t.Error(err)
	}
}
