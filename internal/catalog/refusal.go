package catalog

import (
	"slices"
	"strings"
)

// Refusal says why a statement with these relations can't be cached, or nothing. Functions are judged apart, since a rule
// may vouch for some, and settings, since a key may hold their values.
func (r *Resolution) Refusal() string {
	if r.misled() {
		return "search_path puts a schema before pg_catalog"
	}
	for _, rel := range r.Relations {
		if reason := rel.refusal(); reason != "" {
			return reason
		}
	}
	for _, reason := range []struct {
		about []string
		words func(list string) string
	}{
		{r.Asks, func(list string) string {
			return "a view, a policy or a function on the way " + list + "; what it asks for can be an argument of the statement instead"
		}},
		{r.ReadsText, func(list string) string {
			return "a view, a policy or a function on the way reads a text as " + list + ", and 'now' would be the present time: " +
				"keep dates and times in columns of their own types"
		}},
		{r.Zoned, func(list string) string {
			return list + " is a time with time zone, and what meets one may take the offset of today: use timestamptz, or time"
		}},
		{r.Lookups, func(list string) string {
			return list + " holds names that PostgreSQL looks up in its catalogs (regclass and the like): select them as oid or text"
		}},
		{r.TextCasts, func(list string) string {
			return "the statement casts " + list + " to a date or a time, and where it is a text 'now' would be the present time: " +
				"make the column a date or a timestamp"
		}},
		{r.CalledTypes, func(list string) string {
			return "something may be cast to " + list + ", which may read a text such as 'now': write the cast as x::type"
		}},
		{r.UnknownFunctions, func(list string) string { return "there is no function " + list }},
	} {
		if len(reason.about) > 0 {
			return reason.words(strings.Join(reason.about, ", "))
		}
	}
	return ""
}

func (r Relation) refusal() string {
	switch {
	case r.Persistence == "t":
		return r.String() + " is a temporary table, which other sessions don't see"
	case r.OID < firstUserOID:
		return r.String() + " is a system catalog, whose changes are not followed"
	case r.Schema == "pgcache":
		return r.String() + " is a part of the cache itself"
	case r.Kind == "f":
		return r.String() + " is a foreign table, whose changes are made elsewhere"
	case r.Kind == "S":
		return r.String() + " is a sequence, which moves by itself"
	case !strings.Contains("rpvm", r.Kind):
		return r.String() + " is neither a table nor a view"
	default:
		return ""
	}
}

// The codes that resolve.sql gives to what can't be followed in an expression tree.
const (
	asksTime = iota + 1
	asksSample
	asksSequence
	readsDocument
	looksUp
	computesSetting
	searches
	readsSystemColumn
	locksRows
)

var asked = map[int]string{
	asksTime:      "asks for the time (CURRENT_DATE and the like)",
	asksSample:    "takes a sample",
	asksSequence:  "takes the next value of a sequence",
	readsDocument: "reads columns out of XML or JSON, where 'now' would be the present time",
	looksUp:       "looks names up in the catalogs (regclass and the like)",

	readsSystemColumn: "reads a system column (ctid and the like), which shows storage and not data",
	locksRows:         "locks rows (FOR UPDATE and the like)",
}

// asksFor puts codes into words. Two are no refusals: a setting whose name is computed, which the caller is told apart, and
// text search.
func asksFor(codes []int) []string {
	var words []string
	for _, code := range codes {
		if inWords := asked[code]; inWords != "" {
			words = append(words, inWords)
		}
	}
	slices.Sort(words)
	return words
}
