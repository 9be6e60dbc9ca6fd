package driver

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gopgcache/pgcache/dsn"
)

// level decides what the answers to a statement promise: at the level ttl there is no track; tracked and strict have one.
func (c *cache) level(rule *dsn.Rule, id *identity, a *answer) (fw *follower, strict bool, refusal string) {
	wanted := max(rule.Consistency, c.config.Consistency)
	if wanted == dsn.ConsistencyTTL {
		return nil, false, ""
	}
	fw = c.feed.inForce.Load()
	switch {
	case wanted == dsn.ConsistencyAuto && (fw == nil || a.untracked != "" || id.standby):
		return nil, false, ""
	case id.standby:
		return nil, false, fmt.Sprintf("consistency=%s: the server is a hot standby", wanted)
	case fw == nil:
		return nil, false, fmt.Sprintf("consistency=%s: changes made elsewhere are not followed yet; SHOW pgcache.feed tells more", wanted)
	case a.untracked != "":
		return nil, false, fmt.Sprintf("consistency=%s: %s", wanted, a.untracked)
	case wanted == dsn.ConsistencyStrict && !fw.events.Load():
		return nil, false, "consistency=strict: " + errNoEvents.Error()
	}
	return fw, wanted == dsn.ConsistencyStrict, ""
}

// wantsStrict tells whether the level strict is asked for anywhere.
func (c *cache) wantsStrict() bool {
	return c.config.Consistency == dsn.ConsistencyStrict ||
		slices.ContainsFunc(c.config.Rules, func(r dsn.Rule) bool { return r.Consistency == dsn.ConsistencyStrict })
}

// ErrConsistency is wrapped by the error of a statement whose rule asks for a level that can't be had: the error says what to
// install, grant or set. While a feed that can be had is only gone for the moment PostgreSQL is asked instead.
var ErrConsistency = errors.New("pgcache: the level of consistency that is asked for can't be had")

// errNoEvents is why a feed is not good enough for the level strict.
var errNoEvents = errors.New("changes of the schema are not told: CALL pgcache.install() as a superuser")

// cannot tells that a level that is asked for by name can't be had.
func (c *cache) cannot(rule *dsn.Rule) error {
	wanted, why := max(rule.Consistency, c.config.Consistency), c.feed.none.Load()
	if wanted <= dsn.ConsistencyTTL {
		return nil
	}
	if fw := c.feed.running.Load(); fw != nil {
		if wanted == dsn.ConsistencyStrict && !fw.events.Load() {
			return fmt.Errorf("%w: consistency=strict: %w", ErrConsistency, errNoEvents)
		}
		return nil
	}
	if c.config.Feed == dsn.FeedNone {
		return fmt.Errorf("%w: consistency=%s needs a feed, and pgcache_feed is none", ErrConsistency, wanted)
	}
	if why == nil || !permanent(*why) {
		return nil
	}
	return fmt.Errorf("%w: consistency=%s: %w", ErrConsistency, wanted, *why)
}

// promise is the level in words.
func (v *verdict) promise() string {
	switch {
	case v.follower == nil && v.answer.untracked != "":
		return "ttl: " + v.answer.untracked
	case v.follower == nil:
		return "ttl"
	case v.strict:
		return "strict"
	default:
		return "tracked"
	}
}

// inForce is the level that the connection string asks for, or the best that is to be had.
func (c *cache) inForce() string {
	switch level := c.config.Consistency; {
	case level != dsn.ConsistencyAuto:
		return level.String()
	case c.feed.inForce.Load() != nil:
		return dsn.ConsistencyTracked.String()
	default:
		return dsn.ConsistencyTTL.String()
	}
}

// feedName names the feed that there is.
func (c *cache) feedName() string {
	if fw := c.feed.inForce.Load(); fw != nil {
		return fw.kind
	}
	return dsn.FeedNone.String()
}

func (c *cache) feedLag() time.Duration {
	if fw := c.feed.inForce.Load(); fw != nil {
		return fw.feed.Lag()
	}
	return 0
}
