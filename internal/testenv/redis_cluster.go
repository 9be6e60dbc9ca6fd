package testenv

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// RedisCluster is a Redis Cluster of private servers. Its methods are safe for
// concurrent use.
type RedisCluster struct {
	// Nodes are the servers, the first masters before the first replicas.
	Nodes []*Redis

	cli string // redis-cli
}

// clusterSettings make nodes that notice soon that another one is down, and go
// on serving the slots that are left.
const clusterSettings = `cluster-enabled yes
cluster-config-file nodes.conf
cluster-node-timeout 1000
cluster-require-full-coverage no
cluster-replica-validity-factor 0
repl-diskless-sync-delay 0
masterauth `

// StartRedisCluster starts a Cluster with so many masters, and so many replicas
// of each. Of the options it uses Log and Progress.
func StartRedisCluster(ctx context.Context, o Options, masters, replicas int) (*RedisCluster, error) {
	cli, err := exec.LookPath("redis-cli")
	if err != nil {
		return nil, errors.New("pgcache: a Redis Cluster is made with redis-cli: install redis-tools")
	}
	c := &RedisCluster{cli: cli}
	password := newPassword()
	for range masters * (1 + replicas) {
		node, err := startRedisWith(ctx, o, password, clusterSettings+password+"\n")
		if err != nil {
			return nil, errors.Join(err, c.Close())
		}
		c.Nodes = append(c.Nodes, node)
	}
	o.reportf("joining %d nodes to a Redis Cluster", len(c.Nodes))
	args := []string{"--cluster", "create"}
	for _, node := range c.Nodes {
		args = append(args, node.Addr())
	}
	args = append(args, "--cluster-replicas", strconv.Itoa(replicas), "--cluster-yes")
	if _, err := c.run(ctx, args...); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	for _, node := range c.Nodes {
		if err := c.await(ctx, node, "cluster_state:ok", "cluster", "info"); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	for _, node := range c.Nodes[masters:] {
		if err := c.await(ctx, node, "master_link_status:up", "info", "replication"); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	return c, nil
}

// URL returns a URL that names all nodes.
func (c *RedisCluster) URL() string {
	addresses := make([]string, len(c.Nodes))
	for i, node := range c.Nodes {
		addresses[i] = node.Addr()
	}
	u := url.URL{Scheme: "redis", User: c.Nodes[0].url.User, Host: strings.Join(addresses, ",")}
	return u.String()
}

// Reshard moves slots, with what is in them, from one master to another.
func (c *RedisCluster) Reshard(ctx context.Context, slots int, from, to *Redis) error {
	var ids [2]string
	for i, node := range []*Redis{from, to} {
		id, err := c.run(ctx, append(at(node), "cluster", "myid")...)
		if err != nil {
			return err
		}
		ids[i] = strings.TrimSpace(id)
	}
	_, err := c.run(ctx, "--cluster", "reshard", from.Addr(), "--cluster-from", ids[0], "--cluster-to", ids[1],
		"--cluster-slots", strconv.Itoa(slots), "--cluster-yes")
	return err
}

// Close stops all nodes and removes their files.
func (c *RedisCluster) Close() error {
	var errs []error
	for _, node := range c.Nodes {
		errs = append(errs, node.Close())
	}
	return errors.Join(errs...)
}

func at(node *Redis) []string {
	return []string{"-h", node.url.Hostname(), "-p", node.url.Port()}
}

// await waits until the answer to a command contains a word.
func (c *RedisCluster) await(ctx context.Context, node *Redis, word string, command ...string) error {
	return until(ctx, func() (bool, error) {
		answer, err := c.run(ctx, append(at(node), command...)...)
		return strings.Contains(answer, word), err
	})
}

// run runs redis-cli. The password is in its environment, where others can't
// see it.
func (c *RedisCluster) run(ctx context.Context, args ...string) (string, error) {
	cmd := exec.Command(c.cli, args...)
	cmd.Env = []string{"REDISCLI_AUTH=" + c.Nodes[0].Password(), "LC_ALL=C"}
	out, err := combinedOutput(ctx, cmd)
	if err != nil {
		return out, fmt.Errorf("pgcache: redis-cli %s: %w; it said:\n%s", strings.Join(args, " "), err, strings.TrimSpace(out))
	}
	return out, nil
}

// until asks every few milliseconds, since Redis doesn't tell.
func until(ctx context.Context, condition func() (bool, error)) error {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		if done, err := condition(); done || err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
