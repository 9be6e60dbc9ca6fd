package driver

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/gopgcache/pgcache/driver/internal/command"
	"github.com/gopgcache/pgcache/driver/internal/recommend"
	"github.com/gopgcache/pgcache/internal/rowset"
	"github.com/gopgcache/pgcache/internal/statement"
)

// run answers a statement that is for the cache and not for PostgreSQL.
func (c *Conn) run(ctx context.Context, of *command.Command, args []driver.NamedValue) (driver.Rows, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.comeBack()
	set, err := c.obey(ctx, of, args)
	if err != nil {
		return nil, err
	}
	return set.Rows(), nil
}

func (c *Conn) obey(ctx context.Context, of *command.Command, args []driver.NamedValue) (*rowset.Set, error) {
	switch of.Verb {
	case command.Show:
		return c.show(ctx, of.What)
	case command.Call:
		return c.call(ctx, of, args)
	default:
		return c.explain(ctx, of.List, args)
	}
}

// show is SHOW pgcache.what.
func (c *Conn) show(ctx context.Context, what string) (*rowset.Set, error) {
	switch what {
	case "stats":
		return rowset.Table([]string{"name", "value"}, c.cache.snapshot().rows()), nil
	case "rules":
		return c.cache.showRules(), nil
	case "statements":
		return c.cache.showStatements(), nil
	case "feed":
		return c.showFeed(ctx)
	case "advice":
		if c.cache.learner == nil {
			return nil, errNoAdvice
		}
		return recommend.Table(c.cache.learner), nil
	default:
		return nil, fmt.Errorf(
			"pgcache: there is no pgcache.%s to show; there are pgcache.stats, pgcache.rules, pgcache.statements, pgcache.feed and "+
				"pgcache.advice",
			what)
	}
}

// errNoAdvice tells how to get advice. In normal mode a query that no rule matches passes without a look at its rows.
var errNoAdvice = errors.New("pgcache: SHOW pgcache.advice needs pgcache=observe in the connection string")

func (c *cache) showRules() *rowset.Set {
	var rows [][]string
	for _, r := range c.config.Rules {
		rows = append(rows, []string{r.Name, r.String(), r.Source})
	}
	return rowset.Table([]string{"name", "rule", "source"}, rows)
}

// call is CALL pgcache.what(list).
func (c *Conn) call(ctx context.Context, of *command.Command, args []driver.NamedValue) (*rowset.Set, error) {
	switch of.What {
	case "flush":
		if err := of.None(); err != nil {
			return nil, err
		}
		return nothing, c.cache.flush(ctx)
	case "invalidate":
		table, err := of.Table(args)
		if err != nil {
			return nil, err
		}
		return nothing, c.invalidate(ctx, table)
	case "install":
		return c.install(ctx, of, args)
	default:
		return c.uninstall(ctx, of)
	}
}

// nothing is the result of a command without one.
var nothing = rowset.Table(nil, nil)

// invalidate makes everything that depends on a table stale, and on the tables below it. Inside a transaction, where the
// name can't be looked up, that is everything.
func (c *Conn) invalidate(ctx context.Context, table statement.Name) error {
	if !c.inner.idle() {
		c.cache.invalidate(ctx, nil, true)
		return nil
	}
	st := &statement.Statement{Writes: []statement.Name{table}}
	a, err := c.ask(ctx, &text{Statement: st, names: st.Question()})
	if err != nil {
		return err
	}
	if a == nil || a.schema != c.cache.schema.Load() {
		c.cache.invalidate(ctx, nil, true) // the schema changes faster than it can be asked for
		return nil
	}
	if len(a.Reach.Tables) == 0 {
		return fmt.Errorf("pgcache: invalidate: there is no table %q", table.String())
	}
	c.cache.invalidate(ctx, a.tablesReached(), false)
	return nil
}
