package statement

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"github.com/multigres/multigres/go/common/parser"
)

// maxText is the longest text that is parsed, in bytes. Longer ones are opaque: parsing them costs more than caching saves.
const maxText = 256 << 10

// Statement is what one SQL text would do. It is immutable and may be shared.
type Statement struct {
	// Text is the SQL without hint comments: what a key is made of.
	Text string
	// Hint is what the text's hint comments ask for.
	Hint Hint

	// Refusal says why the text can never be cached, whatever its names stand for. It is empty for one plain SELECT,
	// VALUES or TABLE.
	Refusal string
	// Names are what the catalog has to resolve before anything more can be said.
	Names Names

	// CTEs are the names of WITH queries: a relation that the catalog does not know must be one of them.
	CTEs []string

	// Writes are the tables that the text names as the targets of INSERT, UPDATE, DELETE, MERGE, TRUNCATE or COPY.
	Writes []Name

	// Settings are the settings that the text reads by current_setting with a literal name: sorted, in lower case, once each.
	Settings []string
	// ComputedSetting is set when it calls current_setting with a name that only the server will know.
	ComputedSetting bool
	// Assigns are the values that the text gives to settings of the user's own until the session ends or gives them
	// others, in the order in which it does. Such a text has no other effect on the session, so ChangesSession is not set.
	Assigns []Assignment
	// AssignsLocally is set when the text gives values to settings of the user's own until the transaction ends, by SET
	// LOCAL or set_config. That is no change of the session. It may have Assigns too.
	AssignsLocally bool

	// Narrowings are the relations of which the text reads certain rows only.
	Narrowings []Narrowing

	// WritesAnything is set when the text may write tables that it does not name.
	WritesAnything bool
	// ChangesSchema is set when the text may change what names stand for.
	ChangesSchema bool
	// ChangesSession is set when the text may change settings, role, temporary tables or whatever else shapes the
	// results of later statements of the session.
	ChangesSession bool
	// ResetsSession is set for DISCARD ALL, which takes every such change back.
	ResetsSession bool
	// BeginsTransaction is set for BEGIN and START TRANSACTION.
	BeginsTransaction bool
	// EndsTransaction is set when the text may commit or roll back.
	EndsTransaction bool

	// Several is set when the text holds more than one statement and what they do is known. The names in it are resolved
	// before the first one runs: if it turns out that one of them may change the session, by a function that it calls in
	// whatever way, then the names after it may stand for anything.
	Several bool
}

// Name is a possibly qualified name. Schema is empty when the text does not give one.
type Name struct{ Schema, Name string }

func (n Name) String() string {
	if n.Schema == "" {
		return n.Name
	}
	return n.Schema + "." + n.Name
}

// builtIn tells whether the name may stand for something that came with the server.
func (n Name) builtIn() bool { return n.Schema == "" || n.Schema == "pg_catalog" }

// Function is a function as it is called.
type Function struct {
	Name
	// Args is the number of arguments, or -1 when any overload may be meant.
	Args int
}

// String writes a function with the number of its arguments, as f/2.
func (f Function) String() string { return fmt.Sprintf("%s/%d", f.Name, f.Args) }

// Names are the names in a text, sorted and without repetition, so that equal sets are equal values.
type Names struct {
	Relations []Name
	Functions []Function
	Operators []string
	Types     []Name
	// Columns are the last parts of dotted column references: t.f may be a call of f(t), of a row.
	Columns []string
	// Fields are the parts after an expression: (x).f may be a call of f(x), or a cast of x to f.
	Fields []string
	// Casts are the last names of columns that are cast to a date, a time or a range of such, which may read a text as
	// the current time. Nothing is read so when each of them, in every relation that has it, is of a type that is no
	// text, some relation has it, and no function of that name takes a row (the name is in Columns too if it was dotted).
	Casts []string
}

// OwnOperators tells whether operators are used beyond the comparisons that every statement may use.
func (n *Names) OwnOperators() bool { return len(n.Operators) > len(comparisons) }

// Question is one text for all that the catalog is asked about the statement. Statements that differ in literals only
// have the same; no two that could get other answers do.
func (s *Statement) Question() string {
	n := &s.Names
	var b []byte
	list := func(length int, fields func(i int) []string) {
		b = binary.AppendUvarint(b, uint64(length))
		for i := range length {
			for _, f := range fields(i) {
				b = binary.AppendUvarint(b, uint64(len(f)))
				b = append(b, f...)
			}
		}
	}
	names := func(l []Name) { list(len(l), func(i int) []string { return []string{l[i].Schema, l[i].Name} }) }
	names(n.Relations)
	names(n.Types)
	names(s.Writes)
	list(len(n.Functions), func(i int) []string {
		return []string{n.Functions[i].Schema, n.Functions[i].Name.Name, strconv.Itoa(n.Functions[i].Args)}
	})
	list(len(n.Operators), func(i int) []string { return n.Operators[i : i+1] })
	list(len(n.Columns), func(i int) []string { return n.Columns[i : i+1] })
	list(len(n.Fields), func(i int) []string { return n.Fields[i : i+1] })
	list(len(n.Casts), func(i int) []string { return n.Casts[i : i+1] })
	return string(b)
}

// Cacheable tells whether nothing in the text itself forbids caching.
func (s *Statement) Cacheable() bool { return s.Refusal == "" }

// Changes tells whether the text may do anything but read.
func (s *Statement) Changes() bool {
	return s.WritesAnything || len(s.Writes) > 0 || s.ChangesSchema || s.ChangesSession || s.EndsTransaction ||
		len(s.Assigns) > 0 || s.AssignsLocally
}

// Analyze reads one SQL text. It never fails: text that it can't make sense of is opaque, that is, not cacheable and able
// to change anything.
func Analyze(sql string) *Statement {
	text, hint, err := extractHint(sql)
	s := analyze(text)
	s.Hint = hint
	if err != nil {
		s.Refusal = err.Error()
		s.Narrowings = nil
	}
	return s
}

func analyze(text string) (s *Statement) {
	defer func() {
		// The parser is not ours. A panic in it must not take a query down that PostgreSQL may well understand.
		if r := recover(); r != nil {
			s = opaque(text, fmt.Sprintf("the statement can't be parsed: %v", r))
		}
	}()
	if reason := unfit(text); reason != "" {
		return opaque(text, reason)
	}
	trees, err := parser.ParseSQL(text)
	switch {
	case err != nil:
		return opaque(text, "the statement can't be parsed: "+err.Error())
	case len(trees) == 0:
		return &Statement{Text: text, Refusal: "there is no statement in the text"}
	case len(trees) > 1:
		return several(text, trees)
	}
	s = &Statement{Text: text}
	s.classify(trees[0])
	return s
}

// unfit says why a text is not even parsed.
func unfit(text string) string {
	if len(text) > maxText {
		return fmt.Sprintf("the text is longer than %d bytes", maxText)
	}
	for i := range len(text) {
		if text[i] == 0 {
			return "the text holds a NUL byte"
		}
	}
	return ""
}

// opaque is the verdict on what is not understood: it may do anything.
func opaque(text, reason string) *Statement {
	return &Statement{
		Text: text, Refusal: reason,
		WritesAnything: true, ChangesSchema: true, ChangesSession: true, EndsTransaction: true,
	}
}

// refuse keeps the first reason against caching.
func (s *Statement) refuse(reason string) {
	if s.Refusal == "" {
		s.Refusal = reason
	}
}
