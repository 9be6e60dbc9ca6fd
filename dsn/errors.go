package dsn

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrUnsupported is wrapped by the error of [Config.Unsupported].
var ErrUnsupported = errors.New("pgcache: not supported yet")

// ErrRegistered is returned by [Config.ConnConfig] for a base that names a
// configuration registered with pgx's stdlib: only stdlib can look it up.
var ErrRegistered error = &Error{
	Reason: "the connection string names a configuration registered with pgx's stdlib, and only stdlib knows what it holds",
}

// Error says what is wrong with a connection string, a parameter or a rule.
// Every error of this package is one. Its fields and its text hold no password.
type Error struct {
	Parameter  string // the parameter's name; empty if the error is about the whole string
	Value      string // what was given, redacted, and shortened if it is long
	Line       int    // the line of the rules file, from 1; 0 if there is none
	Reason     string // what is wrong
	Suggestion string // the nearest valid spelling; empty if nothing is near
	Err        error  // the cause, if there is one
}

// Error gives the whole message in one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("pgcache: ")
	b.WriteString(e.subject())
	if e.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", e.Line)
	}
	b.WriteString(e.Reason)
	if e.Suggestion != "" {
		fmt.Fprintf(&b, "; did you mean %s?", quoted(e.Suggestion))
	}
	return b.String()
}

// Unwrap gives the cause, or nil.
func (e *Error) Unwrap() error { return e.Err }

// subject names what the error is about, followed by a colon.
func (e *Error) subject() string {
	switch {
	case e.Parameter != "" && e.Value != "":
		return e.Parameter + "=" + quoted(e.Value) + ": "
	case e.Parameter != "":
		return e.Parameter + ": "
	case e.Value != "":
		return quoted(e.Value) + ": "
	}
	return ""
}

// quoted prefers back quotes for text that would need escapes.
func quoted(s string) string {
	if strings.ContainsAny(s, `"\`) && strconv.CanBackquote(s) {
		return "`" + s + "`"
	}
	return strconv.Quote(s)
}

// reasonf makes an error that does not know its parameter yet; blame fills it
// in. Anything quoted in a reason must be safe to show.
func reasonf(format string, args ...any) *Error {
	return &Error{Reason: fmt.Sprintf(format, args...)}
}

// meaning adds a suggestion.
func (e *Error) meaning(suggestion string) *Error {
	e.Suggestion = suggestion
	return e
}

// within says which word of a value an error is about.
func within(err error, word string) error {
	if e, ok := errors.AsType[*Error](err); ok {
		e.Reason = word + " " + e.Reason
	}
	return err
}

// blame says which parameter and value an error is about.
func blame(err error, parameter, value string) error {
	if e, ok := errors.AsType[*Error](err); ok {
		if e.Parameter == "" {
			e.Parameter, e.Value = shownName(parameter), shownValue(parameter, value)
		}
		return e
	}
	return err
}

// longestShown bounds the values that error messages repeat, in bytes.
const longestShown = 200

// shownName is as much of a parameter's name as looks like a name. What comes
// after may be a mistyped URL with a password in it.
func shownName(name string) string {
	end := strings.IndexFunc(name, func(r rune) bool { return !isNameRune(r) && r != '.' })
	if end < 0 {
		end = len(name)
	}
	if end < len(name) || end > longestShown {
		return name[:min(end, longestShown)] + "..."
	}
	return name
}

// shownValue is a value as an error may repeat it.
func shownValue(name, value string) string {
	if value == "" {
		return ""
	}
	if hides(name, value) {
		return mask
	}
	return shortened(Redact(value))
}

func shortened(s string) string {
	if len(s) <= longestShown {
		return s
	}
	return strings.ToValidUTF8(s[:longestShown], "") + "..."
}
