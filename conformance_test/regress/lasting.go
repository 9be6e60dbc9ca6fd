package regress

import (
	"regexp"
)

// lasting edits scripts so that their temporary tables are permanent ones, and remembers which to drop after the script.
// Little is cached in a session that has temporary tables, and most scripts begin by making one. A nil one edits nothing.
type lasting struct{ drops []string }

// temporary is the beginning of a statement that makes a temporary table or the like.
var temporary = regexp.MustCompile(`(?is)^((?:\s|--[^\n]*\n)*create\s+(?:or\s+replace\s+)?)(?:(?:local|global)\s+)?temp(?:orary)?\s+` +
	`((?:recursive\s+)?(table|view|sequence)\s+(?:if\s+not\s+exists\s+)?([\w."]+))`)

// edit gives the statement to run in place of one in the script.
func (l *lasting) edit(text string) string {
	if l == nil {
		return text
	}
	return temporary.ReplaceAllString(text, "$1/*temp*/ $2")
}

// edited is a statement that edit has changed.
var edited = regexp.MustCompile(`(?is)/\*temp\*/ (?:recursive\s+)?(table|view|sequence)\s+(?:if\s+not\s+exists\s+)?([\w."]+)`)

// made remembers what a statement made.
func (l *lasting) made(text string, o *outcome) {
	if l == nil || o.failure != "" {
		return
	}
	if m := edited.FindStringSubmatch(text); m != nil {
		l.drops = append(l.drops, "drop "+m[1]+" if exists "+m[2]+" cascade")
	}
}

// leftovers gives the statements that remove what the script made, and what it would leave that keeps the cache from being
// used in those that follow: a cast from integer with a function that says nothing about its volatility.
func (l *lasting) leftovers() []string {
	if l == nil {
		return nil
	}
	drops := l.drops
	l.drops = nil
	return append(drops, "drop function if exists public.int4_casttesttype(int4) cascade")
}
