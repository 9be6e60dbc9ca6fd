package dsn

import "strings"

// blanks are what separates words, in rules and in keyword/value strings alike:
// PostgreSQL's idea of a blank, not Unicode's.
const blanks = " \t\n\r\v\f"

func isBlank(c byte) bool { return strings.IndexByte(blanks, c) >= 0 }

// ruleWord is one word of a rule: a bare word (op 0), key=value or key~value.
type ruleWord struct {
	key   string
	op    byte
	value string // after '=' as written, SQL quotes included; after '~' unquoted
}

// lexRule splits a rule into its name and its words. In a rules file a word
// that starts with '#' ends the rule.
func lexRule(text string, inFile bool) (name string, words []ruleWord, err error) {
	text = strings.TrimLeft(text, blanks)
	end := strings.IndexAny(text, blanks)
	if end < 0 {
		end = len(text)
	}
	name, found := strings.CutSuffix(text[:end], ":")
	if !found {
		return "", nil, reasonf("must start with the rule's name, a colon and a blank, as in hot: table=accounts ttl=10m")
	}
	for rest := text[end:]; ; {
		rest = strings.TrimLeft(rest, blanks)
		if rest == "" || inFile && rest[0] == '#' {
			return name, words, nil
		}
		var w ruleWord
		if w, rest, err = nextRuleWord(rest); err != nil {
			return "", nil, err
		}
		words = append(words, w)
	}
}

// nextRuleWord reads the word that text starts with.
func nextRuleWord(text string) (w ruleWord, rest string, err error) {
	end := strings.IndexAny(text, blanks+"=~")
	if end < 0 {
		end = len(text)
	}
	w.key, rest = text[:end], text[end:]
	if rest == "" || isBlank(rest[0]) {
		return w, rest, nil
	}
	w.op, rest = rest[0], rest[1:]
	switch {
	case w.op == '=':
		w.value, rest, err = cutNames(rest)
	case strings.HasPrefix(rest, `"`):
		w.value, rest, err = cutQuotedRegexp(rest[1:])
	default:
		w.value, rest = cutBlank(rest)
	}
	return w, rest, within(err, w.key)
}

func cutBlank(text string) (before, after string) {
	if end := strings.IndexAny(text, blanks); end >= 0 {
		return text[:end], text[end:]
	}
	return text, ""
}

// cutNames reads up to a blank that does not stand in double quotes.
func cutNames(text string) (value, rest string, err error) {
	inQuotes := false
	for i := range len(text) {
		switch {
		case text[i] == '"':
			inQuotes = !inQuotes
		case isBlank(text[i]) && !inQuotes:
			return text[:i], text[i:], nil
		}
	}
	if inQuotes {
		return "", "", reasonf("has a double quote without its closing one")
	}
	return text, "", nil
}

// cutQuotedRegexp reads up to the closing quote. A backslash and the byte after
// it belong together: \" is a quote, every other pair is the expression's own
// and stays as it is.
func cutQuotedRegexp(text string) (value, rest string, err error) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '"':
			rest = text[i+1:]
			if rest != "" && !isBlank(rest[0]) {
				return "", "", reasonf("has text right after the closing quote; a quote inside is written \\\"")
			}
			return b.String(), rest, nil
		case text[i] == '\\' && i+1 < len(text):
			if text[i+1] != '"' {
				b.WriteByte('\\')
			}
			i++
		}
		b.WriteByte(text[i])
	}
	return "", "", reasonf("has a double quote without its closing one")
}

// quoteRegexp undoes cutQuotedRegexp. Expressions that need no quotes get none.
func quoteRegexp(expr string) string {
	if !strings.ContainsAny(expr, blanks) && !strings.HasPrefix(expr, `"`) {
		return expr
	}
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(expr); i++ {
		switch {
		case expr[i] == '\\' && i+1 < len(expr):
			b.WriteByte('\\')
			i++
		case expr[i] == '"':
			b.WriteByte('\\')
		}
		b.WriteByte(expr[i])
	}
	b.WriteByte('"')
	return b.String()
}
