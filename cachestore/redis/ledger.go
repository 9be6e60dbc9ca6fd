package redis

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/gopgcache/pgcache/cachestore"
)

// versionKept is how long a tag's version is kept after the last write. When it is gone, the next reader makes a new one.
const versionKept = 24 * time.Hour

// Read gives the mark of the tags. quiet is false while a write to one of them, or one that may write anything, is under way.
func (s *Store) Read(ctx context.Context, tags []uint64) (mark uint64, quiet bool, err error) {
	err = s.do(ctx, "read ledger", s.guard.ledger, func(ctx context.Context) error {
		mark, quiet, err = s.readTags(ctx, distinct(tags))
		return err
	})
	return mark, quiet, err
}

// GetMarked is Get and Read at once.
func (s *Store) GetMarked(ctx context.Context, key cachestore.Key, tags []uint64) (
	entry *cachestore.Entry, mark uint64, quiet bool, err error,
) {
	var f fetched
	asked := time.Now()
	err = s.do(ctx, "get", s.guard.ledger, func(ctx context.Context) error {
		names, tags := s.names.entry(key), distinct(tags)
		if s.cluster {
			f, mark, quiet, err = s.getMarkedApart(ctx, names, tags)
		} else {
			f, mark, quiet, err = s.getMarkedTogether(ctx, names, tags)
		}
		return err
	})
	if err != nil {
		return nil, 0, false, err
	}
	return s.decode(f, asked), mark, quiet, nil
}

// getMarkedTogether asks for everything in one pipeline.
func (s *Store) getMarkedTogether(ctx context.Context, names entryNames, tags []uint64) (
	f fetched, mark uint64, quiet bool, err error,
) {
	pipe := s.client.Pipeline()
	entry, state := s.queueFetch(ctx, pipe, names), s.queueTags(ctx, pipe, tags)
	if err := execute(ctx, pipe); err != nil {
		return f, 0, false, err
	}
	if f, err = entry.result(); err != nil {
		return f, 0, false, err
	}
	mark, quiet, err = state.result()
	if errors.Is(err, errNoVersion) {
		mark, quiet, err = s.readTags(ctx, tags)
	}
	return f, mark, quiet, err
}

// getMarkedApart asks for the entry and for the mark at the same time: they are on several nodes of a Cluster.
func (s *Store) getMarkedApart(ctx context.Context, names entryNames, tags []uint64) (
	f fetched, mark uint64, quiet bool, err error,
) {
	done := make(chan error, 1)
	go func() {
		pipe := s.orderedPipeline()
		entry := s.queueFetch(ctx, pipe, names)
		err := execute(ctx, pipe)
		if err == nil {
			f, err = entry.result()
		}
		done <- err
	}()
	mark, quiet, err = s.readTags(ctx, tags)
	err = errors.Join(err, <-done) // f is there from here on
	return f, mark, quiet, err
}

// Begin says that a write to the tags, or to anything, is about to begin. Like End it succeeds in a Redis whose memory is full, too.
func (s *Store) Begin(ctx context.Context, writer string, tags []uint64, all bool) error {
	return s.change(ctx, "begin write", beginSource, writer, tags, all)
}

// End says that a write has ended.
func (s *Store) End(ctx context.Context, writer string, tags []uint64, all bool) error {
	return s.change(ctx, "end write", endSource, writer, tags, all)
}

func (s *Store) change(ctx context.Context, operation, script, writer string, tags []uint64, all bool) error {
	names := s.tagNames(distinct(tags), all)
	if len(names) == 0 {
		return nil
	}
	return s.do(ctx, operation, s.guard.ledger, func(ctx context.Context) error {
		_, err := s.client.Pipelined(ctx, func(pipe goredis.Pipeliner) error {
			for _, n := range names {
				pipe.Eval(ctx, script, []string{n.version, n.writers}, writer, rand.Text(), versionKept.Milliseconds())
			}
			return nil
		})
		return err
	})
}

// Writers lists the writes to the tags, and those to anything, that are under way, in no order.
func (s *Store) Writers(ctx context.Context, tags []uint64) ([]string, error) {
	names := s.tagNames(distinct(tags), true)
	var writers []string
	err := s.do(ctx, "list writers", s.guard.ledger, func(ctx context.Context) error {
		sets := make([]*goredis.StringSliceCmd, len(names))
		_, err := s.client.Pipelined(ctx, func(pipe goredis.Pipeliner) error {
			for i, n := range names {
				sets[i] = pipe.SMembers(ctx, n.writers)
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, set := range sets {
			writers = append(writers, set.Val()...)
		}
		return nil
	})
	slices.Sort(writers)
	return slices.Compact(writers), err
}

// tagNames are the names of the tags' keys, and at the end, if all, those for writes to anything.
func (s *Store) tagNames(tags []uint64, all bool) []tagNames {
	names := make([]tagNames, 0, len(tags)+1)
	for _, tag := range tags {
		names = append(names, s.names.tag(tag))
	}
	if all {
		names = append(names, s.names.everything())
	}
	return names
}

// distinct returns the tags as a set: sorted, each once.
func distinct(tags []uint64) []uint64 {
	tags = slices.Clone(tags)
	slices.Sort(tags)
	return slices.Compact(tags)
}

// markOf is the hash of the tags and their versions, and of the servers that gave them. The last version is that of writes to
// anything.
func markOf(tags []uint64, versions, servers []string) uint64 {
	text := make([]byte, 0, 128)
	for i, version := range versions {
		if i < len(tags) {
			text = binary.BigEndian.AppendUint64(text, tags[i])
		}
		for _, word := range []string{version, servers[i]} {
			text = binary.BigEndian.AppendUint32(text, uint32(len(word)))
			text = append(text, word...)
		}
	}
	sum := sha256.Sum256(text)
	return binary.BigEndian.Uint64(sum[:])
}

// serverOf finds in what INFO replication says the name of the history that the server's data has: another one after every start
// and every failover. Only a master's will do.
func serverOf(info string) (string, error) {
	var id string
	master := false
	for line := range strings.SplitSeq(info, "\n") {
		line = strings.TrimSpace(line)
		master = master || line == "role:master"
		if value, found := strings.CutPrefix(line, "master_replid:"); found {
			id = value
		}
	}
	switch {
	case !master:
		return "", errors.New("the ledger can't be read from a replica")
	case id == "":
		return "", fmt.Errorf("INFO replication names no master_replid")
	}
	return id, nil
}
