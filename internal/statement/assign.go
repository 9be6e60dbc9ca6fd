package statement

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/multigres/multigres/go/common/parser"
	"github.com/multigres/multigres/go/common/parser/ast"
)

// Assignment is a value that a text gives to a setting of the user's own: one with a dot in its name. If an extension has
// declared the setting, the server may write the value otherwise (on for 1), but the same value the same way.
//
// An argument that is NULL, or no string, does not tell what the server stores. Nor does a text with a backslash while
// standard_conforming_strings is off.
type Assignment struct {
	// Name is the setting's, in lower case.
	Name string
	// Value is what the server stores, when Param is 0.
	Value string
	// Param is the number of the placeholder that holds the value, or 0.
	Param int
}

// assignBySet notes what SET gives to a setting of the user's own. It reports false for any other SET and RESET.
func (s *Statement) assignBySet(n *ast.VariableSetStmt) bool {
	name, own := ownSetting(n.Name)
	if !own || len(n.Name) > maxName || n.Kind != ast.VAR_SET_VALUE || n.Args == nil || len(n.Args.Items) != 1 {
		return false
	}
	value, ok := s.settingValue(n.Args.Items[0])
	switch {
	case !ok:
		return false
	case n.IsLocal:
		s.AssignsLocally = true
	default:
		s.Assigns = append(s.Assigns, Assignment{Name: name, Value: value})
	}
	return true
}

// settingValue is what SET makes of a word, a string or a number.
func (s *Statement) settingValue(n ast.Node) (value string, ok bool) {
	switch n := n.(type) {
	case *ast.String:
		// A word is cut like a name, a string is not, and the tree does not tell one from the other.
		return n.SVal, len(n.SVal) < maxName-utf8.UTFMax || s.hasString()
	case *ast.Integer:
		return strconv.Itoa(n.IVal), true
	case *ast.Float:
		// Newer servers also take 0xFFFFFFFFFF and 1_000.5, each with a rule of its own about what is kept.
		return n.FVal, !strings.ContainsAny(n.FVal, "xXoObB_")
	default:
		return "", false
	}
}

// hasString tells whether there is a string in the text.
func (s *Statement) hasString() bool {
	return slices.ContainsFunc(tokensOf(s.Text), func(t token) bool { return t.kind == parser.SCONST })
}

// assignByFunction notes what a SELECT gives to settings of the user's own, if it does so and nothing else: its columns are
// calls of set_config whose name and extent are literals.
func (s *Statement) assignByFunction(n *ast.SelectStmt) {
	if s.ChangesSession || empty(n.TargetList) || !bare(n) {
		return
	}
	var assigns []Assignment
	locally := false
	for _, item := range n.TargetList.Items {
		a, local, ok := setConfig(item)
		if !ok {
			return
		}
		if local {
			locally = true
		} else {
			assigns = append(assigns, a)
		}
	}
	s.Assigns, s.AssignsLocally = assigns, locally
}

// bare tells whether a SELECT consists of its columns only.
func bare(n *ast.SelectStmt) bool {
	return n.DistinctClause == nil && n.IntoClause == nil && empty(n.FromClause) && n.WhereClause == nil && empty(n.GroupClause) &&
		n.HavingClause == nil && empty(n.WindowClause) && empty(n.ValuesLists) && empty(n.SortClause) && n.LimitOffset == nil &&
		n.LimitCount == nil && empty(n.LockingClause) && n.WithClause == nil && n.Op == ast.SETOP_NONE
}

func empty(list *ast.NodeList) bool { return list == nil || len(list.Items) == 0 }

// setConfig reads set_config('a.b', value, local) with literals for name and extent.
func setConfig(item ast.Node) (a Assignment, local, ok bool) {
	target, _ := item.(*ast.ResTarget)
	if target == nil {
		return a, false, false
	}
	call, _ := target.Val.(*ast.FuncCall)
	if call == nil || !calls(call, "set_config") || call.Over != nil || call.AggFilter != nil || !empty(call.AggOrder) ||
		call.AggDistinct || call.AggStar || call.AggWithinGroup || call.FuncVariadic || call.Args == nil || len(call.Args.Items) != 3 {
		return a, false, false
	}
	name, isText := textLiteral(call.Args.Items[0])
	extent, isConst := call.Args.Items[2].(*ast.A_Const)
	if !isText || !isConst {
		return a, false, false
	}
	word, isBool := extent.Val.(*ast.Boolean)
	var own bool
	if a.Name, own = ownSetting(name); !own || !isBool {
		return a, false, false
	}
	ok = a.take(call.Args.Items[1])
	return a, word.BoolVal, ok
}

// take takes the value, a literal or a placeholder.
func (a *Assignment) take(n ast.Node) bool {
	if value, ok := textLiteral(n); ok {
		a.Value = value
		return true
	}
	if p, ok := castToText(n).(*ast.ParamRef); ok {
		a.Param = p.Number
		return a.Param > 0
	}
	return false
}
