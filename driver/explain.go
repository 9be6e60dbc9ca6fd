package driver

import (
	"context"
	"database/sql/driver"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/internal/catalog"
	"github.com/gopgcache/pgcache/internal/rowset"
)

// What verdicts say in words.
const (
	cacheable    = "cacheable"
	notCacheable = "not cacheable"
	proved       = "everything about the statement is proved"
	saysOff      = "a hint says off"
)

// explain tells how a statement would be answered and why. It does not run the statement, and judges it as a query would: what is asked
// for and found out about it is kept for the next one.
func (c *Conn) explain(ctx context.Context, sql string, args []driver.NamedValue) (*rowset.Set, error) {
	t := c.text(sql)
	if t.command != nil {
		return proof{}.no("the statement is for the cache itself"), nil
	}
	r := request{text: t, args: args, wishes: wishesOf(ctx)}
	if reason := c.immediateRefusal(&r); reason != "" {
		return c.explainRefused(ctx, t, reason)
	}
	may, err := c.admissible(ctx, &r)
	if err != nil {
		return nil, err
	}
	var p proof
	p.names(r.verdict)
	switch {
	case r.verdict.refusal != "":
		return p.no(r.verdict.refusal), nil
	case !may:
		return p.no("the session's settings can't be told: behind a pooler each statement may find another session"), nil
	}
	p.rule(&r)
	if r.makeKey(c) {
		p.entry(ctx, c.cache, &r)
		return p.yes(), nil
	}
	return p.no("an argument can't be told apart from others, or names a moment such as 'now'"), nil
}

// immediateRefusal says what speaks against caching before any verdict.
func (c *Conn) immediateRefusal(r *request) string {
	switch {
	case !r.text.Cacheable():
		return r.text.Refusal
	case r.text.Hint.Off:
		return saysOff
	case r.wishes.bypass:
		return "the context says Bypass"
	case !c.inner.idle():
		return "the connection is in a transaction"
	case c.cache.escaped.Load() > 0:
		return "the program has a connection of pgx's in its hands, by sql.Conn.Raw, and may write there"
	case c.reticent:
		return "the session looks for names in its temporary schema"
	default:
		return ""
	}
}

// explainRefused adds to a refusal what the statement may change, which is what ends entries.
func (c *Conn) explainRefused(ctx context.Context, t *text, reason string) (*rowset.Set, error) {
	var p proof
	if !t.Changes() {
		return p.no(reason), nil
	}
	e, err := c.effect(ctx, t.sql, nil)
	if err != nil {
		return nil, err
	}
	p.add("touches", c.touches(t, e))
	return p.no(reason), nil
}

// touches says in words what a statement may change.
func (c *Conn) touches(t *text, e effect) string {
	switch {
	case t.WritesAnything:
		return "everything: it can't be told from the text what it writes"
	case !e.all:
		if columns := t.rewritten.Load().columns(); columns != "" && len(e.changes) == 1 {
			return "rows of 1 table, told by " + columns
		}
		tables := "tables"
		if len(e.changes) == 1 {
			tables = "table"
		}
		return fmt.Sprintf("%d %s: those it names and those below, above and behind them", len(e.changes), tables)
	}
	if c.identity != nil {
		if a := c.cache.answers.of(question{c.identity, t.names}, c.cache.schema.Load()); a != nil && a.Reach.Why != "" {
			return "everything: " + a.Reach.Why
		}
	}
	return "everything: what it reaches can't be told"
}

// proof collects the two columns of EXPLAIN (PGCACHE).
type proof struct{ rows [][]string }

func (p *proof) add(item, value string) { p.rows = append(p.rows, []string{item, value}) }

// names adds what the names in the statement stand for.
func (p *proof) names(v *verdict) {
	if v.answer == nil {
		return
	}
	var tables, views []string
	for _, rel := range v.answer.Relations {
		name := rel.String()
		if rel.RowSecurity {
			name += " (row-level security)"
		}
		if rel.Kind == "v" {
			views = append(views, name)
		} else {
			tables = append(tables, name)
		}
	}
	p.add("tables", strings.Join(tables, ", "))
	if views != nil {
		p.add("views", strings.Join(views, ", "))
	}
	for _, f := range v.answer.Functions {
		p.add("function", f.String()+standing(v, f))
	}
}

// standing says what makes a function that is not immutable harmless, or nothing.
func standing(v *verdict, f catalog.Function) string {
	switch {
	case f.OfSession():
		return "; it depends on the session's settings, which are in the identity"
	case f.ReadsSetting():
		return "; it reads settings"
	case v.rule != nil && vouched(v.rule, f):
		return "; the rule vouches for it"
	default:
		return ""
	}
}

// rule adds what applies to the statement in this session.
func (p *proof) rule(r *request) {
	v := r.verdict
	p.add("rule", v.rule.String())
	p.add("ttl", r.ttl().String())
	p.add("consistency", v.promise())
	p.add("tags", strings.Join(v.tagNames(), ", "))
	for _, name := range v.settings {
		if value := r.settings[name]; value != nil {
			p.add("setting", name+" = '"+*value+"'")
		} else {
			p.add("setting", name+" does not exist")
		}
	}
	p.add("identity", v.identity.material)
}

// entry adds the key and what the store has under it.
func (p *proof) entry(ctx context.Context, c *cache, r *request) {
	key := r.commonKey()
	p.add("key", hex.EncodeToString(key[:]))
	entry, err := c.store.Get(ctx, r.key)
	if err != nil || entry == nil || !r.is(entry) {
		p.add("entry", "absent")
		return
	}
	age := entry.Age(cachestore.Now())
	switch {
	case !r.tagged(entry) || !c.unchanged(r, entry):
		p.add("entry", "stale: a table changed after it was read")
	case age >= r.ttl():
		p.add("entry", "expired")
	default:
		p.add("entry", "fresh")
	}
	p.add("age", age.Round(time.Millisecond).String())
}

func (p proof) no(reason string) *rowset.Set { return p.table(notCacheable, reason) }

func (p proof) yes() *rowset.Set { return p.table(cacheable, proved) }

func (p proof) table(verdict, reason string) *rowset.Set {
	rows := append([][]string{{"verdict", verdict}, {"reason", reason}}, p.rows...)
	return rowset.Table([]string{"item", "value"}, rows)
}
