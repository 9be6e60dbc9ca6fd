package driver

import (
	"database/sql/driver"
	"go/scanner"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gopgcache/pgcache/driver/internal/command"
	"github.com/gopgcache/pgcache/dsn"
	"github.com/gopgcache/pgcache/internal/statement"
)

// What the documents show is what people paste: every connection string, rule, hint and statement of ours in them is read
// here as the driver reads it.

// documents are the Markdown files of the repository.
func documents(t *testing.T) []string {
	t.Helper()
	var files []string
	for _, pattern := range []string{"../*.md", "../docs/*.md", "../examples/*/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	return files
}

// shown is a piece of a document.
type shown struct {
	place string // file:line
	kind  string // language of its block; "inline" between backticks
	text  string
}

// pieces takes a document apart: its blocks, and what stands between backticks outside of them.
func pieces(file, document string) []shown {
	var all []shown
	var block *shown
	for i, line := range strings.Split(document, "\n") {
		place := file + ":" + strconv.Itoa(i+1)
		trimmed := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(trimmed, "```") && block == nil:
			block = &shown{place: place, kind: strings.TrimPrefix(trimmed, "```")}
		case strings.HasPrefix(trimmed, "```"):
			all = append(all, *block)
			block = nil
		case block != nil:
			block.text += line + "\n"
		default:
			for _, m := range backticks.FindAllStringSubmatch(line, -1) {
				all = append(all, shown{place, "inline", m[1]})
			}
		}
	}
	return all
}

var (
	backticks = regexp.MustCompile("`([^`]+)`")
	// aRule is what looks like one, and aString what looks like a connection string with a parameter of ours.
	aRule   = regexp.MustCompile(`^[A-Za-z_][\w-]*: .*\bttl=`)
	aString = regexp.MustCompile(`\bpgcache(_\w+)?=[^\s…]`)
	// aFile is a parameter that names a file, which is not there.
	aFile = regexp.MustCompile(`pgcache_rules_file=[^\s&]+`)
	// ofOurs is what looks like a statement of ours.
	ofOurs = regexp.MustCompile(`(?i)^(SHOW pgcache|CALL pgcache|EXPLAIN \(PGCACHE\))`)
	aHint  = regexp.MustCompile(`/\* *pgcache:[^*]*\*/|-- *pgcache:.*`)
)

// rules gives the rules in a piece: all lines of a block that says so, and what looks like one in the text.
func (s shown) rules() []string {
	switch s.kind {
	case "rules":
		return strings.Split(strings.TrimSpace(s.text), "\n")
	case "inline":
		if aRule.MatchString(s.text) {
			return []string{s.text}
		}
	}
	return nil
}

// strings gives the connection strings in a piece.
func (s shown) strings() []string {
	var candidates []string
	switch s.kind {
	case "go":
		candidates = literals(s.text)
	case "inline":
		candidates = []string{s.text}
	case "text", "sh", "dsn":
		joined := regexp.MustCompile(`\n\s+(&)`).ReplaceAllString(s.text, "$1")
		for line := range strings.Lines(joined) {
			line = strings.TrimSpace(line)
			if from := strings.Index(line, "postgres://"); from > 0 {
				line, _, _ = strings.Cut(line[from:], `'`)
			}
			candidates = append(candidates, line)
		}
	}
	var found []string
	for _, c := range candidates {
		if aString.MatchString(c) && !strings.Contains(c, "...") {
			found = append(found, c)
		}
	}
	return found
}

// literals gives the string literals of Go code, those that + joins in one piece.
func literals(code string) []string {
	var s scanner.Scanner
	files := token.NewFileSet()
	s.Init(files.AddFile("", files.Base(), len(code)), []byte(code), nil, 0)
	var found []string
	joins := false
	for {
		_, tok, lit := s.Scan()
		switch tok {
		case token.EOF:
			return found
		case token.STRING:
			value, err := strconv.Unquote(lit)
			if err != nil {
				continue
			}
			if joins {
				found[len(found)-1] += value
			} else {
				found = append(found, value)
			}
			joins = false
		case token.ADD:
			joins = len(found) > 0
		default:
			joins = false
		}
	}
}

// statements gives the statements of ours in a piece.
func (s shown) statements() []string {
	switch s.kind {
	case "sql":
		return strings.Split(s.text, ";")
	case "go":
		return literals(s.text)
	case "inline":
		return []string{s.text}
	default:
		return nil
	}
}

// check reads all that is shown, and tells how many of each kind there were.
func check(s shown, report func(format string, args ...any)) (rules, dsns, commands, hints int) {
	for _, r := range s.rules() {
		r = strings.TrimSpace(r)
		if r == "" || r[0] == '#' {
			continue
		}
		rules++
		if _, err := dsn.ParseRule(r); err != nil {
			report("%s: %s: %v", s.place, r, err)
		}
	}
	for _, text := range s.strings() {
		dsns++
		if _, err := dsn.Parse(strings.TrimSuffix(aFile.ReplaceAllString(text, ""), "&")); err != nil {
			report("%s: %s: %v", s.place, text, err)
		}
	}
	for _, text := range s.statements() {
		if text = withoutComments(text); !ofOurs.MatchString(text) {
			continue
		}
		commands++
		if !isCommand(text) {
			report("%s: %s is no statement of the driver's", s.place, text)
		}
	}
	for _, hint := range aHint.FindAllString(s.text, -1) {
		hints++
		if st := statement.Analyze("select 1 " + hint); !st.Cacheable() {
			report("%s: %s: %s", s.place, hint, st.Refusal)
		}
	}
	return rules, dsns, commands, hints
}

// isCommand tells whether the driver answers a statement. Where it takes a placeholder a text is given for it.
func isCommand(text string) bool {
	c := command.Parse(text)
	switch {
	case c == nil:
		return false
	case c.Verb == command.Show:
		return slices.Contains([]string{"stats", "rules", "statements", "feed", "advice"}, c.What)
	case c.Verb == command.Call && c.List != "":
		_, err := c.Table([]driver.NamedValue{{Value: "products"}})
		return err == nil
	default:
		return true
	}
}

// withoutComments takes the comments of whole lines off a statement, and calls without their arguments are given none.
func withoutComments(text string) string {
	var kept []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "--") {
			kept = append(kept, line)
		}
	}
	text = strings.Join(kept, " ")
	if strings.HasPrefix(text, "CALL") && !strings.Contains(text, "(") {
		text += "()"
	}
	return text
}

func TestWhatTheDocumentsShowIsRead(t *testing.T) {
	var rules, dsns, commands, hints int
	for _, file := range documents(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range pieces(file, string(text)) {
			r, d, c, h := check(s, t.Errorf)
			rules, dsns, commands, hints = rules+r, dsns+d, commands+c, hints+h
		}
	}
	t.Logf("%d rules, %d connection strings, %d statements, %d hints", rules, dsns, commands, hints)
	if dsns < 20 || commands < 40 || hints < 3 {
		t.Error("hardly anything was found: the documents, or this test, look different")
	}
}

// The test finds mistakes of each kind.
func TestMistakesInDocumentsAreFound(t *testing.T) {
	for _, document := range []string{
		"```rules\nhot: table=products\n```",
		"A rule such as `hot: tabel=products ttl=10m` is pasted.",
		"```go\ndb, err := sql.Open(\"pgcache\", \"postgres://app@db/shop?\"+\n\t\"pgcache_rule=hot: table=products tl=10m\")\n```",
		"```text\npostgres://app@db/shop?pgcache_rule=hot: table=products ttl=10m\n  &pgcache_stroe=redis\n```",
		"```sh\nexport DATABASE_URL='postgres://app@db/shop?pgcache_rule=hot: ttl=10m'\n```",
		"Say `pgcache_tx=readwrite`.",
		"Ask `SHOW pgcache.statistics`.",
		"```sql\n-- everything\nCALL pgcache.invalidate(shop.products);\n```",
		"```sql\n/* pgcache: of */ SELECT 1\n```",
	} {
		found := 0
		for _, s := range pieces("a.md", document) {
			check(s, func(string, ...any) { found++ })
		}
		if found != 1 {
			t.Errorf("%d mistakes found in\n%s", found, document)
		}
	}
}
