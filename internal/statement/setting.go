package statement

import (
	"strings"

	"github.com/multigres/multigres/go/common/parser/ast"
)

// callToSetting looks for what reads and writes the session's settings.
func (c *collector) callToSetting(n *ast.FuncCall, name Name) {
	switch {
	case !name.builtIn():
	case name.Name == "set_config":
		c.refuse("set_config gives a setting a value")
	case name.Name == "current_setting":
		if setting, ok := settingRead(n); ok {
			c.Settings = append(c.Settings, setting)
		} else {
			c.ComputedSetting = true
		}
	}
}

// settingRead gives the setting that current_setting('a.b') reads. A second argument says only what happens if there is none.
func settingRead(n *ast.FuncCall) (string, bool) {
	if n.FuncVariadic || n.Args == nil || len(n.Args.Items) < 1 || len(n.Args.Items) > 2 {
		return "", false
	}
	name, ok := textLiteral(n.Args.Items[0])
	return foldSetting(name), ok
}

// calls tells whether a call may be one of a built-in function.
func calls(n *ast.FuncCall, function string) bool {
	name, ok := qualified(parts(n.Funcname))
	return ok && name.builtIn() && name.Name == function
}

// textLiteral gives the value of a string, cast to text or not.
func textLiteral(n ast.Node) (string, bool) {
	c, _ := castToText(n).(*ast.A_Const)
	if c == nil {
		return "", false
	}
	str, ok := c.Val.(*ast.String)
	if !ok {
		return "", false
	}
	return str.SVal, true
}

// castToText looks under a cast to text.
func castToText(n ast.Node) ast.Node {
	cast, ok := n.(*ast.TypeCast)
	if ok && cast.TypeName != nil && empty(cast.TypeName.Typmods) && empty(cast.TypeName.ArrayBounds) {
		if name, ok := qualified(parts(cast.TypeName.Names)); ok && name.builtIn() && name.Name == "text" {
			return cast.Arg
		}
	}
	return n
}

// ownSetting writes a setting's name as the server compares it, and tells whether it may be one of the user's own.
func ownSetting(name string) (string, bool) {
	return foldSetting(name), strings.Contains(name, ".")
}

// foldSetting lowers the ASCII letters of a setting's name: the others count as they are.
func foldSetting(name string) string {
	b := []byte(name)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = lower(c)
		}
	}
	return string(b)
}

// settingParts are the names that a setting's is made of.
func settingParts(name string) []string { return strings.Split(name, ".") }
