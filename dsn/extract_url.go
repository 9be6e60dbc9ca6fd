package dsn

import (
	"net/url"
	"regexp"
	"strings"
)

// urlLayout is where the parts of a PostgreSQL URL lie, by libpq's rules as pgx
// keeps them: those of RFC 3986 differ, and know only one host.
type urlLayout struct {
	hosts int // offset of the first host, behind the '@' if there is one
	query int // offset of the '?', or the length of the string
}

// layoutOf finds the parts. It fails on a bracket that is never closed.
func layoutOf(s string) (urlLayout, bool) {
	at := strings.Index(s, "://") + len("://")
	if i := strings.IndexAny(s[at:], "@/"); i >= 0 && s[at+i] == '@' {
		at += i + 1
	}
	l := urlLayout{hosts: at}
	for {
		if strings.HasPrefix(s[at:], "[") {
			end := strings.IndexByte(s[at:], ']')
			if end < 0 {
				return l, false
			}
			at += end + 1
		}
		at += indexAnyOrLen(s[at:], "/?,")
		if at == len(s) || s[at] != ',' {
			break
		}
		at++
	}
	l.query = at + indexAnyOrLen(s[at:], "?")
	return l, true
}

func indexAnyOrLen(s, chars string) int {
	if i := strings.IndexAny(s, chars); i >= 0 {
		return i
	}
	return len(s)
}

// extractURL cuts our pairs out of the query of a URL.
func extractURL(s string) (string, []assignment, error) {
	l, ok := layoutOf(s)
	if !ok {
		return s, nil, nil
	}
	if err := checkMisplaced(s, l); err != nil {
		return "", nil, err
	}
	if l.query == len(s) {
		return s, nil, nil
	}
	others, ours, err := extractQuery(s[l.query+1:])
	if err != nil || len(ours) == 0 {
		return s, nil, err
	}
	base := s[:l.query]
	if len(others) > 0 {
		base += "?" + strings.Join(others, "&")
	}
	if after, ok := layoutOf(base); !ok || after != (urlLayout{l.hosts, l.query}) {
		const reason = "stands before an @, which pgx would take for the end of the password; write the @ as %%40"
		return "", nil, blame(reasonf(reason), ours[0].name, "")
	}
	return base, ours, nil
}

// checkMisplaced finds parameters of ours that pgx would read as part of a
// password, a host or a database's name: the user would never hear of them.
func checkMisplaced(s string, l urlLayout) error {
	if m := misplaced.FindStringSubmatch(s[:l.hosts]); m != nil {
		const reason = "stands before an @, as part of the user's name and password; write the @ as %%40, or a / before the ?"
		return blame(reasonf(reason), m[1], "")
	}
	if m := misplaced.FindStringSubmatch(s[l.hosts:l.query]); m != nil {
		return blame(reasonf("stands behind a &; the first parameter of a URL stands behind a ?"), m[1], "")
	}
	return nil
}

var misplaced = regexp.MustCompile(`[?&](pgcache[a-z_]*)`)

// extractQuery splits a query into our pairs and the others as they stand.
func extractQuery(query string) (others []string, ours []assignment, err error) {
	afterOurs := false
	for pair := range strings.SplitSeq(query, "&") {
		rawName, rawValue, hasValue := strings.Cut(pair, "=")
		name, err := url.PathUnescape(strings.Trim(rawName, " "))
		if err != nil || !isOurs(name) {
			if afterOurs && !isPlainName(name) {
				ours[len(ours)-1].cutShort = true
			}
			others = append(others, pair)
			afterOurs = false
			continue
		}
		if !hasValue {
			return nil, nil, blame(reasonf("has no = after it"), name, "")
		}
		value, err := decodeValue(name, rawValue)
		if err != nil {
			return nil, nil, blame(err, name, rawValue)
		}
		ours = append(ours, assignment{name: name, value: value})
		afterOurs = true
	}
	return others, ours, nil
}

// decodeValue undoes percent-encoding. The '+' of a rule that has no blank is a
// blank: such a rule is certainly wrong otherwise.
func decodeValue(name, raw string) (string, error) {
	value, err := url.PathUnescape(strings.Trim(raw, " "))
	if err != nil {
		return "", reasonf("has a malformed %% escape; a %% is written %%25")
	}
	if name == ruleParameter && !strings.ContainsAny(value, blanks) {
		return url.QueryUnescape(strings.Trim(raw, " "))
	}
	return value, nil
}

// escapeQuery writes a value so that extractQuery reads it back, and pgx would:
// letters and common marks stay readable.
func escapeQuery(value string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(value) {
		c := value[i]
		if isWordRune(rune(c)) || strings.IndexByte("-.~:/,*", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}
