package catalog

import (
	"slices"
	"strconv"
	"strings"
)

// settingReads collects what settings are read on the way.
type settingReads struct {
	names    []string
	computed bool // some name is computed
}

// constants takes the names that expression trees hold: the bytes of a text datum each, written as numbers.
func (s *settingReads) constants(data []string) {
	for _, d := range data {
		name, ok := textDatum(d)
		s.add(name, ok)
	}
}

func (s *settingReads) add(name string, known bool) {
	if known {
		s.names = append(s.names, lowerASCII(name))
	} else {
		s.computed = true
	}
}

// source looks for current_setting in the text of a function whose body is not followed.
func (s *settingReads) source(language, text string) {
	tokens, ok := lex(text)
	if !ok || language != "sql" && language != "plpgsql" {
		s.computed = true
		return
	}
	for i, t := range tokens {
		switch {
		case t.text == currentSetting && (t.kind == word || t.kind == quoted):
			s.add(literalArgument(tokens[i+1:]))
		case strings.Contains(lowerASCII(t.text), currentSetting):
			s.computed = true // in a string that may be run, or in the name of another function
		}
	}
}

const currentSetting = "current_setting"

// literalArgument gives the first argument of the call whose parentheses begin tokens, if it is just a string.
func literalArgument(tokens []token) (string, bool) {
	if len(tokens) < 3 || tokens[0] != (token{sign, "("}) || tokens[1].kind != text {
		return "", false
	}
	end := tokens[2]
	return tokens[1].text, end == (token{sign, ")"}) || end == (token{sign, ","})
}

func (s *settingReads) sorted() []string {
	slices.Sort(s.names)
	return slices.Compact(s.names)
}

// textDatum reads a text datum as a node tree prints it: its length in the first four bytes, in the server's order and with
// two bits of its own, then the text.
func textDatum(numbers string) (string, bool) {
	var b []byte
	for field := range strings.FieldsSeq(numbers) {
		n, err := strconv.ParseInt(field, 10, 16)
		if err != nil || n < -128 || n > 255 {
			return "", false
		}
		b = append(b, byte(n))
	}
	if len(b) < 4 {
		return "", false
	}
	little := uint32(b[0])>>2 | uint32(b[1])<<6 | uint32(b[2])<<14 | uint32(b[3])<<22
	big := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	plain := b[0]&3 == 0 && little == uint32(len(b)) || big == uint32(len(b))
	return string(b[4:]), plain
}
