package dsn

import (
	"regexp"
	"slices"
	"strings"
)

// mask stands for every secret, whatever its length.
const mask = "xxxxx"

// Redact hides the passwords in a connection string, an address or a message
// that contains one: PostgreSQL's, Redis's and the peers'. It takes any string.
// Where the string is well formed it hides exactly them; where it is not, and a
// password may be anywhere, it hides more rather than less.
func Redact(s string) string {
	redacted, wellFormed := redactKeyword(s)
	if formOf(s) == formURL {
		redacted, wellFormed = redactURL(s)
	}
	if wellFormed {
		return redacted
	}
	return redactLoose(s)
}

// redactURL fails on a URL whose password may lie where no password belongs.
func redactURL(s string) (string, bool) {
	l, ok := layoutOf(s)
	if !ok || !plainHosts(s[l.hosts:l.query]) {
		return "", false
	}
	var b strings.Builder
	scheme := s[:strings.Index(s, "://")+len("://")]
	user, _, hasPassword := strings.Cut(strings.TrimSuffix(s[len(scheme):l.hosts], "@"), ":")
	if strings.ContainsAny(user, "?&="+blanks) {
		return "", false
	}
	b.WriteString(scheme + user)
	if hasPassword {
		b.WriteString(":" + mask)
	}
	if l.hosts > len(scheme) {
		b.WriteByte('@')
	}
	b.WriteString(s[l.hosts:l.query])
	if l.query == len(s) {
		return b.String(), true
	}
	query, ok := redactQuery(s[l.query+1:])
	return b.String() + "?" + query, ok
}

// plainHosts reports whether hosts, ports and database are what they seem: an @
// or a port that is no number is likely part of a password.
func plainHosts(s string) bool {
	if strings.ContainsAny(s, "@"+blanks) {
		return false
	}
	authority, _, _ := strings.Cut(s, "/")
	for host := range strings.SplitSeq(authority, ",") {
		host = host[strings.LastIndexByte(host, ']')+1:]
		if _, port, found := strings.Cut(host, ":"); found && port != "" && !isDigits(port) {
			return false
		}
	}
	return true
}

// redactQuery fails on a query with an @ out of place, and on pairs that are
// none: what precedes them may be a password with a raw ? in it.
func redactQuery(query string) (string, bool) {
	var pairs []string
	for pair := range strings.SplitSeq(query, "&") {
		rawName, rawValue, found := strings.Cut(pair, "=")
		name, value := unescapeLenient(rawName), unescapeLenient(rawValue)
		if pair != "" && (!found || !isPlainName(name)) {
			return "", false
		}
		if strings.Contains(rawValue, "@") && !takesURL(name, value) {
			return "", false
		}
		if found {
			pair = rawName + "=" + redactValue(name, rawValue)
		}
		pairs = append(pairs, pair)
	}
	return strings.Join(pairs, "&"), true
}

// takesURL reports whether an @ in the value is at its place.
func takesURL(name, value string) bool {
	switch name {
	case "pgcache_redis":
		return slices.ContainsFunc(redisSchemes, func(s string) bool { return strings.HasPrefix(value, s+"://") })
	case "pgcache_peers", "pgcache_peer_self":
		return slices.ContainsFunc(peerSchemes, func(s string) bool { return strings.HasPrefix(value, s+"://") })
	}
	return false
}

// redactKeyword fails on a string that pgx would not read as keyword/value, and
// on names that are none: a mistyped URL may pass for a pair.
func redactKeyword(s string) (string, bool) {
	var b strings.Builder
	copied := 0
	for {
		p, fault := nextPair(s, copied)
		if p.name == "" && fault == "" {
			return b.String() + s[copied:], true
		}
		if fault != "" || !isPlainName(p.name) {
			return "", false
		}
		if shown := redactValue(p.name, p.value); shown != p.value {
			b.WriteString(s[copied:p.start] + p.name + "=" + quoteKeyword(shown))
		} else {
			b.WriteString(s[copied:p.end])
		}
		copied = p.end
	}
}

func redactValue(name, value string) string {
	if value != "" && hides(name, value) {
		return mask
	}
	return redactLoose(value)
}

// hides reports whether a parameter's value must not be seen. The files of
// secrets may be seen, but not a secret given in place of its file.
func hides(name, value string) bool {
	name = strings.ToLower(name)
	ours := isOurs(name)
	isKey := strings.HasSuffix(name, "_key") || strings.Contains(name, "_key_")
	isAuth := ours && (strings.Contains(name, "auth") || strings.Contains(name, "cred"))
	isSecret := secretWord.MatchString(name) || isAuth || ours && isKey
	if strings.HasSuffix(name, "file") || slices.Contains(parameterNames, name) {
		return ours && isSecret && !strings.ContainsAny(value[:1], "./~")
	}
	return isSecret
}

var secretWord = regexp.MustCompile(`pass|pwd|secret|token`)

func isPlainName(name string) bool {
	return name != "" && strings.IndexFunc(name, func(r rune) bool { return !isNameRune(r) && r != '.' }) < 0
}

// unescapeLenient undoes percent-encoding and lets stand what is none.
func unescapeLenient(s string) string {
	return percentEscape.ReplaceAllStringFunc(s, func(escape string) string {
		return string([]byte{unescapeOne(escape)})
	})
}

var percentEscape = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)

func unescapeOne(escape string) byte { return unhex(escape[1])<<4 | unhex(escape[2]) }

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&^0x20 - 'A' + 10
}
