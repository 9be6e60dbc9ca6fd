package redis

import (
	"context"
	"crypto/rand"
	"errors"

	goredis "github.com/redis/go-redis/v9"
)

// errNoVersion: a tag has no version yet, or none any more.
var errNoVersion = errors.New("a tag has no version")

// tagsState is the question for the state of tags, as part of a pipeline.
type tagsState struct {
	tags     []uint64
	versions *goredis.SliceCmd
	writers  *goredis.IntCmd
	info     *goredis.StringCmd
	writable *goredis.IntCmd
}

// queueTags adds the question to a pipeline, for a Redis that is no Cluster. Versions come first: what the answer misses then has
// changed a version afterwards, and the mark will not come again.
//
// A Redis that takes no writes, as when its disk is full or its replicas are away, can't be told of any. It is found out by having
// it delete what is never there, which changes nothing and costs next to nothing.
func (s *Store) queueTags(ctx context.Context, pipe goredis.Pipeliner, tags []uint64) tagsState {
	names := s.tagNames(tags, true)
	versions, writers := make([]string, len(names)), make([]string, len(names))
	for i, n := range names {
		versions[i], writers[i] = n.version, n.writers
	}
	return tagsState{
		tags:     tags,
		versions: pipe.MGet(ctx, versions...),
		writers:  pipe.Exists(ctx, writers...),
		info:     pipe.Info(ctx, "replication"),
		writable: pipe.Del(ctx, s.names.everything().never),
	}
}

func (q tagsState) result() (mark uint64, quiet bool, err error) {
	values, err := q.versions.Result()
	if err := errors.Join(err, q.writers.Err(), q.info.Err(), q.writable.Err()); err != nil {
		return 0, false, err
	}
	server, err := serverOf(q.info.Val())
	if err != nil {
		return 0, false, err
	}
	versions, servers := make([]string, len(values)), make([]string, len(values))
	for i, value := range values {
		version, found := value.(string)
		if !found {
			return 0, false, errNoVersion
		}
		versions[i], servers[i] = version, server
	}
	return markOf(q.tags, versions, servers), q.writers.Val() == 0, nil
}

// readTags gives the mark of the tags. It makes new versions for those that have none.
func (s *Store) readTags(ctx context.Context, tags []uint64) (mark uint64, quiet bool, err error) {
	if s.cluster {
		return s.readApart(ctx, tags)
	}
	for range 3 { // a version that was just made may be evicted at once
		pipe := s.client.Pipeline()
		state := s.queueTags(ctx, pipe, tags)
		if err := execute(ctx, pipe); err != nil {
			return 0, false, err
		}
		if mark, quiet, err = state.result(); !errors.Is(err, errNoVersion) {
			return mark, quiet, err
		}
		if err := s.makeVersions(ctx, tags); err != nil {
			return 0, false, err
		}
	}
	return 0, false, err
}

// makeVersions makes a version for each tag that has none.
func (s *Store) makeVersions(ctx context.Context, tags []uint64) error {
	pipe := s.client.Pipeline()
	made := make([]*goredis.StatusCmd, 0, len(tags)+1)
	for _, n := range s.tagNames(tags, true) {
		made = append(made, pipe.SetArgs(ctx, n.version, rand.Text(), goredis.SetArgs{Mode: "NX", TTL: versionKept}))
	}
	if err := execute(ctx, pipe); err != nil {
		return err
	}
	for _, cmd := range made {
		if err := unlessNil(cmd.Err()); err != nil {
			return err
		}
	}
	return nil
}

// readApart asks for each tag by a script, since they are on several nodes of a Cluster.
func (s *Store) readApart(ctx context.Context, tags []uint64) (mark uint64, quiet bool, err error) {
	names := s.tagNames(tags, true)
	answers := make([]*goredis.Cmd, len(names))
	_, err = s.client.Pipelined(ctx, func(pipe goredis.Pipeliner) error {
		for i, n := range names {
			answers[i] = pipe.Eval(ctx, readSource, []string{n.version, n.writers, n.never}, rand.Text(), versionKept.Milliseconds())
		}
		return nil
	})
	if err != nil {
		return 0, false, err
	}
	versions, servers := make([]string, len(names)), make([]string, len(names))
	quiet = true
	for i, answer := range answers {
		version, busy, info, err := tagAnswer(answer)
		if err != nil {
			return 0, false, err
		}
		if servers[i], err = serverOf(info); err != nil {
			return 0, false, err
		}
		versions[i] = version
		quiet = quiet && !busy
	}
	return markOf(tags, versions, servers), quiet, nil
}

// tagAnswer takes apart what readSource gives.
func tagAnswer(cmd *goredis.Cmd) (version string, busy bool, info string, err error) {
	answer, err := cmd.Slice()
	if err != nil {
		return "", false, "", err
	}
	if len(answer) == 3 {
		version, isText := answer[0].(string)
		writers, isCount := answer[1].(int64)
		info, isInfo := answer[2].(string)
		if isText && isCount && isInfo {
			return version, writers > 0, info, nil
		}
	}
	return "", false, "", errors.New("a script gave what it can't give")
}
