package catalog

import (
	"fmt"
	"slices"
	"strings"
)

// Reach is what a write can change.
type Reach struct {
	// Tables are the object identifiers of the tables that can be written.
	Tables []uint32
	// Unknown is set when it may be any table: a trigger, a rule or a function has a hand in it.
	Unknown bool
	// Why says in words what makes it unknown.
	Why string
	// Apart is set when there is one table, and of it no other rows change than those that the statement says, nor in another
	// way: no trigger sees them and no foreign key cascades to others.
	Apart bool
}

// reached is the answer of reach.sql as it comes.
type reached struct {
	Tables    []uint32  `json:"tables"`
	Missing   []string  `json:"missing"`
	Foreign   []string  `json:"foreign"`
	Rules     []string  `json:"rules"`
	Functions []string  `json:"functions"`
	Triggers  []trigger `json:"triggers"`
	Shadows   []string  `json:"shadows"`
	Cascades  []string  `json:"cascades"`
}

// trigger is one that may fire.
type trigger struct {
	Name     string `json:"name"`
	Table    string `json:"table"`
	Instead  bool   `json:"instead"` // it runs instead of the write
	BuiltIn  bool   `json:"builtIn"` // its function came with the server
	Own      bool   `json:"own"`     // it writes the touch log of a feed, which nobody may cache
	Function string `json:"function"`
	Language string `json:"language"`
	Source   string `json:"source"`
}

func (raw *reached) reach() Reach {
	reasons := raw.reasons()
	return Reach{
		Tables: raw.Tables, Unknown: len(reasons) > 0, Why: strings.Join(reasons, "; "),
		Apart: len(reasons) == 0 && len(raw.Tables) == 1 && len(raw.Cascades) == 0 && !slices.ContainsFunc(raw.Triggers, trigger.isOthers),
	}
}

// isOthers tells whether a trigger is not the cache's own. What it does to the row at hand is not followed.
func (t trigger) isOthers() bool { return !t.Own }

// reasons says what makes it uncertain which tables are written.
func (raw *reached) reasons() []string {
	var reasons []string
	for _, of := range []struct {
		names []string
		words string
	}{
		{raw.Missing, "there is no relation %s"},
		{raw.Foreign, "%s is a foreign table, which may be any table elsewhere"},
		{raw.Rules, "the rule %s does something else or more"},
		{raw.Functions, "a default, a check, a policy, a type or a trigger's condition calls %s, which may do anything"},
	} {
		for _, name := range of.names {
			reasons = append(reasons, fmt.Sprintf(of.words, name))
		}
	}
	for _, t := range raw.Triggers {
		if reason := t.suspicion(raw.Shadows); reason != "" {
			reasons = append(reasons, reason)
		}
	}
	return reasons
}

// knownTriggers are the built-in trigger functions that change the row at hand, or skip it, and nothing else.
var knownTriggers = map[string]bool{
	"suppress_redundant_updates_trigger": true, "tsvector_update_trigger": true, "tsvector_update_trigger_column": true,
}

// suspicion says why a trigger may write other rows than its own, or nothing.
func (t *trigger) suspicion(shadows []string) string {
	which := fmt.Sprintf("the trigger %s on %s ", t.Name, t.Table)
	switch {
	case t.Instead:
		return which + "runs instead of the write"
	case t.BuiltIn && knownTriggers[t.Function], t.Own:
		return ""
	case t.BuiltIn || t.Language != "plpgsql":
		return which + "runs " + t.Function + "(), which may do anything"
	}
	if found := harm(t.Source, shadows); found != "" {
		return which + "runs " + t.Function + "(), which may do anything: " + found
	}
	return ""
}
