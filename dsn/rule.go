package dsn

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/gopgcache/pgcache/internal/duration"
)

// DefaultLock is the longest wait for another fill unless a rule says
// otherwise.
const DefaultLock = 5 * time.Second

// Rule says which statements are cached, and for how long. ParseRule makes
// valid ones; a Rule made by hand needs a name, a matcher and a TTL.
//
// A Rule is not to be changed once it is in use.
type Rule struct {
	Name string // letters, digits, _ and -; starts with a letter or _

	// The matchers. All that are set must hold, and at least one is set.
	Tables   []TablePattern // every table that the statement reads is in the list
	AnyTable []TablePattern // at least one table that the statement reads is in the list
	SQL      *regexp.Regexp // the SQL text contains a match
	Hint     bool           // only statements whose hint names this rule
	All      bool           // every statement

	// The options.
	TTL          time.Duration     // upper bound on age; more than zero
	Stale        time.Duration     // how much longer an answer is given while one fill runs
	StaleIfError time.Duration     // how much longer an answer is given while PostgreSQL fails
	MaxRows      int64             // larger results are not kept; 0: no bound
	MaxBytes     int64             // larger results are not kept; 0: only the DSN's bound
	Empty        Empty             // whether a result without rows is kept
	Allow        []FunctionPattern // functions that the user vouches for
	Consistency  Consistency       // this level, no lower than one that the DSN names; ConsistencyAuto: the DSN's
	Early        bool              // refresh popular entries before they expire
	Lock         time.Duration     // longest wait for another fill; 0: none

	// Source is "" for a rule of the connection string, else file:line.
	Source string
}

// longestRuleName is in bytes; the name appears in hints, keys and statistics.
const longestRuleName = 63

// String gives the rule as ParseRule reads it, in one line.
func (r Rule) String() string {
	words := append([]string{r.Name + ":"}, r.matchers()...)
	return strings.Join(append(words, r.options()...), " ")
}

func (r Rule) matchers() []string {
	var words []string
	if len(r.Tables) > 0 {
		words = append(words, "table="+joined(r.Tables))
	}
	if len(r.AnyTable) > 0 {
		words = append(words, "any_table="+joined(r.AnyTable))
	}
	if r.SQL != nil {
		words = append(words, "sql~"+quoteRegexp(r.SQL.String()))
	}
	if r.Hint {
		words = append(words, "hint")
	}
	if r.All {
		words = append(words, "*")
	}
	return words
}

func (r Rule) options() []string {
	words := []string{"ttl=" + duration.Format(r.TTL)}
	add := func(set bool, word string) {
		if set {
			words = append(words, word)
		}
	}
	add(r.Stale != 0, "stale="+duration.Format(r.Stale))
	add(r.StaleIfError != 0, "stale_if_error="+duration.Format(r.StaleIfError))
	add(r.MaxRows != 0, "max_rows="+strconv.FormatInt(r.MaxRows, 10))
	add(r.MaxBytes != 0, "max_bytes="+formatSize(r.MaxBytes))
	add(r.Empty != EmptyCache, "empty="+r.Empty.String())
	add(len(r.Allow) > 0, "allow="+joined(r.Allow))
	add(r.Consistency != ConsistencyAuto, "consistency="+r.Consistency.String())
	add(r.Early, "refresh=early")
	add(r.Lock != DefaultLock, "lock="+duration.Format(r.Lock))
	return words
}

func joined[T interface{ String() string }](patterns []T) string {
	texts := make([]string, len(patterns))
	for i, p := range patterns {
		texts[i] = p.String()
	}
	return strings.Join(texts, ",")
}
