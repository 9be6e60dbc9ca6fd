package driver

import (
	"context"
	"database/sql/driver"
	"fmt"
	"regexp"
	"strings"

	"github.com/gopgcache/pgcache/internal/rowset"
	"github.com/gopgcache/pgcache/internal/statement"
)

// command answers a statement that is for the cache and not for PostgreSQL. It works through any library, since it is
// nothing but SQL.
type command func(ctx context.Context, c *Conn, args []driver.NamedValue) (*rowset.Set, error)

var (
	showCommand = regexp.MustCompile(`(?is)^` + blank + `show\s+pgcache\s*\.\s*"?(\w+)"?` + blank + `$`)
	callCommand = regexp.MustCompile(`(?is)^` + blank + `call\s+pgcache\s*\.\s*(flush|invalidate|install|uninstall)` +
		`\s*\(\s*(.*?)\s*\)` + blank + `$`)
	explainCommand = regexp.MustCompile(`(?is)^` + blank + `explain\s*\(\s*pgcache\s*\)\s*(.*)$`)
	literal        = regexp.MustCompile(`(?s)^'((?:[^']|'')*)'$`)
)

// blank is what may stand around a command.
const blank = `(?:\s|;|--[^\n]*(?:\n|$)|/\*[^*]*\*/)*`

// parseCommand gives the command in a text, or nil for a text that is PostgreSQL's.
func parseCommand(sql string) command {
	if m := showCommand.FindStringSubmatch(sql); m != nil {
		return showOf(strings.ToLower(m[1]))
	}
	if m := explainCommand.FindStringSubmatch(sql); m != nil {
		return func(ctx context.Context, c *Conn, args []driver.NamedValue) (*rowset.Set, error) {
			return c.explain(ctx, m[1], args)
		}
	}
	if m := callCommand.FindStringSubmatch(sql); m != nil {
		return callOf(strings.ToLower(m[1]), m[2])
	}
	return nil
}

// showOf gives the command of SHOW pgcache.what.
func showOf(what string) command {
	return func(ctx context.Context, c *Conn, _ []driver.NamedValue) (*rowset.Set, error) {
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
			return c.cache.showAdvice()
		default:
			return nil, fmt.Errorf(
				"pgcache: there is no pgcache.%s to show; there are pgcache.stats, pgcache.rules, pgcache.statements, pgcache.feed and "+
					"pgcache.advice",
				what)
		}
	}
}

func (c *cache) showRules() *rowset.Set {
	var rows [][]string
	for _, r := range c.config.Rules {
		rows = append(rows, []string{r.Name, r.String(), r.Source})
	}
	return rowset.Table([]string{"name", "rule", "source"}, rows)
}

// callOf gives the command of CALL pgcache.what(args).
func callOf(what, list string) command {
	return func(ctx context.Context, c *Conn, args []driver.NamedValue) (*rowset.Set, error) {
		switch what {
		case "flush":
			if list != "" {
				return nil, fmt.Errorf("pgcache: flush takes no arguments")
			}
			return nothing, c.cache.flush(ctx)
		case "invalidate":
			table, err := tableArgument(what, list, args)
			if err != nil {
				return nil, err
			}
			return nothing, c.invalidate(ctx, table)
		case "install":
			return c.install(ctx, list, args)
		default:
			return c.uninstall(ctx, list)
		}
	}
}

// nothing is the result of a command without one.
var nothing = rowset.Table(nil, nil)

// tableArgument takes the table's name from a literal or from the one placeholder.
func tableArgument(what, list string, args []driver.NamedValue) (string, error) {
	if m := literal.FindStringSubmatch(list); m != nil {
		return strings.ReplaceAll(m[1], "''", "'"), nil
	}
	if list == "$1" && len(args) == 1 {
		if name, ok := args[0].Value.(string); ok {
			return name, nil
		}
	}
	return "", fmt.Errorf("pgcache: %[1]s takes one table's name, as in CALL pgcache.%[1]s('schema.table')", what)
}

// run runs a command.
func (c *Conn) run(ctx context.Context, t *text, args []driver.NamedValue) (driver.Rows, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.comeBack()
	set, err := t.command(ctx, c, args)
	if err != nil {
		return nil, err
	}
	return set.Rows(), nil
}

// invalidate makes everything that depends on a table stale, and on the tables below it. Inside a transaction, where the
// name can't be looked up, that is everything.
func (c *Conn) invalidate(ctx context.Context, table string) error {
	name, err := parseName(table)
	if err != nil {
		return err
	}
	if !c.inner.idle() {
		c.cache.invalidate(ctx, nil, true)
		return nil
	}
	st := &statement.Statement{Writes: []statement.Name{name}}
	a, err := c.ask(ctx, &text{Statement: st, names: st.Question()})
	if err != nil {
		return err
	}
	if a == nil || a.schema != c.cache.schema.Load() {
		c.cache.invalidate(ctx, nil, true) // the schema changes faster than it can be asked for
		return nil
	}
	if len(a.Reach.Tables) == 0 {
		return fmt.Errorf("pgcache: invalidate: there is no table %q", table)
	}
	c.cache.invalidate(ctx, a.tablesReached(), false)
	return nil
}

// parseName reads a name as SQL does: unquoted parts are folded to lower case.
func parseName(text string) (statement.Name, error) {
	m := dottedName.FindStringSubmatch(text)
	if m == nil {
		return statement.Name{}, fmt.Errorf("pgcache: %q is not the name of a table", text)
	}
	return statement.Name{Schema: unquote(m[1]), Name: unquote(m[2])}, nil
}

var dottedName = regexp.MustCompile(`^\s*(?:("(?:[^"]|"")+"|[^\s".]+)\s*\.)?\s*("(?:[^"]|"")+"|[^\s".]+)\s*$`)

func unquote(part string) string {
	if quoted, ok := strings.CutPrefix(part, `"`); ok {
		return strings.ReplaceAll(strings.TrimSuffix(quoted, `"`), `""`, `"`)
	}
	return strings.ToLower(part)
}
