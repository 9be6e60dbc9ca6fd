package driver

import (
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gopgcache/pgcache/driver/internal/command"
	"github.com/gopgcache/pgcache/internal/statement"
)

// text is what is known of one SQL text. It is found by the text itself, so that a statement seen before is not parsed.
type text struct {
	*statement.Statement
	sql string
	// round is the texts' own when it was made.
	round uint32
	// names is one string for what the catalog is asked about the text: texts that differ in literals only share it.
	names string
	// command is set when the text is for us and not for PostgreSQL.
	command *command.Command
	// verdict is the latest, for whoever asks next; most texts only ever have one.
	verdict atomic.Pointer[verdict]
	// rewritten is what was found last on the rows that it writes.
	rewritten atomic.Pointer[rowsWritten]
	// fillTime is how long its latest fills took whose caller's context could end, in nanoseconds; 0 if there were none: see noteTime.
	fillTime atomic.Int64
	// tally is what SHOW pgcache.statements tells.
	tally tally
	// observed is what its queries are counted under in observe mode.
	observed atomic.Pointer[observedText]
}

func newText(sql string) *text {
	sql = strings.Clone(sql) // it may be a part of something large
	t := &text{sql: sql, command: command.Parse(sql)}
	if t.command == nil {
		t.Statement = statement.Analyze(sql)
		t.names = t.Question()
	}
	return t
}

// beginsTransaction tells whether what follows the text is in a transaction.
func (t *text) beginsTransaction() bool { return t.command == nil && t.BeginsTransaction }

// texts remembers what is known of SQL texts, within bounds: a program that writes literals into its statements makes new
// texts without end.
type texts struct {
	known sync.Map // string -> *text
	count atomic.Int64
	bytes atomic.Int64
	// round counts how often it has been started over. A text of an earlier round is known no more.
	round atomic.Uint32
}

const (
	maxTexts     = 10_000
	maxTextBytes = 16 << 20
)

func (ts *texts) of(sql string) *text {
	if t, ok := ts.known.Load(sql); ok {
		return t.(*text)
	}
	t := newText(sql)
	if ts.count.Load() >= maxTexts || ts.bytes.Load() >= maxTextBytes {
		// Starting over is cheap: what is in use is back after one parse each, and the catalog's answers are kept apart.
		ts.count.Store(0)
		ts.bytes.Store(0)
		ts.round.Add(1)
		ts.known.Clear()
	}
	t.round = ts.round.Load()
	if known, taken := ts.known.LoadOrStore(t.sql, t); taken {
		return known.(*text)
	}
	ts.count.Add(1)
	ts.bytes.Add(int64(len(sql)))
	return t
}

// recentTexts are some of the texts that a session ran lately, by their length: most sessions run the same few all the time, and
// each is looked up more than once on its way.
type recentTexts [8]*text

// text gives what is known of a text.
func (c *Conn) text(sql string) *text {
	place := &c.recent[len(sql)%len(c.recent)]
	if t := *place; t != nil && t.sql == sql && t.round == c.cache.texts.round.Load() {
		return t
	}
	*place = c.cache.texts.of(sql)
	return *place
}
