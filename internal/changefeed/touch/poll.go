package touch

import (
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
	// pid is the server process, and log names the log and the server's present life.
	pid, log string
	// The log holds the writes of the transactions after since and before awakeTo, save those that floor sees, which may
	// have been deleted.
	since, awakeTo uint64
	floor          freshness.Snapshot
	// litter is set when there are rows to delete.
	litter bool
	// commits are those that the poll before did not see, by their numbers.
	commits []commit
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
	if row[2] == nil {
		return nil, errRestarted // there is no state: it was lost in a crash
	}
	s := &sight{pid: string(row[1]), log: string(row[2]), litter: string(row[6]) == "t"}
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

// readCommits reads pairs of a transaction and a table, sorted by transaction.
func readCommits(text string) ([]commit, error) {
	var commits []commit
	for text != "" {
		var first, second string
		first, text, _ = strings.Cut(text, " ")
		second, text, _ = strings.Cut(text, " ")
		xid, err := number(first)
		if err != nil {
			return nil, err
		}
		table, err := number(second)
		if err != nil {
			return nil, err
		}
		if len(commits) == 0 || commits[len(commits)-1].xid != xid {
			commits = append(commits, commit{xid: xid})
		}
		c := &commits[len(commits)-1]
		if table == 0 {
			c.schema = true
			continue
		}
		c.tables = append(c.tables, uint32(table))
	}
	return commits, nil
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
