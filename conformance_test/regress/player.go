package regress

import (
	"context"
	"slices"
	"strings"
)

// player plays a script as psql does.
type player struct {
	lexer    lexer
	trio     *trio
	env      map[string]string
	vars     variables
	branches []branch
	previous string // the statement that \g without one runs again
	last     *outcome
}

// branch is an \if that is open.
type branch struct {
	outer  bool // what is around it is carried out
	taken  bool // one of its branches was
	active bool // the one at hand is
	kept   int  // how much of the statement at hand stays when this branch isn't carried out
	parens int
}

// play plays a script from its beginning to its end or to \quit.
func (p *player) play(ctx context.Context, script string) error {
	p.lexer = lexer{rest: script, vars: p.vars, escapes: func() bool { return p.trio.escapes }}
	for {
		t, ok := p.lexer.next()
		if !ok || t.command == "q" || t.command == "quit" {
			return nil
		}
		if t.command != "" {
			if err := p.obey(ctx, t); err != nil {
				return err
			}
		} else if !p.lexer.idle {
			if err := p.run(ctx, t.text, t.several); err != nil {
				return err
			}
		}
	}
}

// run runs a statement.
func (p *player) run(ctx context.Context, text string, several bool) error {
	data, remove := p.lexer.inline()
	o, took := p.trio.run(ctx, text, several, data)
	if took {
		remove()
	}
	p.previous, p.last = text, o
	return p.trio.recover(ctx)
}

// runBuffered runs the statement that a command ends, or the one before it.
func (p *player) runBuffered(ctx context.Context) error {
	several := p.lexer.several
	t, ok := p.lexer.finish()
	if !ok {
		t.text = p.previous
	}
	if t.text == "" {
		p.last = new(outcome)
		return nil
	}
	return p.run(ctx, t.text, several)
}

// obey carries out a command.
func (p *player) obey(ctx context.Context, t token) error {
	if slices.Contains([]string{"if", "elif", "else", "endif"}, t.command) {
		p.choose(t)
		return nil
	}
	if p.lexer.idle {
		return nil
	}
	switch t.command {
	case "set":
		p.set(t.args)
	case "unset":
		delete(p.vars, argument(t, 0))
	case "getenv":
		p.vars[argument(t, 0)] = p.env[argument(t, 1)]
	case "g", "gx", "crosstabview":
		return p.runBuffered(ctx)
	case "gset":
		return p.gset(ctx, argument(t, 0))
	case "gexec":
		return p.gexec(ctx)
	case "gdesc":
		p.lexer.reset()
		p.trio.report.skip(`\gdesc describes a statement without running it`)
	case "r", "reset":
		p.lexer.reset()
	case "encoding":
		if len(t.args) > 0 {
			return p.run(ctx, "SET client_encoding TO "+quoteLiteral(t.args[0]), false)
		}
	case "c", "connect":
		return p.reconnect(ctx, t)
	case "copy":
		return p.copy(ctx, argument(t, 0))
	default:
		p.other(t)
	}
	return nil
}

func argument(t token, i int) string {
	if i < len(t.args) {
		return t.args[i]
	}
	return ""
}

func (p *player) set(args []string) {
	if len(args) > 0 {
		p.vars[args[0]] = strings.Join(args[1:], "")
	}
}

// choose follows \if and its kin.
func (p *player) choose(t token) {
	if t.command == "if" {
		outer := !p.lexer.idle
		yes := outer && truth(argument(t, 0))
		p.branches = append(p.branches, branch{outer, yes, yes, len(p.lexer.statement), p.lexer.parens})
		p.lexer.idle = !yes
		return
	}
	if len(p.branches) == 0 {
		return
	}
	b := &p.branches[len(p.branches)-1]
	if p.lexer.idle { // what was read in a branch not taken is forgotten
		p.lexer.statement, p.lexer.parens = p.lexer.statement[:min(b.kept, len(p.lexer.statement))], b.parens
	}
	b.kept, b.parens = len(p.lexer.statement), p.lexer.parens
	switch t.command {
	case "elif":
		p.lexer.idle = false // an \elif's variables are looked at although its branch isn't carried out yet
		b.active = b.outer && !b.taken && truth(argument(t, 0))
	case "else":
		b.active = b.outer && !b.taken
	default:
		b.active = b.outer
		p.branches = p.branches[:len(p.branches)-1]
	}
	b.taken = b.taken || b.active
	p.lexer.idle = !b.active
}

// truth reads psql's booleans.
func truth(text string) bool {
	text = strings.ToLower(text)
	return text == "1" || text == "on" || text != "" && (strings.HasPrefix("true", text) || strings.HasPrefix("yes", text))
}

// gset runs a statement and keeps its one row in variables.
func (p *player) gset(ctx context.Context, prefix string) error {
	if err := p.runBuffered(ctx); err != nil {
		return err
	}
	if len(p.last.rows) != 1 {
		return nil
	}
	for i, name := range p.last.names {
		if value, null := asText(p.last.first[i]); null {
			delete(p.vars, prefix+name)
		} else {
			p.vars[prefix+name] = value
		}
	}
	return nil
}

// gexec runs a statement and then each value that it gave, as a statement.
func (p *player) gexec(ctx context.Context) error {
	if err := p.runBuffered(ctx); err != nil {
		return err
	}
	for _, text := range p.last.texts {
		if err := p.run(ctx, text, false); err != nil {
			return err
		}
	}
	return nil
}

// reconnect begins a new session, of the same user in the same database.
func (p *player) reconnect(ctx context.Context, t token) error {
	for _, arg := range t.args {
		if arg != "-" {
			p.trio.report.skip(`\connect to somewhere else`)
			return nil
		}
	}
	p.trio.escapes = false
	return p.trio.connect(ctx)
}

// copy carries out psql's own \copy from or to the script.
func (p *player) copy(ctx context.Context, rest string) error {
	text := "COPY " + strings.TrimSuffix(rest, ";")
	if !copyIn.MatchString(text) && !copyOut.MatchString(text) {
		p.trio.report.skip(`\copy from or to a file`)
		return nil
	}
	return p.run(ctx, text, false)
}

// other is for the commands that are psql's own affair. Those that ask the server something are counted.
func (p *player) other(t token) {
	switch {
	case strings.HasPrefix(t.command, "d"), strings.HasPrefix(t.command, "s"), t.command == "z", t.command == "l":
		p.trio.report.skip(`\d and the like, with which psql reads catalogs`)
	case strings.HasPrefix(t.command, "lo_"):
		p.trio.report.skip(`\lo_import and the like`)
	case t.command == "i", t.command == "ir", t.command == "watch", t.command == "bind", t.command == "!":
		p.trio.report.skip(`\` + t.command)
	}
}
