package catalog

import (
	"fmt"
	"slices"
	"strings"
)

// A trigger function in PL/pgSQL is harmless if all that it can do is to change the row at hand, skip it or raise an error. What
// that takes is so little that it can be proved by looking at words: the body holds assignments to columns of NEW, IF, RAISE,
// NULL and RETURN, and expressions of nothing but NEW and OLD and their columns, literals, and the words, functions, types and
// operators below, which stand for nothing of the user's anywhere in the database. With anything else, be it a name in
// quotes or a string with a backslash, the function may do anything.

var (
	harmlessFunctions = strings.Fields(`
		abs age btrim ceil ceiling char_length character_length clock_timestamp concat concat_ws current_setting date_part
		date_trunc floor gen_random_uuid initcap left length lower lpad ltrim md5 now random replace right round rpad rtrim
		setweight split_part statement_timestamp substr to_char to_tsvector transaction_timestamp trunc upper`)
	harmlessTypes = strings.Fields(`
		bigint bool boolean date decimal float float4 float8 int int2 int4 int8 integer interval json jsonb numeric
		real smallint text time timestamp timestamptz tsvector uuid varchar`)
	harmlessOperators = strings.Fields("= <> != < <= > >= + - * / % || ~~ !~~ ~~* !~~* ~ ~* !~ !~*")
	harmlessValues    = strings.Fields(`
		new old null true false current_date current_time current_timestamp localtime localtimestamp current_user session_user
		tg_op tg_name tg_when tg_level tg_table_name tg_table_schema tg_relname tg_relid tg_nargs`)
	// These can't be the names of functions or types, whatever follows.
	reservedWords = strings.Fields("and or not in case when then else distinct from coalesce nullif greatest least row between")
	// What SQL uses without writing it: a cast has no name at all, and AT TIME ZONE calls timezone.
	unwritten     = []string{castSign, "=", "<>", "<", "<=", ">", ">="}
	raiseLevels   = strings.Fields("debug log info notice warning exception")
	raiseOptions  = strings.Fields("message detail hint errcode column constraint datatype table schema")
	infixPatterns = map[string]string{"like": "~~", "ilike": "~~*"}
)

const castSign = "::"

// harm says what in a PL/pgSQL trigger function may do more than to change the row at hand, or nothing. shadows are those of
// the names above that stand for something of the user's too, "::" among them when that is some cast.
func harm(source string, shadows []string) string {
	for _, name := range unwritten {
		if slices.Contains(shadows, name) {
			return "there are operators or casts of one's own, not IMMUTABLE, that it may use"
		}
	}
	tokens, ok := lex(source)
	if !ok {
		return "a string or a comment does not end"
	}
	b := body{tokens: tokens, shadows: shadows}
	b.block()
	return b.harm
}

// body reads the tokens of a function one by one. The first harm ends it.
type body struct {
	tokens  []token
	shadows []string
	harm    string
}

func (b *body) peek() token {
	if len(b.tokens) == 0 {
		return token{sign, ""}
	}
	return b.tokens[0]
}

func (b *body) next() token {
	t := b.peek()
	if len(b.tokens) > 0 {
		b.tokens = b.tokens[1:]
	}
	return t
}

func (b *body) at(kind tokenKind, texts ...string) bool {
	t := b.peek()
	return t.kind == kind && slices.Contains(texts, t.text)
}

func (b *body) expect(kind tokenKind, texts ...string) {
	if !b.at(kind, texts...) {
		b.refuse(b.peek())
	}
	b.next()
}

func (b *body) refuse(t token) {
	if b.harm == "" {
		b.harm = fmt.Sprintf("%q is not known to be harmless where it stands", t.text)
	}
	b.tokens = nil
}

// knows tells whether a name is in a list and stands for nothing else.
func (b *body) knows(list []string, name string) bool {
	return slices.Contains(list, name) && !slices.Contains(b.shadows, name)
}

// block is BEGIN statements END.
func (b *body) block() {
	b.expect(word, "begin")
	b.statements("end")
	b.expect(word, "end")
	if b.at(sign, ";") {
		b.next()
	}
	if len(b.tokens) > 0 {
		b.refuse(b.peek())
	}
}

// statements reads up to one of the words that end them.
func (b *body) statements(ends ...string) {
	for b.harm == "" && !b.at(word, ends...) {
		switch t := b.next(); t {
		case token{word, "new"}:
			b.assignment()
		case token{word, "if"}:
			b.conditional()
		case token{word, "return"}:
			b.expression(semicolon)
		case token{word, "raise"}:
			b.raise()
		case token{word, "null"}:
			b.expect(sign, ";")
		default:
			b.refuse(t)
		}
	}
}

var (
	semicolon = token{sign, ";"}
	comma     = token{sign, ","}
	using     = token{word, "using"}
	// operand is what comes before a token that may not make a type or a call of it.
	operand  = token{number, "operand"}
	notAfter = token{sign, "not"} // NOT after an operand, as in NOT LIKE
)

// assignment is NEW.column := expression; with NEW read before.
func (b *body) assignment() {
	b.member()
	b.expect(sign, ":=", "=")
	b.expression(semicolon)
}

// member is .column, or .* for all of them.
func (b *body) member() {
	b.expect(sign, ".")
	if t := b.next(); t.kind != word && t.kind != quoted && t != (token{sign, "*"}) {
		b.refuse(t)
	}
}

// conditional is IF expression THEN statements and so on up to END IF; with IF read before.
func (b *body) conditional() {
	b.expression(token{word, "then"})
	b.statements("elsif", "elseif", "else", "end")
	switch t := b.next(); t.text {
	case "elsif", "elseif":
		b.conditional()
		return
	case "else":
		b.statements("end")
		b.next()
	}
	b.expect(word, "if")
	b.expect(sign, ";")
}

// raise is RAISE level 'format', expressions USING option = expression, ...; with RAISE read before.
func (b *body) raise() {
	if b.at(word, raiseLevels...) {
		b.next()
	}
	if t := b.next(); t.kind != text {
		b.refuse(t)
	}
	if b.at(sign, ",") {
		b.next()
		if b.expression(using, semicolon) == semicolon {
			return
		}
	} else if t := b.next(); t == semicolon {
		return
	} else if t != using {
		b.refuse(t)
	}
	for b.harm == "" {
		b.expect(word, raiseOptions...)
		b.expect(sign, "=", ":=")
		if b.expression(comma, semicolon) == semicolon {
			return
		}
	}
}

// expression reads up to and including one of some ends outside of parentheses, as PL/pgSQL does, and gives that.
func (b *body) expression(ends ...token) token {
	depth, before := 0, token{sign, ""}
	for b.harm == "" {
		t := b.next()
		switch {
		case depth == 0 && slices.Contains(ends, t):
			return t
		case t == (token{sign, "("}):
			b.parenthesis(before)
			depth++
			before = t
		case t == (token{sign, ")"}):
			if depth--; depth < 0 {
				b.refuse(t)
			}
			before = operand
		case t.kind == sign:
			before = b.operator(t)
		case t.kind == word:
			before = b.word(t, before)
		default:
			before = b.literal(t, before)
		}
	}
	return token{}
}

// parenthesis looks at what an opening one follows: not at what it would make a call of, unless that is listed.
func (b *body) parenthesis(before token) {
	switch {
	case before.kind == sign:
	case before.kind == word && (slices.Contains(reservedWords, before.text) || b.knows(harmlessFunctions, before.text)):
	default:
		b.refuse(token{sign, "("})
	}
}

// operator looks at an operator or another sign.
func (b *body) operator(t token) token {
	switch {
	case t.text == castSign:
		return b.typeOfCast()
	case t != comma && !b.knows(harmlessOperators, t.text):
		b.refuse(t)
	}
	return t
}

// typeOfCast is the type after a cast, which may be one of two that have long names.
func (b *body) typeOfCast() token {
	t := b.next()
	if t.kind != word || !b.knows(harmlessTypes, t.text) {
		b.refuse(t)
	}
	if (t.text == "time" || t.text == "timestamp") && b.at(word, "with", "without") {
		b.next()
		b.expect(word, "time")
		b.expect(word, "zone")
	}
	return operand
}

// literal looks at a number or a string. A string after a name would make a type of it.
func (b *body) literal(t, before token) token {
	if t.kind != number && t.kind != text || before == operand {
		b.refuse(t)
	}
	return operand
}

// word looks at a word, and gives what the next token is to be judged after.
func (b *body) word(t, before token) token {
	switch {
	case (t.text == "new" || t.text == "old") && b.at(sign, "."):
		b.member()
		return operand
	case slices.Contains(harmlessValues, t.text) || t.text == "end":
		return operand
	case before == operand && t.text == "not":
		return notAfter
	case slices.Contains(reservedWords, t.text):
		return t
	case t.text == "pg_catalog" && b.at(sign, "."):
		b.next()
		return b.function(b.next())
	case slices.Contains(harmlessFunctions, t.text):
		return b.function(t)
	case b.knows(harmlessTypes, t.text):
		return t
	case before == operand && t.text == "at":
		b.expect(word, "time")
		b.expect(word, "zone")
		if slices.Contains(b.shadows, "timezone") {
			b.refuse(t)
		}
		return token{sign, "at time zone"}
	case before == operand && t.text == "is":
		return token{sign, "is"}
	case (before == operand || before == notAfter) && infixPatterns[t.text] != "":
		return b.operator(token{sign, infixPatterns[t.text]})
	}
	b.refuse(t)
	return t
}

// function looks at the name of a function, which must be called.
func (b *body) function(t token) token {
	if t.kind != word || !b.knows(harmlessFunctions, t.text) || !b.at(sign, "(") {
		b.refuse(t)
	}
	return t
}
