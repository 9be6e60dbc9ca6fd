package touch

import (
	"cmp"
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gopgcache/pgcache/internal/freshness"
)

//go:embed poll.sql
var pollSQL string

// sight is what one poll sees.
type sight struct {
	snapshot freshness.Snapshot
	// pid is the server process, and epoch names the log.
	pid, epoch string
	// The log holds the writes of the transactions after since and before awakeTo, save those that floor sees, which may
	// have been deleted.
	since, awakeTo uint64
	floor          freshness.Snapshot
	// litter is set when there are rows to delete.
	litter bool
	// commits are those that the poll before did not see, by their numbers.
	commits []commit
	// events is what tells of changes of the schema.
	events string
}

// commit is one transaction and the tables that it wrote. schema is set when it changed what names stand for.
type commit struct {
	xid    uint64
	tables []uint32
	schema bool
}

// since gives a poll's arguments, from the snapshot of the poll before.
func since(s *freshness.Snapshot) [][]byte {
	running := []byte{'{'}
	for i, xid := range s.Running {
		if i > 0 {
			running = append(running, ',')
		}
		running = strconv.AppendUint(running, xid, 10)
	}
	return [][]byte{strconv.AppendUint(nil, s.Max, 10), append(running, '}')}
}

// read reads a poll's one row.
func read(row [][]byte) (*sight, error) {
	s := &sight{pid: string(row[1]), epoch: string(row[2]), litter: string(row[6]) == "t", events: string(row[8])}
	var err error
	if s.snapshot, err = freshness.ParseSnapshot(string(row[0])); err != nil {
		return nil, err
	}
	if s.floor, err = freshness.ParseSnapshot(string(row[5])); err != nil {
		return nil, err
	}
	if s.since, err = number(string(row[3])); err != nil {
		return nil, err
	}
	if s.awakeTo, err = number(string(row[4])); err != nil {
		return nil, err
	}
	s.commits, err = readCommits(string(row[7]))
	return s, err
}

// readCommits reads what a poll found: transactions, each with tables, as in {5:16384,5:16390:16395}.
func readCommits(list string) ([]commit, error) {
	var commits []commit
	for text := range strings.SplitSeq(strings.Trim(list, "{}"), ",") {
		if text == "" {
			continue
		}
		c, err := readCommit(text)
		if err != nil {
			return nil, err
		}
		commits = append(commits, c)
	}
	slices.SortFunc(commits, func(a, b commit) int { return cmp.Compare(a.xid, b.xid) })
	return merged(commits), nil
}

func readCommit(text string) (commit, error) {
	first, tables, _ := strings.Cut(text, ":")
	xid, err := number(first)
	if err != nil {
		return commit{}, err
	}
	c := commit{xid: xid}
	for part := range strings.SplitSeq(tables, ":") {
		table, err := number(part)
		if err != nil {
			return commit{}, err
		}
		if table == 0 {
			c.schema = true
			continue
		}
		c.tables = append(c.tables, uint32(table))
	}
	return c, nil
}

// merged makes one of all that one transaction did. They stand beside each other.
func merged(commits []commit) []commit {
	var whole []commit
	for _, c := range commits {
		if len(whole) == 0 || whole[len(whole)-1].xid != c.xid {
			whole = append(whole, c)
			continue
		}
		last := &whole[len(whole)-1]
		last.tables = append(last.tables, c.tables...)
		last.schema = last.schema || c.schema
	}
	for i := range whole {
		slices.Sort(whole[i].tables)
		whole[i].tables = slices.Compact(whole[i].tables)
	}
	return whole
}

func number(text string) (uint64, error) {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("pgcache: the touch log has %q for a number: %w", text, err)
	}
	return n, nil
}

// tells gives a commit as the sink wants it.
func (c *commit) tells(position uint64) freshness.Commit {
	tags := make([]freshness.Tag, len(c.tables))
	for i, table := range c.tables {
		tags[i] = freshness.TableTag(table)
	}
	return freshness.Commit{Position: position, XID: c.xid, Tags: tags, Everything: c.schema}
}

// seesAll tells whether one snapshot sees all that another sees.
func seesAll(s, other *freshness.Snapshot) bool {
	if s.Max < other.Max {
		return false
	}
	return !slices.ContainsFunc(s.Running, func(xid uint64) bool { return other.Sees(xid) })
}
