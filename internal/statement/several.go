package statement

import "github.com/multigres/multigres/go/common/parser/ast"

// several says what a text of more than one statement does: what each of them does. Names are resolved before the first
// one runs, so if one before the last may change what they stand for, the text may do anything.
func several(text string, trees []ast.Stmt) *Statement {
	all := &Statement{Text: text, Refusal: "the text holds several statements", Several: true}
	for i, tree := range trees {
		one := &Statement{Text: text}
		one.classify(tree)
		if i < len(trees)-1 && one.unsettles(tree) {
			return opaque(text, "the text holds several statements, and one before the last may change what names stand for")
		}
		all.add(one)
	}
	all.Names.sort()
	all.Settings = unique(all.Settings)
	return all
}

// unsettles tells whether names in the statements that follow may stand for something else than they did before this one:
// it changes schema, role or search_path, or takes such a change back. A function may do so unless it is known what it does.
func (s *Statement) unsettles(tree ast.Stmt) bool {
	t, ok := tree.(*ast.TransactionStmt)
	back := ok && t.Kind == ast.TRANS_STMT_ROLLBACK_TO
	calls := len(s.Names.Functions)+len(s.Names.Fields) > 0 && len(s.Assigns) == 0 && !s.AssignsLocally
	return s.ChangesSchema || s.ChangesSession || s.EndsTransaction || back || calls
}

// add puts what one more statement does to what the others do. Values for settings are not followed here: which of them
// stay depends on where in the text a transaction ends and an error happens.
func (s *Statement) add(one *Statement) {
	n, o := &s.Names, &one.Names
	n.Relations = append(n.Relations, o.Relations...)
	n.Functions = append(n.Functions, o.Functions...)
	n.Operators = append(n.Operators, o.Operators...)
	n.Types = append(n.Types, o.Types...)
	n.Columns = append(n.Columns, o.Columns...)
	n.Fields = append(n.Fields, o.Fields...)
	n.Casts = append(n.Casts, o.Casts...)
	s.CTEs = append(s.CTEs, one.CTEs...)
	s.Writes = append(s.Writes, one.Writes...)
	s.Settings = append(s.Settings, one.Settings...)
	s.ComputedSetting = s.ComputedSetting || one.ComputedSetting
	s.WritesAnything = s.WritesAnything || one.WritesAnything
	s.ChangesSchema = s.ChangesSchema || one.ChangesSchema
	s.ChangesSession = s.ChangesSession || one.ChangesSession || len(one.Assigns) > 0 || one.AssignsLocally
	s.BeginsTransaction = s.BeginsTransaction || one.BeginsTransaction
	s.EndsTransaction = s.EndsTransaction || one.EndsTransaction
}
