package statement

import (
	"fmt"
	"strings"

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
	// LOCAL or set_config; it may have Assigns too. Then the old values are back, except that a setting that did not
	// exist is left behind empty. ChangesSession is not set.
	AssignsLocally bool

	// Narrowings are the relations of which the text reads certain rows only.
	Narrowings []Narrowing
	// Rewritten says of the one relation that the text writes, if it can be said, which rows those are: whatever row it changes,
	// adds or takes away has the value in the column before and after. The same is assumed as for Narrowings; triggers and
	// cascades that change other rows, and columns that are computed from others, are for the catalog to find.
	Rewritten []Narrowing

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
	}
	if !s.Cacheable() {
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
		s = several(text, trees)
	default:
		s = &Statement{Text: text}
		s.classify(trees[0])
	}
	if part := s.lost(trees); part != "" && !s.mayDoAnything() {
		return opaque(text, "the parser has overlooked a part of the text: "+part)
	}
	return s
}

// unfit says why a text is not even parsed.
func unfit(text string) string {
	switch {
	case len(text) > maxText:
		return fmt.Sprintf("the text is longer than %d bytes", maxText)
	case strings.Contains(text, "\x00"):
		return "the text holds a NUL byte"
	case strings.Contains(text, "\r") && quotesReturn(text):
		return "a quoted name holds a carriage return"
	default:
		return ""
	}
}

// quotesReturn tells whether a quoted name holds a carriage return. The parser makes it a line feed: another name.
func quotesReturn(text string) bool {
	for i := 0; i < len(text); {
		_, end := nextPiece(text, i)
		if text[i] == '"' && strings.Contains(text[i:end], "\r") {
			return true
		}
		i = end
	}
	return false
}

// opaque is the verdict on what is not understood: it may do anything.
func opaque(text, reason string) *Statement {
	return &Statement{
		Text: text, Refusal: reason,
		WritesAnything: true, ChangesSchema: true, ChangesSession: true, EndsTransaction: true,
	}
}

func (s *Statement) mayDoAnything() bool {
	return s.WritesAnything && s.ChangesSchema && s.ChangesSession && s.EndsTransaction
}

// refuse keeps the first reason against caching.
func (s *Statement) refuse(reason string) {
	if s.Refusal == "" {
		s.Refusal = reason
	}
}
