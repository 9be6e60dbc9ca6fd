package dsn

import (
	"regexp"
	"slices"
	"strings"
)

// This file redacts what has no form to go by: messages, addresses, and
// connection strings that are wrong in a way that may have moved the password.

// span is a range of bytes to hide.
type span struct{ from, to int }

// deepestEncoding is how many layers of percent-encoding are looked into, the
// string itself included.
const deepestEncoding = 3

// redactLoose hides what stands where a password can stand, and what would
// stand there once percent escapes are undone, even when they were made twice.
func redactLoose(s string) string {
	var spans []span
	text, at := s, offsets(len(s))
	for range deepestEncoding {
		for _, sp := range secretsIn(text) {
			spans = append(spans, span{at[sp.from], at[sp.to]})
		}
		decoded, from := unescapeOffsets(text, at)
		if decoded == text {
			break
		}
		text, at = decoded, from
	}
	return hide(s, spans)
}

func secretsIn(s string) []span {
	spans := append(assignedSecrets(s), userinfo(s)...)
	return append(spans, strangePort(s)...)
}

// hide writes one mask over each run of overlapping spans.
func hide(s string, spans []span) string {
	slices.SortFunc(spans, func(a, b span) int { return a.from - b.from })
	var b strings.Builder
	end := 0
	for i, sp := range spans {
		if i == 0 || sp.from > end {
			b.WriteString(s[end:sp.from] + mask)
		}
		end = max(end, sp.to)
	}
	return b.String() + s[end:]
}

// offsets are those of a string's bytes in itself, its end included.
func offsets(length int) []int {
	at := make([]int, length+1)
	for i := range at {
		at[i] = i
	}
	return at
}

// unescapeOffsets undoes percent-encoding. For each byte of the result it tells
// where the byte begins in the string that at refers to.
func unescapeOffsets(s string, at []int) (string, []int) {
	var b strings.Builder
	from := make([]int, 0, len(at))
	copied := 0
	for _, m := range percentEscape.FindAllStringIndex(s, -1) {
		b.WriteString(s[copied:m[0]])
		b.WriteByte(unescapeOne(s[m[0]:m[1]]))
		from = append(append(from, at[copied:m[0]]...), at[m[0]])
		copied = m[1]
	}
	b.WriteString(s[copied:])
	return b.String(), append(from, at[copied:]...)
}

// userinfo is everything between the first colon that can begin a password and
// the last @. With a scheme but no such colon it is all before the @.
func userinfo(s string) []span {
	at := strings.LastIndexByte(s, '@')
	slashes := strings.Index(s, "//")
	if at < 0 {
		return nil
	}
	scheme := strings.Index(s, "://")
	for i := range at {
		if s[i] != ':' || i == scheme {
			continue
		}
		if slashes >= 0 || !isBlank(s[i+1]) {
			return []span{{i + 1, at}}
		}
	}
	if slashes >= 0 && slashes+2 < at {
		return []span{{slashes + 2, at}}
	}
	return nil
}

// strangePort is what follows a colon behind the last @ of a URL, or behind its
// scheme, and is no port: a password whose @ is missing.
func strangePort(s string) []span {
	start := strings.Index(s, "://")
	if start < 0 {
		return nil
	}
	start = max(start+len("://"), strings.LastIndexByte(s, '@')+1)
	for i := start; i < len(s); i++ {
		switch rest := s[i+1:]; {
		case s[i] == '[' && strings.Contains(rest, "]"):
			i += strings.IndexByte(rest, ']')
		case s[i] == ':' && !harmlessAfterColon.MatchString(rest) && !beginsAnotherURL(s[:i+1]):
			return []span{{i + 1, len(s)}}
		}
	}
	return nil
}

// beginsAnotherURL reports whether text ends in the scheme of a list's next URL.
func beginsAnotherURL(text string) bool {
	before := text[:strings.LastIndexByte(text, ',')+1]
	scheme := strings.TrimSuffix(strings.Trim(text[len(before):], blanks), ":")
	return before != "" && (slices.Contains(redisSchemes, scheme) || slices.Contains(peerSchemes, scheme))
}

// harmlessAfterColon is a port or a message.
var harmlessAfterColon = regexp.MustCompile("^(?:$|[\\s\\v]|[0-9]+(?:$|[/?,&;:.)\\]'\"`\\s\\v]))")

// namedValue finds a name and the sign behind it.
var namedValue = regexp.MustCompile("([A-Za-z0-9_%.-]+)[\"'`]?[\\s\\v]*[=:][\\s\\v]*")

// nextName finds where the value before it ends, in a query and elsewhere.
var (
	nextInQuery = regexp.MustCompile(`&[A-Za-z0-9_%.-]+[\s\v]*=`)
	nextName    = regexp.MustCompile(`[\s\v]+[A-Za-z_][A-Za-z0-9_.-]*[\s\v]*=`)
)

// assignedSecrets are the values of names that mean a secret.
func assignedSecrets(s string) []span {
	var spans []span
	for _, m := range namedValue.FindAllStringSubmatchIndex(s, -1) {
		name, from := unescapeLenient(s[m[2]:m[3]]), m[1]
		if from == len(s) || !hides(name, s[from:]) {
			continue
		}
		inQuery := m[2] > 0 && strings.IndexByte("?&", s[m[2]-1]) >= 0
		spans = append(spans, span{from, from + secretLength(s[from:], inQuery)})
	}
	return spans
}

// secretLength measures a value from its start. In single quotes it reaches to
// the closing one, else to the next name. Double quotes mean nothing to libpq
// but much to people: there it is the longer of the two.
func secretLength(s string, inQuery bool) int {
	switch s[0] {
	case '\'':
		return quotedLength(s)
	case '"':
		return max(quotedLength(s), bareLength(s, inQuery))
	}
	return bareLength(s, inQuery)
}

func quotedLength(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case s[0]:
			return i + 1
		case '\\':
			i++
		}
	}
	return len(s)
}

func bareLength(s string, inQuery bool) int {
	next := nextName
	if inQuery {
		next = nextInQuery
	}
	for _, m := range next.FindAllStringIndex(s, -1) {
		if m[0] == 0 || s[m[0]-1] != '\\' {
			return m[0]
		}
	}
	return len(s)
}
