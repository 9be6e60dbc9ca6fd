package driver

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/driver/internal/rowtag"
	"github.com/gopgcache/pgcache/dsn"
	"github.com/gopgcache/pgcache/internal/catalog"
	"github.com/gopgcache/pgcache/internal/freshness"
	"github.com/gopgcache/pgcache/internal/rowset"
)

// keyVersion begins all key material. It changes when the meaning of a key changes.
const keyVersion = "pgcache 2"

// verdict says whether a text may be cached in sessions of one identity, and under which rule; or why not.
type verdict struct {
	identity *identity
	answer   *answer
	wished   string // the rule that was asked for
	refusal  string // why it may not be cached; empty when it may

	rule *dsn.Rule
	tags []freshness.Tag
	// follower is set when the entries are judged against a feed, and strict when every hit waits for it. feedChanges is how often
	// the feed had come or gone when that was decided.
	follower    *follower
	strict      bool
	feedChanges uint64
	// narrowed are the tables of which certain rows are read only.
	narrowed []rowtag.Rows
	// since is how far the feed was when it began to tell of the rows that are read; see toldSince.
	since uint64
	// settings are the names of the settings of the user's own that the result depends on, sorted.
	settings []string
	// statement is the key material that all entries of the text have in common, and digest its hash, so that a hit
	// hashes only its arguments.
	statement *cachestore.Statement
	digest    [sha256.Size]byte
	// layout is that of the latest result.
	layout atomic.Pointer[rowset.Layout]
}

// holds tells whether the verdict is still good for a session of this identity. An old one is as long as no newer answer of the catalog
// has come. That is seen to from here, in the background, but only for what a session is that was just dialled: others have to
// ask themselves.
func (v *verdict) holds(c *cache, id *identity, wished string, now cachestore.Instant) bool {
	switch {
	case v == nil || v.identity != id || v.wished != wished || v.feedChanges != c.feed.changes.Load():
		return false
	case v.answer == nil:
		return true // the text alone decides
	case v.answer.schema != c.schema.Load():
		return false
	case v.answer.unsettled && v.refusal == unsettledRefusal:
		return !c.looking.due(c.schemaSettled())
	case !v.answer.old(now):
		return true
	}
	c.askAgain(v.answer)
	base := c.base.Load()
	return base != nil && id == base.identity && c.answers.of(v.answer.question, v.answer.schema) == v.answer
}

// toldSince tells whether the feed has told of all changes since the entry was read. Of rows it tells by the columns that somebody
// asked for; what this process made itself was made after that, but another may have made it before.
func (v *verdict) toldSince(e *cachestore.Entry) bool {
	return !e.Foreign() || len(v.narrowed) == 0 || e.Position() >= v.since
}

// current tells whether the schema has not been changed through this connector since the verdict.
func (v *verdict) current(c *cache) bool { return v.answer.schema == c.schema.Load() }

// outlasts tells whether an old verdict is good for a session of this identity as long as there is no better.
func (v *verdict) outlasts(c *cache, id *identity, wished string) bool {
	return v != nil && v.identity == id && v.wished == wished && v.answer != nil && v.current(c)
}

// judge gives the verdict on a text; a is nil when the text alone decides. From then on the settings that it depends on are read back
// with every session, and the feed is asked to tell of the rows that it reads.
func (c *cache) judge(t *text, id *identity, a *answer, wished string) *verdict {
	v := &verdict{identity: id, answer: a, wished: wished, feedChanges: c.feed.changes.Load()}
	v.refusal = c.refusal(t, id, a)
	if v.refusal != "" {
		return v
	}
	v.rule, v.refusal = c.choose(t, a, wished)
	if v.refusal == "" {
		v.refusal = unvouched(v.rule, a.Functions)
	}
	if v.refusal == "" {
		v.settings, v.refusal = c.settingsRead(t, a)
	}
	if v.refusal == "" {
		v.follower, v.strict, v.refusal = c.level(v.rule, id, a)
	}
	if v.refusal == "" && (v.follower != nil && a.unsettled || a.schema != c.schema.Load()) {
		v.refusal = unsettledRefusal
	}
	if v.refusal != "" {
		return v
	}
	v.tags = a.tablesRead()
	c.fall(v)
	v.narrow(t)
	text := keyMaterial(keyVersion, c.config.Namespace, id.material, v.rule.Name, t.Text, a.Version, v.follower.keyPart())
	if !v.resume(t.verdict.Load(), text) {
		v.statement = cachestore.NewStatement(text, v.tags)
		v.digest = sha256.Sum256([]byte(text))
	}
	return v
}

// resume takes what an earlier verdict made of the same material, and reports whether there is such a one: a renewed verdict and
// the entries made under the old one then have in common what they compare.
func (v *verdict) resume(old *verdict, text string) bool {
	if old == nil || old.statement == nil || old.statement.Text() != text || !slices.Equal(old.tags, v.tags) {
		return false
	}
	v.statement, v.digest = old.statement, old.digest
	v.layout.Store(old.layout.Load())
	return true
}

// refusal is what speaks against the text whatever the rules say.
func (c *cache) refusal(t *text, id *identity, a *answer) string {
	switch {
	case t.Hint.Off:
		return saysOff
	case !t.Cacheable():
		return t.Refusal
	case id.refusal != "":
		return id.refusal
	case a == nil:
		return "the catalog could not be asked"
	}
	for _, name := range a.Unresolved {
		if !slices.Contains(t.CTEs, name) {
			return "there is no relation " + name
		}
	}
	return a.Refusal()
}

// choose finds the first rule that matches.
func (c *cache) choose(t *text, a *answer, wished string) (*dsn.Rule, string) {
	for i := range c.config.Rules {
		rule := &c.config.Rules[i]
		if wished != "" && rule.Name != wished || wished == "" && rule.Hint {
			continue
		}
		if matches(rule, t, a) {
			return rule, ""
		}
		if wished != "" {
			return nil, fmt.Sprintf("rule %q does not match the statement", wished)
		}
	}
	if wished != "" {
		return nil, fmt.Sprintf("there is no rule %q", wished)
	}
	if c.learner != nil {
		return &candidate, ""
	}
	return nil, "no rule matches"
}

// matches tells whether all of a rule's matchers hold. The hint matcher has been looked at before.
func matches(rule *dsn.Rule, t *text, a *answer) bool {
	if rule.SQL != nil && !rule.SQL.MatchString(t.Text) {
		return false
	}
	tables := a.Tables()
	if len(rule.Tables) > 0 && !(len(tables) > 0 && every(rule.Tables, tables)) {
		return false
	}
	return len(rule.AnyTable) == 0 || anyOf(rule.AnyTable, tables)
}

// every tells whether each table is in the list. A partition is when its table is.
func every(list []dsn.TablePattern, tables []catalog.Relation) bool {
	for _, t := range tables {
		if !t.Covered && !listed(list, t) {
			return false
		}
	}
	return true
}

func anyOf(list []dsn.TablePattern, tables []catalog.Relation) bool {
	for _, t := range tables {
		if listed(list, t) {
			return true
		}
	}
	return false
}

func listed(list []dsn.TablePattern, table catalog.Relation) bool {
	for _, p := range list {
		if p.Match(table.Schema, table.Name) {
			return true
		}
	}
	return false
}

// settingsRead gives the settings of the user's own that a statement reads, itself or through views and policies, and sees to
// it that their values are known of every session.
func (c *cache) settingsRead(t *text, a *answer) (names []string, refusal string) {
	if t.ComputedSetting || a.ComputedSetting {
		return nil, "it calls current_setting with a name that is not a literal"
	}
	for _, name := range slices.Concat(t.Settings, a.Settings) {
		switch {
		case strings.Contains(name, "."):
			names = append(names, name)
		case !catalog.InIdentity(name):
			return nil, fmt.Sprintf("it reads the setting %s, which may change at any time", name)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) > 0 && !c.needed.add(names) {
		return nil, fmt.Sprintf("the statements of this program read more than %d settings of their own", maxSettings)
	}
	return names, ""
}

// unvouched names the functions that may give other results another time and that the rule does not vouch for.
func unvouched(rule *dsn.Rule, functions []catalog.Function) string {
	var calls, names []string
	for _, f := range functions {
		if !f.OfSession() && !f.ReadsSetting() && !vouched(rule, f) {
			calls = append(calls, f.String())
			if !slices.Contains(names, f.Name) {
				names = append(names, f.Name)
			}
		}
	}
	if len(calls) == 0 {
		return ""
	}
	return fmt.Sprintf("it may call %s; allow=%s in the rule would vouch for it", strings.Join(calls, ", "), strings.Join(names, ","))
}

func vouched(rule *dsn.Rule, f catalog.Function) bool {
	for _, p := range rule.Allow {
		if p.Match(f.Schema, f.Name) {
			return true
		}
	}
	return false
}

// keyMaterial joins fields so that no two different lists give the same text: each is led by its length.
func keyMaterial(fields ...string) string {
	var b []byte
	for _, f := range fields {
		b = binary.AppendUvarint(b, uint64(len(f)))
		b = append(b, f...)
	}
	return string(b)
}
