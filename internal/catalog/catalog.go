package catalog

import (
	"regexp"
	"slices"
	"strings"
)

// firstUserOID is the first object identifier that initdb leaves to users (FirstNormalObjectId in PostgreSQL's
// access/transam.h). What lies below is built in.
const firstUserOID = 16384

// Resolution is what the names of one statement stand for.
type Resolution struct {
	// Relations are the relations read, views and what they read alike.
	Relations []Relation `json:"relations"`
	// Functions are those that may be called and are not immutable.
	Functions []Function `json:"-"`
	// Settings are the names, in lower case, of what current_setting reads in views, policies and functions on the way.
	Settings []string `json:"-"`
	// ComputedSetting is set when something on the way reads a setting whose name is computed.
	ComputedSetting bool `json:"-"`
	// Asks is what views, policies and functions on the way ask for that gives another result another time, in words.
	Asks []string `json:"-"`
	// ReadsText are the types that something on the way reads out of a text, which may be 'now'.
	ReadsText []string `json:"readsText"`
	// TextCasts are the columns that the statement casts to a date or a time and that may hold texts such as 'now'.
	TextCasts []string `json:"textCasts"`
	// Zoned are the columns, types and functions that bring a time with time zone into the statement.
	Zoned []string `json:"zoned"`
	// Lookups are those that bring a value into it that is the name of something in the catalogs.
	Lookups []string `json:"lookups"`
	// CalledTypes are types of the user's that something may be cast to in a way that looks like a call or a field.
	CalledTypes []string `json:"calledTypes"`
	// UnknownFunctions are the names that are called and stand for no function and no type: who knows what PostgreSQL
	// will find.
	UnknownFunctions []string `json:"unknownFunctions"`
	// Path are the schemas that names are looked for in.
	Path []string `json:"path"`
	// Unresolved are the names that stand for no relation: a CTE's, or a mistake that PostgreSQL will name.
	Unresolved []string `json:"unresolved"`
}

// Relation is a table, view or the like.
type Relation struct {
	OID         uint32 `json:"oid"`
	Schema      string `json:"schema"`
	Name        string `json:"name"`
	Kind        string `json:"kind"`        // pg_class.relkind
	Persistence string `json:"persistence"` // pg_class.relpersistence
	// RowSecurity is set for a table with policies. What they read and call has been followed like a view's.
	RowSecurity bool `json:"rowSecurity"`
	// Covered is set for a partition or a child of a relation that is read too.
	Covered bool `json:"covered"`
}

func (r Relation) String() string { return r.Schema + "." + r.Name }

// Function is a function that is not immutable.
type Function struct {
	OID        uint32 `json:"oid"`
	Schema     string `json:"schema"`
	Name       string `json:"name"`
	Signature  string `json:"signature"`
	Volatility string `json:"volatility"` // pg_proc.provolatile: s or v
	Arguments  string `json:"arguments"`  // as in "text, integer", built-in types without their schema
}

// BuiltIn tells whether the function came with the server.
func (f Function) BuiltIn() bool { return f.OID < firstUserOID }

func (f Function) String() string {
	if f.Volatility == "s" {
		return f.Signature + ", which is only STABLE"
	}
	return f.Signature + ", which is VOLATILE"
}

// Tables are the relations whose rows make the result: tables, partitions and materialized views.
func (r *Resolution) Tables() []Relation {
	var tables []Relation
	for _, rel := range r.Relations {
		if rel.Kind != "v" {
			tables = append(tables, rel)
		}
	}
	return tables
}

// executors are the built-in functions that run SQL given as text, or read views by name, which may call anything.
var executors = regexp.MustCompile(`^(query|cursor|table|schema|database)_to_xml|^ts_(stat|rewrite)$`)

// mayDoAnything tells whether a function may write tables and change the session. One of the user's may, whatever its
// label: a STABLE one can call a VOLATILE one.
func (f Function) mayDoAnything() bool { return !f.BuiltIn() || executors.MatchString(f.Name) }

// MayWrite tells whether calling the functions may write tables.
func (r *Resolution) MayWrite() bool {
	return len(r.UnknownFunctions) > 0 || r.misled() || slices.ContainsFunc(r.Functions, Function.mayDoAnything)
}

// misled tells whether a schema comes before PostgreSQL's own, so that even an equals sign in the questions asked here may have
// been somebody's own.
func (r *Resolution) misled() bool {
	path := r.Path
	if len(path) > 0 && strings.HasPrefix(path[0], "pg_temp") {
		path = path[1:] // operators and functions are never looked for there
	}
	return len(path) == 0 || path[0] != "pg_catalog"
}

// MayChangeSession tells whether calling the functions may change the session's settings.
func (r *Resolution) MayChangeSession() bool {
	return r.MayWrite() || slices.ContainsFunc(r.Functions, func(f Function) bool { return f.Name == "set_config" })
}
