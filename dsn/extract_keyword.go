package dsn

import "strings"

// keywordPair is one pair of a keyword/value string, read by libpq's rules as
// pgx keeps them.
type keywordPair struct {
	name, value string
	start, end  int // offsets of the name's first byte, and behind the value
	quoted      bool
	open        bool // the value would take in what is appended to the string
}

// pairFault is why a pair can't be read.
type pairFault string

// nextPair reads the pair after an offset. At the end of the string it returns
// a pair without a name. With a fault, the name is the first word that it found.
func nextPair(s string, from int) (keywordPair, pairFault) {
	p := keywordPair{start: len(s) - len(strings.TrimLeft(s[from:], blanks))}
	rest := s[p.start:]
	if rest == "" {
		return p, ""
	}
	before, after, found := strings.Cut(rest, "=")
	if !found {
		p.name, _ = cutBlank(rest)
		return p, "has no = after it"
	}
	p.name = strings.TrimRight(before, blanks)
	if word, more := cutBlank(p.name); more != "" {
		p.name = word
		return p, "has no = after it"
	}
	if p.name == "" {
		return p, "an = has no name before it"
	}
	value := strings.TrimLeft(after, blanks)
	p.end = len(s) - len(value)
	if strings.HasPrefix(value, "'") {
		return p.quotedValue(s)
	}
	return p.bareValue(s), ""
}

// bareValue reads up to a blank that has no backslash before it. A backslash at
// the very end of the string stands for nothing.
func (p keywordPair) bareValue(s string) keywordPair {
	start := p.end
	p.open = start == len(s)
	for ; p.end < len(s) && !isBlank(s[p.end]); p.end++ {
		if s[p.end] != '\\' {
			continue
		}
		if p.end+1 == len(s) {
			p.open = true
			break
		}
		p.end++
	}
	p.value = unescapeKeyword(s[start:p.end])
	if p.open {
		p.end = len(s)
	}
	return p
}

// quotedValue reads up to a single quote that has no backslash before it.
func (p keywordPair) quotedValue(s string) (keywordPair, pairFault) {
	p.quoted = true
	start := p.end + 1
	for i := start; i < len(s); i++ {
		switch s[i] {
		case '\'':
			p.value, p.end = unescapeKeyword(s[start:i]), i+1
			return p, ""
		case '\\':
			i++
		}
	}
	return p, "has a single quote without its closing one"
}

// unescapeKeyword drops each backslash and keeps what follows it.
func unescapeKeyword(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// extractKeyword cuts our pairs out of a keyword/value string, each with one
// blank: the one before it, or the one behind it if it has none before. Where
// the string stops making sense to pgx, the rest is left for pgx to complain.
func extractKeyword(s string) (string, []assignment, error) {
	var base strings.Builder
	var ours []assignment
	copied, from := 0, 0
	for {
		p, fault := nextPair(s, from)
		if fault != "" && isOurs(p.name) {
			return "", nil, blame(reasonf("%s", fault), p.name, "")
		}
		if fault != "" || p.name == "" {
			base.WriteString(s[copied:])
			return base.String(), ours, nil
		}
		from = p.end
		if !isOurs(p.name) {
			continue
		}
		if p.quoted && p.end < len(s) && !isBlank(s[p.end]) {
			return "", nil, blame(reasonf(`has text right after the closing quote; a quote inside is written \'`), p.name, p.value)
		}
		ours = append(ours, assignment{name: p.name, value: p.value, quoted: p.quoted})
		cut := p.start
		if cut > copied && isBlank(s[cut-1]) {
			cut--
		} else if from < len(s) {
			from++
		}
		base.WriteString(s[copied:cut])
		copied = from
	}
}

// quoteKeyword writes a value so that extractKeyword and pgx read it back.
func quoteKeyword(value string) string {
	if value != "" && !strings.ContainsAny(value, blanks+`'\`) {
		return value
	}
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
}
