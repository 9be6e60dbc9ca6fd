package driver

import (
	"fmt"

	"github.com/gopgcache/pgcache/dsn"
)

// level decides what the answers to a statement promise: at the level ttl there is no track; tracked and strict have one.
func (c *cache) level(rule *dsn.Rule, a *answer) (tr *track, strict bool, refusal string) {
	wanted := max(rule.Consistency, c.config.Consistency)
	if wanted == dsn.ConsistencyTTL {
		return nil, false, ""
	}
	tr = c.tracked.Load()
	switch {
	case wanted == dsn.ConsistencyAuto && (tr == nil || a.untracked != ""):
		return nil, false, ""
	case tr == nil:
		return nil, false, fmt.Sprintf("consistency=%s: the feed of changes is not there yet: SHOW pgcache.feed tells more", wanted)
	case a.untracked != "":
		return nil, false, fmt.Sprintf("consistency=%s: %s", wanted, a.untracked)
	}
	return tr, wanted == dsn.ConsistencyStrict, ""
}
