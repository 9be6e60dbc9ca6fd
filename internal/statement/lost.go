package statement

import (
	"github.com/multigres/multigres/go/common/parser"
	"github.com/multigres/multigres/go/common/parser/ast"
)

// The parser loses parts of some texts. Of (SELECT a FROM t ORDER BY f(a)) LIMIT 1 it keeps no ORDER BY, where PostgreSQL
// does, and of the relation db.s.t only the db. What stood there would be run and not seen. So the words and clauses that
// a text is made of have to be found in its trees.

// tally counts words, which are names and strings, and clauses.
type tally struct {
	words   map[string]int
	clauses map[string]int
}

func newTally() *tally { return &tally{make(map[string]int), make(map[string]int)} }

// lost names something that is in the text and not in the trees that were made of it. Nothing is asked of statements that
// hold no query: they are judged by what they are.
func (s *Statement) lost(trees []ast.Stmt) string {
	queries := false
	for _, tree := range trees {
		queries = queries || holdsQuery(tree)
	}
	if !queries {
		return ""
	}
	tokens := tokensOf(s.Text)
	written, found := newTally(), newTally()
	written.countTokens(tokens)
	for _, name := range s.refuseLongNames(tokens) {
		for _, part := range name {
			found.words[part]++
		}
	}
	for _, tree := range trees {
		w := walker{node: found.countNode, word: func(word string) { found.words[word]++ }}
		if err := w.walk(tree); err != nil {
			return err.Error()
		}
	}
	return written.without(found)
}

// holdsQuery tells whether a statement is made of expressions and relations, all of which the tree has to have.
func holdsQuery(tree ast.Stmt) bool {
	switch tree.(type) {
	case *ast.SelectStmt, *ast.InsertStmt, *ast.UpdateStmt, *ast.DeleteStmt, *ast.MergeStmt, *ast.TruncateStmt, *ast.CopyStmt,
		*ast.ExplainStmt, *ast.DeclareCursorStmt, *ast.PrepareStmt:
		return true
	}
	return false
}

// refuseLongNames refuses relations named with a database, and gives their names. Such a name may be the target of a
// write, so that may be any.
func (s *Statement) refuseLongNames(tokens []token) (names [][]string) {
	for _, name := range longNames(tokens) {
		for _, r := range s.Names.Relations {
			if r.Schema == "" && r.Name == truncated(name[0]) {
				s.refuse("the name of a relation may have three parts, " + r.Name + " first: leave the database out")
				s.WritesAnything = s.WritesAnything || len(s.Writes) > 0
				names = append(names, name)
			}
		}
	}
	return names
}

// without names something of which there is more here than in the other tally.
func (t *tally) without(other *tally) string {
	if clause := firstMore(t.clauses, other.clauses); clause != "" {
		return clause
	}
	if word := firstMore(t.words, other.words); word != "" {
		return quote(word)
	}
	return ""
}

// firstMore gives the first word, in their order, of which there is more in a than in b.
func firstMore(a, b map[string]int) (first string) {
	for word, n := range a {
		if n > b[word] && (first == "" || word < first) {
			first = word
		}
	}
	return first
}

// clauses by the keywords that they begin with. All of these are reserved: they are names only after AS and a dot.
var clauses = map[int]string{
	parser.SELECT: "SELECT", parser.ORDER: "ORDER BY", parser.LIMIT: "LIMIT", parser.FETCH: "LIMIT", parser.OFFSET: "OFFSET",
}

func (t *tally) countTokens(tokens []token) {
	for i, tok := range tokens {
		switch {
		case tok.kind == parser.IDENT || tok.kind == parser.SCONST:
			t.words[tok.word]++
		case i > 0 && (tokens[i-1].kind == '.' || tokens[i-1].kind == parser.AS):
		case clauses[tok.kind] != "":
			t.clauses[clauses[tok.kind]]++
		case tok.kind == parser.FOR && i+1 < len(tokens) && locking[tokens[i+1].kind]:
			t.clauses["FOR UPDATE"]++
		}
	}
}

// locking are the keywords that make FOR a lock.
var locking = map[int]bool{parser.UPDATE: true, parser.SHARE: true, parser.NO: true, parser.KEY: true}

func (t *tally) countNode(n ast.Node) {
	count := func(clause string, is bool) {
		if is {
			t.clauses[clause]++
		}
	}
	switch n := n.(type) {
	case *ast.SelectStmt:
		count("SELECT", n.Op == ast.SETOP_NONE && empty(n.ValuesLists))
		count("ORDER BY", !empty(n.SortClause))
		count("LIMIT", n.LimitCount != nil)
		count("OFFSET", n.LimitOffset != nil)
	case *ast.LockingClause:
		count("FOR UPDATE", true)
	case *ast.FuncCall:
		count("ORDER BY", !empty(n.AggOrder))
	case *ast.JsonAggConstructor:
		count("ORDER BY", !empty(n.AggOrder))
	case *ast.WindowDef:
		count("ORDER BY", !empty(n.OrderClause))
	case *ast.VariableSetStmt:
		for _, part := range settingParts(n.Name) {
			t.words[part]++
		}
	}
}
