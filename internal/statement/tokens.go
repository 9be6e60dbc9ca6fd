package statement

import (
	"github.com/multigres/multigres/go/common/parser"
)

// token is a piece of a text as the parser sees it.
type token struct {
	kind int    // the parser's number for it
	word string // what it says: of a string or a quoted name, without the quotes
	name bool   // it may be a name: a word, quoted or not
}

// tokensOf takes a text apart. It ends where the parser's scanner fails; the parser has failed there too.
func tokensOf(text string) []token {
	var list []token
	for lexer := parser.NewLexer(text); ; {
		t := lexer.NextToken()
		if t == nil || t.Type == parser.EOF || t.Type == parser.INVALID {
			return list
		}
		list = append(list, token{t.Type, t.Value.Str, t.Type == parser.IDENT || t.Value.Keyword != ""})
	}
}

// longNames gives the dotted names of three parts or more. For columns they are usual.
func longNames(tokens []token) [][]string {
	var names [][]string
	for i := 0; i < len(tokens); i++ {
		if !tokens[i].name {
			continue
		}
		parts := []string{tokens[i].word}
		for i+2 < len(tokens) && tokens[i+1].kind == '.' && tokens[i+2].name {
			i += 2
			parts = append(parts, tokens[i].word)
		}
		if len(parts) > 2 {
			names = append(names, parts)
		}
	}
	return names
}
