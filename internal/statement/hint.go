package statement

import (
	"fmt"
	"strings"
	"time"

	"github.com/gopgcache/pgcache/internal/duration"
)

// hintMark begins a comment that is meant for us, as in /* pgcache: rule=hot ttl=30s */.
const hintMark = "pgcache:"

// Hint is what the hint comments of a text ask for.
type Hint struct {
	// Rule names the rule to use, also one that only hints can choose.
	Rule string
	// TTL lowers the rule's TTL; zero leaves it.
	TTL time.Duration
	// Key is one more part of the key: texts that differ in it never share an entry.
	Key string
	// Off keeps the statement away from the cache.
	Off bool
	// Refresh asks PostgreSQL and replaces the entry.
	Refresh bool
}

// extractHint takes the hint comments out of a text. Each leaves a blank behind, so that what stood around it stays apart.
// A comment that begins like a hint and can't be read is an error: a misspelled "off" must not cache.
func extractHint(sql string) (text string, hint Hint, err error) {
	if !strings.Contains(sql, hintMark) {
		return sql, Hint{}, nil
	}
	var out strings.Builder
	kept := 0
	for from := 0; ; {
		begin, end := nextComment(sql, from)
		if begin < 0 {
			break
		}
		from = end
		words, ok := strings.CutPrefix(strings.TrimSpace(commentBody(sql[begin:end])), hintMark)
		if !ok {
			continue
		}
		if e := hint.read(words); e != nil && err == nil {
			err = e
		}
		out.WriteString(sql[kept:begin])
		out.WriteByte(' ')
		kept = end
	}
	if kept == 0 {
		return sql, hint, err
	}
	out.WriteString(sql[kept:])
	return out.String(), hint, err
}

// read takes the words of one comment.
func (h *Hint) read(words string) error {
	for word := range strings.FieldsSeq(words) {
		name, value, _ := strings.Cut(word, "=")
		switch {
		case word == "off":
			h.Off = true
		case word == "refresh":
			h.Refresh = true
		case name == "rule" && value != "":
			h.Rule = value
		case name == "key" && value != "":
			h.Key = value
		case name == "ttl":
			d, err := duration.Parse(value)
			if err != nil || d == 0 {
				return fmt.Errorf("the hint's ttl %q is not a time such as 30s", value)
			}
			h.TTL = d
		default:
			return fmt.Errorf("the hint %q is none of off, refresh, rule=, ttl=, key=", word)
		}
	}
	return nil
}

// commentBody strips the marks of a comment.
func commentBody(c string) string {
	if body, ok := strings.CutPrefix(c, "--"); ok {
		return body
	}
	return strings.TrimSuffix(strings.TrimPrefix(c, "/*"), "*/")
}

// nextComment finds the first comment at or after from that does not stand inside a string or a quoted name. It gives -1
// when there is none.
func nextComment(sql string, from int) (begin, end int) {
	for i := from; i < len(sql); {
		kind, end := nextPiece(sql, i)
		if kind == comment {
			return i, end
		}
		i = end
	}
	return -1, -1
}

// piece is what a text is made of, as far as finding comments needs it.
type piece int

const (
	other   piece = iota // one byte, or a quoted name
	quoted               // a string of any kind
	comment              // a comment of any kind
)

// nextPiece says what begins at i and where it ends, as PostgreSQL's scanner would.
func nextPiece(sql string, i int) (kind piece, end int) {
	rest := sql[i:]
	switch {
	case strings.HasPrefix(rest, "--"):
		return comment, i + lineEnd(rest)
	case strings.HasPrefix(rest, "/*"):
		return comment, i + blockEnd(rest)
	case rest[0] == '\'':
		return quoted, i + stringEnd(rest, escapes(sql, i))
	case rest[0] == '"':
		return other, i + quotedEnd(rest, '"', false)
	case rest[0] == '$' && (i == 0 || !wordByte(sql[i-1])):
		if n := dollarEnd(rest); n > 1 {
			return quoted, i + n
		}
	}
	return other, i + 1
}

func lineEnd(s string) int {
	if n := strings.IndexAny(s, "\r\n"); n >= 0 {
		return n
	}
	return len(s)
}

// blockEnd finds the end of a block comment, which may hold others.
func blockEnd(s string) int {
	depth := 0
	for i := 0; i+1 < len(s); i++ {
		switch s[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
			if depth == 0 {
				return i + 1
			}
		}
	}
	return len(s)
}

// escapes tells whether the quote at i begins an escape string (E before the quote), in which a backslash escapes.
func escapes(sql string, i int) bool {
	return i > 0 && lower(sql[i-1]) == 'e' && (i == 1 || !wordByte(sql[i-2]))
}

// stringEnd finds the end of a string. One that follows on another line goes on with the first, in its way of escaping.
func stringEnd(s string, backslash bool) int {
	end := quotedEnd(s, '\'', backslash)
	for {
		next := continued(s[end:])
		if next < 0 {
			return end
		}
		end += next + quotedEnd(s[end+next:], '\'', backslash)
	}
}

// continued gives where a string goes on after blanks and comments to the end of the line, if there is a new line in them,
// and else -1.
func continued(s string) int {
	lines := false
	for i := 0; i < len(s); {
		switch {
		case strings.HasPrefix(s[i:], "--"):
			i += lineEnd(s[i:])
			continue
		case s[i] == '\n' || s[i] == '\r':
			lines = true
		case s[i] == '\'' && lines:
			return i
		case s[i] != ' ' && s[i] != '\t' && s[i] != '\f' && s[i] != '\v':
			return -1
		}
		i++
	}
	return -1
}

// quotedEnd finds the end of a quoted string or name. A doubled quote ends one and begins the next, which comes to the same.
func quotedEnd(s string, quote byte, backslash bool) int {
	for i := 1; i < len(s); i++ {
		if backslash && s[i] == '\\' {
			i++
		} else if s[i] == quote {
			return i + 1
		}
	}
	return len(s)
}

// dollarEnd finds the end of $tag$...$tag$; a lone dollar or a placeholder is one byte.
func dollarEnd(s string) int {
	n := 1
	for n < len(s) && wordByte(s[n]) && (n > 1 || s[n] < '0' || s[n] > '9') {
		n++
	}
	if n == len(s) || s[n] != '$' {
		return 1
	}
	tag := s[:n+1]
	if end := strings.Index(s[len(tag):], tag); end >= 0 {
		return end + 2*len(tag)
	}
	return len(s)
}

// wordByte tells whether a byte can be part of an unquoted name.
func wordByte(c byte) bool {
	return c == '_' || c >= 0x80 || letter(lower(c)) || '0' <= c && c <= '9'
}
