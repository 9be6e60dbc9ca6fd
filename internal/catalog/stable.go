package catalog

import (
	_ "embed"
	"strings"
)

// stableTxt lists functions as name(argument types), one a line. Each stable function of every version from 14 to 18 was judged:
// those left out are in testdata/stable_refused.txt with the reason, and a test finds what a newer server adds. Until somebody
// has judged it, a function that is not listed is refused.
//
// Functions that run the output functions of their arguments' types are listed: the types of the user's own that can get
// there are followed by resolve.sql. So are those of text search that read a configuration: PostgreSQL itself calls their
// siblings that are given one IMMUTABLE, though both read dictionaries; their catalogs are in the Version.
//
//go:embed stable.txt
var stableTxt string

var ofSession = signatures(stableTxt)

// signatures reads a list of functions: one a line, apart from comments and empty lines.
func signatures(list string) map[string]bool {
	set := make(map[string]bool)
	for line := range strings.Lines(list) {
		line = strings.TrimSpace(line)
		if line != "" && line[0] != '#' {
			set[line] = true
		}
	}
	return set
}

// OfSession tells whether the function is a built-in one that is labelled STABLE and whose result depends on nothing but its
// arguments, what they read, and settings that are in a session's identity.
func (f Function) OfSession() bool {
	return f.inCatalog() && f.Volatility == "s" && ofSession[f.Name+"("+f.Arguments+")"]
}

// ReadsSetting tells whether the function is the built-in current_setting.
func (f Function) ReadsSetting() bool { return f.inCatalog() && f.Name == "current_setting" }

func (f Function) inCatalog() bool { return f.BuiltIn() && f.Schema == "pg_catalog" }
