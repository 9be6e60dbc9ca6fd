package dsn

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// ruleParameter is how errors about a rule of unknown origin call it.
const ruleParameter = "pgcache_rule"

// ParseRule reads one rule, in the grammar of the package's documentation. Its
// errors are of type [Error].
func ParseRule(text string) (Rule, error) {
	r, err := parseRule(text, false)
	if err != nil {
		return Rule{}, blame(err, ruleParameter, text)
	}
	return r, nil
}

func parseRule(text string, inFile bool) (Rule, error) {
	if !utf8.ValidString(text) {
		return Rule{}, reasonf("is not valid UTF-8")
	}
	name, words, err := lexRule(text, inFile)
	if err != nil {
		return Rule{}, err
	}
	if !isRuleName(name) {
		return Rule{}, reasonf("needs a name of letters, digits, _ and -, at most %d, that starts with a letter or _", longestRuleName)
	}
	if len(words) == 0 {
		return Rule{}, reasonf("rule %s matches nothing: add a matcher and a ttl, as in %s: table=accounts ttl=10m", name, name)
	}
	r := Rule{Name: name, Lock: DefaultLock}
	var seen []string
	for i, w := range words {
		if err := r.apply(w, i+1); err != nil {
			return Rule{}, err
		}
		if slices.Contains(seen, w.key) {
			return Rule{}, reasonf("has %s twice", w.key)
		}
		seen = append(seen, w.key)
	}
	return r, r.complete()
}

// complete checks what no word can check alone.
func (r *Rule) complete() error {
	if len(r.matchers()) == 0 {
		return reasonf("rule %s has no matcher: table=, any_table=, sql~, hint or *", r.Name)
	}
	if r.TTL == 0 {
		return reasonf("rule %s has no ttl, as in ttl=10m", r.Name)
	}
	return nil
}

// ruleKey is what a rule may contain under one key.
type ruleKey struct {
	op   byte // '=', '~', or 0 for a bare word
	read func(r *Rule, value string) error
}

var ruleKeys = map[string]ruleKey{
	"table":          {'=', func(r *Rule, v string) (err error) { r.Tables, err = parseTablePatterns(v); return err }},
	"any_table":      {'=', func(r *Rule, v string) (err error) { r.AnyTable, err = parseTablePatterns(v); return err }},
	"sql":            {'~', func(r *Rule, v string) (err error) { r.SQL, err = parseRegexp(v); return err }},
	"hint":           {0, func(r *Rule, _ string) error { r.Hint = true; return nil }},
	"*":              {0, func(r *Rule, _ string) error { r.All = true; return nil }},
	"ttl":            {'=', func(r *Rule, v string) (err error) { r.TTL, err = parseTTL(v); return err }},
	"stale":          {'=', func(r *Rule, v string) (err error) { r.Stale, err = parseDuration(v); return err }},
	"stale_if_error": {'=', func(r *Rule, v string) (err error) { r.StaleIfError, err = parseDuration(v); return err }},
	"max_rows":       {'=', func(r *Rule, v string) (err error) { r.MaxRows, err = parseCount(v); return err }},
	"max_bytes":      {'=', func(r *Rule, v string) (err error) { r.MaxBytes, err = parseBound(v); return err }},
	"empty":          {'=', func(r *Rule, v string) error { return r.Empty.UnmarshalText([]byte(v)) }},
	"allow":          {'=', func(r *Rule, v string) (err error) { r.Allow, err = parseFunctionPatterns(v); return err }},
	"consistency":    {'=', func(r *Rule, v string) error { return r.Consistency.UnmarshalText([]byte(v)) }},
	"refresh":        {'=', func(r *Rule, v string) error { return r.parseRefresh(v) }},
	"lock":           {'=', func(r *Rule, v string) (err error) { r.Lock, err = parseDuration(v); return err }},
}

// ruleWords are the keys as they are written, for suggestions.
var ruleWords = func() []string {
	var words []string
	for key, k := range ruleKeys {
		words = append(words, spelled(key, k.op))
	}
	slices.Sort(words)
	return words
}()

func spelled(key string, op byte) string {
	if op == 0 {
		return key
	}
	return key + string(op)
}

// apply reads the word at a place, counted from 1, into the rule.
func (r *Rule) apply(w ruleWord, place int) error {
	k, known := ruleKeys[w.key]
	if !known {
		return unknownRuleWord(w, place)
	}
	if k.op != w.op {
		e := reasonf("needs %s where it has %s", spelled(w.key, k.op), spelled(w.key, w.op)).meaning(spelled(w.key, k.op))
		if k.op == 0 {
			e.Reason = w.key + " takes no value"
		}
		return e
	}
	if k.op != 0 && w.value == "" {
		return reasonf("%s is empty", spelled(w.key, k.op))
	}
	err := k.read(r, w.value)
	if e, ok := errors.AsType[*Error](err); ok && e.Suggestion != "" {
		e.Suggestion = spelled(w.key, k.op) + e.Suggestion
	}
	return within(err, w.key)
}

// unknownRuleWord names a word only if it resembles one of ours: a line of a
// wrong file may hold anything.
func unknownRuleWord(w ruleWord, place int) error {
	meant := nearest(spelled(w.key, w.op), ruleWords)
	if meant == "" {
		return reasonf("word %d after the name is neither a matcher (table=, any_table=, sql~, hint, *) nor an option", place)
	}
	return reasonf("has an unknown word %s", quoted(spelled(w.key, w.op))).meaning(meant)
}

func isRuleName(name string) bool {
	if name == "" || len(name) > longestRuleName {
		return false
	}
	for i, c := range name {
		letter := isWordRune(c) && (c < '0' || c > '9')
		if !letter && (i == 0 || !isNameRune(c)) {
			return false
		}
	}
	return true
}

// isWordRune reports whether c is an ASCII letter, a digit or an underscore.
func isWordRune(c rune) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}

func isNameRune(c rune) bool { return isWordRune(c) || c == '-' }

func parseRegexp(text string) (*regexp.Regexp, error) {
	re, err := regexp.Compile(text)
	if err == nil {
		return re, nil
	}
	why := "too complex"
	if e, ok := errors.AsType[*syntax.Error](err); ok {
		why = e.Code.String()
	}
	return nil, &Error{Reason: "is not a regular expression: " + why, Err: err}
}

func parseTTL(text string) (time.Duration, error) {
	d, err := parseDuration(text)
	if err == nil && d == 0 {
		err = reasonf("must be more than zero")
	}
	return d, err
}

func parseCount(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 || !isDigits(text) {
		return 0, reasonf("must be a whole number above zero")
	}
	return n, nil
}

func parseBound(text string) (int64, error) {
	n, err := parseSize(text)
	if err == nil && n == 0 {
		err = reasonf("must be more than zero")
	}
	return n, err
}

func (r *Rule) parseRefresh(text string) error {
	if text != "early" {
		return reasonf("must be early").meaning(nearest(text, []string{"early"}))
	}
	r.Early = true
	return nil
}
