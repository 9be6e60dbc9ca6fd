// Package command reads the statements that are for the cache and not for PostgreSQL. They work through any library, since they are
// nothing but SQL.
package command

import (
	"database/sql/driver"
	"fmt"
	"regexp"
	"strings"

	"github.com/gopgcache/pgcache/internal/statement"
)

// Verb is what a command begins with.
type Verb int

// The verbs.
const (
	Show    Verb = iota + 1 // SHOW pgcache.what
	Call                    // CALL pgcache.what(list)
	Explain                 // EXPLAIN (PGCACHE) list
)

// Command is one command as it is written.
type Command struct {
	Verb Verb
	// What is shown or called, in lower case.
	What string
	// List is what is between the brackets of a call, or the statement to explain.
	List string
}

var (
	show = regexp.MustCompile(`(?is)^` + blank + `show\s+pgcache\s*\.\s*"?(\w+)"?` + blank + `$`)
	call = regexp.MustCompile(`(?is)^` + blank + `call\s+pgcache\s*\.\s*(flush|invalidate|install|uninstall)` +
		`\s*\(\s*(.*?)\s*\)` + blank + `$`)
	explain = regexp.MustCompile(`(?is)^(` + blank + `)explain\s*\(\s*pgcache\s*\)\s*(.*)$`)
	literal = regexp.MustCompile(`(?s)^'((?:[^']|'')*)'$`)
)

// blank is what may stand around a command.
const blank = `(?:\s|;|--[^\n]*(?:\n|$)|/\*[^*]*\*/)*`

// Parse gives the command in a text, or nil for a text that is PostgreSQL's.
func Parse(sql string) *Command {
	if m := show.FindStringSubmatch(sql); m != nil {
		return &Command{Show, strings.ToLower(m[1]), ""}
	}
	if m := explain.FindStringSubmatch(sql); m != nil {
		return &Command{Explain, "", strings.TrimLeft(m[1], "; \t\r\n") + m[2]} // a hint may stand in front of all
	}
	if m := call.FindStringSubmatch(sql); m != nil {
		return &Command{Call, strings.ToLower(m[1]), m[2]}
	}
	return nil
}

// None checks that a call has no arguments.
func (c *Command) None() error {
	if c.List != "" {
		return fmt.Errorf("pgcache: %s takes no arguments", c.What)
	}
	return nil
}

// Table gives the name of a table that is the one argument of a call: a literal, or the value of the one placeholder.
func (c *Command) Table(args []driver.NamedValue) (statement.Name, error) {
	if m := literal.FindStringSubmatch(c.List); m != nil {
		return ParseName(strings.ReplaceAll(m[1], "''", "'"))
	}
	if c.List == "$1" && len(args) == 1 {
		if name, ok := args[0].Value.(string); ok {
			return ParseName(name)
		}
	}
	return statement.Name{}, fmt.Errorf("pgcache: %[1]s takes one table's name, as in CALL pgcache.%[1]s('schema.table')", c.What)
}

var dottedName = regexp.MustCompile(`^\s*(?:("(?:[^"]|"")+"|[^\s".]+)\s*\.)?\s*("(?:[^"]|"")+"|[^\s".]+)\s*$`)

// ParseName reads a name as SQL does: unquoted parts are folded to lower case.
func ParseName(text string) (statement.Name, error) {
	m := dottedName.FindStringSubmatch(text)
	if m == nil {
		return statement.Name{}, fmt.Errorf("pgcache: %q is not the name of a table", text)
	}
	return statement.Name{Schema: unquote(m[1]), Name: unquote(m[2])}, nil
}

func unquote(part string) string {
	if quoted, ok := strings.CutPrefix(part, `"`); ok {
		return strings.ReplaceAll(strings.TrimSuffix(quoted, `"`), `""`, `"`)
	}
	return strings.ToLower(part)
}
