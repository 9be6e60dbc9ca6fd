package driver

import (
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/hex"
	"strings"
	"time"

	"github.com/gopgcache/pgcache/internal/rowset"
)

// explain tells how a statement would be answered, and changes nothing.
func (c *Conn) explain(ctx context.Context, sql string, args []driver.NamedValue) (*rowset.Set, error) {
	t := c.cache.texts.of(sql)
	if t.command != nil {
		return proof{}.no("the statement is for the cache itself"), nil
	}
	r := request{text: t, args: args, wishes: wishesOf(ctx)}
	if reason := c.immediateRefusal(&r); reason != "" {
		return proof{}.no(reason), nil
	}
	if _, err := c.admissible(ctx, &r); err != nil {
		return nil, err
	}
	var p proof
	p.names(r.verdict)
	if r.verdict.refusal != "" {
		return p.no(r.verdict.refusal), nil
	}
	p.rule(&r)
	if r.makeKey(nil, c) {
		p.entry(ctx, c.cache, &r)
	} else {
		p.add("key", "none: an argument can't be told apart from others, or names a moment such as 'now'")
	}
	return p.yes(), nil
}

// immediateRefusal says what speaks against caching before any verdict.
func (c *Conn) immediateRefusal(r *request) string {
	switch {
	case !r.text.Cacheable():
		return r.text.Refusal
	case r.text.Hint.Off:
		return "a hint says off"
	case r.wishes.bypass:
		return "the context says Bypass"
	case !c.inner.idle():
		return "the connection is in a transaction"
	default:
		return ""
	}
}

// proof collects the two columns of EXPLAIN (PGCACHE).
type proof struct{ rows [][]string }

func (p *proof) add(item, value string) { p.rows = append(p.rows, []string{item, value}) }

func (p *proof) names(v *verdict) {
	if v.answer == nil {
		return
	}
	var tables, functions []string
	for _, rel := range v.answer.Tables() {
		tables = append(tables, rel.String())
	}
	for _, f := range v.answer.Functions {
		functions = append(functions, f.String())
	}
	p.add("tables", strings.Join(tables, ", "))
	if functions != nil {
		p.add("functions", strings.Join(functions, "; "))
	}
}

func (p *proof) rule(r *request) {
	v := r.verdict
	p.add("rule", v.rule.String())
	p.add("ttl", r.ttl().String())
	p.add("consistency", "ttl")
	var tags []string
	for _, rel := range v.answer.Relations {
		tags = append(tags, "table "+rel.String())
	}
	p.add("tags", strings.Join(tags, ", "))
	p.add("identity", v.identity.material)
}

func (p *proof) entry(ctx context.Context, c *cache, r *request) {
	p.add("key", hex.EncodeToString(r.key[:sha256.Size]))
	entry, err := c.store.Get(ctx, r.key)
	if err != nil || entry == nil || !r.is(entry) {
		p.add("entry", "absent")
		return
	}
	age := time.Since(entry.ReadAt)
	switch {
	case !c.ledger.Fresh(entry.Tags, entry.Position):
		p.add("entry", "stale: a table changed after it was read")
	case age >= r.ttl():
		p.add("entry", "expired")
	default:
		p.add("entry", "fresh")
	}
	p.add("age", age.Round(time.Millisecond).String())
}

func (p proof) no(reason string) *rowset.Set { return p.table("not cacheable", reason) }

func (p proof) yes() *rowset.Set {
	return p.table("cacheable", "everything about the statement is proved")
}

func (p proof) table(verdict, reason string) *rowset.Set {
	rows := append([][]string{{"verdict", verdict}, {"reason", reason}}, p.rows...)
	return rowset.Table([]string{"item", "value"}, rows)
}
