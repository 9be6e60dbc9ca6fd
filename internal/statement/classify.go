package statement

import "github.com/multigres/multigres/go/common/parser/ast"

// classify says what a parsed statement does. Whatever is not listed may do anything.
func (s *Statement) classify(tree ast.Stmt) {
	switch n := tree.(type) {
	case *ast.SelectStmt:
		s.collect(n)
		s.assignByFunction(n)
	case *ast.InsertStmt, *ast.UpdateStmt, *ast.DeleteStmt, *ast.MergeStmt:
		s.collect(n)
	case *ast.TruncateStmt:
		s.collect(n)
		if n.Behavior == ast.DropCascade {
			s.WritesAnything = true
		}
	case *ast.CopyStmt:
		s.classifyCopy(n)
	case *ast.ExplainStmt:
		// Even without ANALYZE the planner may run functions, so the statement inside counts as if it were run.
		s.classifyInner(n.Query, "EXPLAIN is not cached")
	case *ast.DeclareCursorStmt:
		// FETCH and COMMIT run what the cursor's query calls, up to the end of the transaction: so long does whoever
		// follows transactions keep what DECLARE touched. After that the rows of a cursor WITH HOLD are all read.
		s.classifyInner(n.Query, "DECLARE opens a cursor: send its query itself")
	case *ast.PrepareStmt:
		s.classifyInner(n.Query, "PREPARE only prepares a statement: send the statement itself")
		s.ChangesSession = true
	case *ast.TransactionStmt:
		s.classifyTransaction(n)
	case *ast.VariableShowStmt, *ast.ListenStmt, *ast.UnlistenStmt, *ast.NotifyStmt, *ast.LockStmt, *ast.CheckPointStmt,
		*ast.ClosePortalStmt, *ast.FetchStmt, *ast.DeallocateStmt, *ast.VacuumStmt, *ast.ConstraintsSetStmt:
		// SET CONSTRAINTS may run triggers that a write has left for the end of the transaction; the write counts as
		// under way until then.
		s.refuse("it is not a SELECT")
	case *ast.VariableSetStmt:
		s.classifySet(n)
	case *ast.DiscardStmt:
		s.refuse("DISCARD changes the session")
		s.ChangesSession = true
		s.ResetsSession = n.Target == ast.DISCARD_ALL
	default:
		*s = *opaque(s.Text, whyOpaque(tree))
	}
}

// classifyInner says what a statement does that holds another one: what that one does, and it is not cached.
func (s *Statement) classifyInner(n ast.Node, reason string) {
	if inner, ok := n.(ast.Stmt); ok {
		s.classify(inner)
	} else {
		*s = *opaque(s.Text, "")
	}
	if len(s.Assigns) > 0 {
		// Whether the values are given now, later or never is another question.
		s.Assigns, s.AssignsLocally, s.ChangesSession = nil, false, true
	}
	s.Refusal = reason
}

// classifyCopy follows COPY. A program that it starts on the server can do what it likes there.
func (s *Statement) classifyCopy(n *ast.CopyStmt) {
	s.refuse("COPY is not cached")
	s.collect(n)
	if n.IsFrom {
		s.write(n.Relation)
	}
	if n.IsProgram {
		s.WritesAnything = true
	}
}

func (s *Statement) classifyTransaction(n *ast.TransactionStmt) {
	s.refuse("it controls a transaction")
	switch n.Kind {
	case ast.TRANS_STMT_BEGIN, ast.TRANS_STMT_START:
		s.BeginsTransaction = true
	case ast.TRANS_STMT_SAVEPOINT, ast.TRANS_STMT_RELEASE, ast.TRANS_STMT_ROLLBACK_TO:
	case ast.TRANS_STMT_COMMIT_PREPARED:
		s.WritesAnything, s.ChangesSchema = true, true
	default:
		s.EndsTransaction = true
	}
}

// transactionOnly are what SET changes for the transaction at hand and no longer, and what no result depends on: how it is
// isolated, and its snapshot.
var transactionOnly = map[string]bool{"TRANSACTION": true, "transaction_snapshot": true}

func (s *Statement) classifySet(n *ast.VariableSetStmt) {
	if s.assignBySet(n) {
		s.refuse("SET gives a setting a value")
		return
	}
	verb := "SET"
	if n.Kind == ast.VAR_RESET || n.Kind == ast.VAR_RESET_ALL {
		verb = "RESET"
	}
	s.refuse(verb + " changes the session")
	s.ChangesSession = !transactionOnly[n.Name]
}
