package driver

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	// aLink is the target of a link or an image that leads into the repository or the same document.
	aLink     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	elsewhere = regexp.MustCompile(`^[a-z]+:`)
	// noAnchor is what GitHub leaves out of a heading's anchor.
	noAnchor = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// prose gives the lines of a document outside of its blocks, empty ones in their place.
func prose(document string) []string {
	lines := strings.Split(document, "\n")
	inside := false
	for i, line := range lines {
		fence := strings.HasPrefix(strings.TrimSpace(line), "```")
		if inside || fence {
			lines[i] = ""
		}
		inside = inside != fence
	}
	return lines
}

// anchors are what links to a document may have behind the #.
func anchors(document string) map[string]bool {
	found := make(map[string]bool)
	for _, line := range prose(document) {
		heading := strings.TrimLeft(line, "#")
		if heading == line || !strings.HasPrefix(heading, " ") {
			continue
		}
		anchor := strings.ReplaceAll(noAnchor.ReplaceAllString(strings.ToLower(strings.TrimSpace(heading)), ""), " ", "-")
		name := anchor
		for i := 1; found[name]; i++ {
			name = anchor + "-" + strconv.Itoa(i)
		}
		found[name] = true
	}
	return found
}

// broken gives the links of a document that lead nowhere, and how many there are in all.
func broken(file, document string) (links int, wrong []string) {
	for i, line := range prose(document) {
		for _, m := range aLink.FindAllStringSubmatch(line, -1) {
			if elsewhere.MatchString(m[1]) {
				continue
			}
			links++
			if !leads(file, document, m[1]) {
				wrong = append(wrong, file+":"+strconv.Itoa(i+1)+": "+m[1])
			}
		}
	}
	return links, wrong
}

func leads(file, document, link string) bool {
	path, anchor, _ := strings.Cut(link, "#")
	if path != "" {
		text, err := os.ReadFile(filepath.Join(filepath.Dir(file), path))
		if info, statErr := os.Stat(filepath.Join(filepath.Dir(file), path)); statErr == nil && info.IsDir() {
			return anchor == ""
		}
		if err != nil {
			return false
		}
		document = string(text)
	}
	return anchor == "" || anchors(document)[anchor]
}

func TestLinksInDocumentsLeadSomewhere(t *testing.T) {
	links := 0
	for _, file := range documents(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		n, wrong := broken(file, string(text))
		links += n
		for _, link := range wrong {
			t.Error(link)
		}
	}
	if links < 20 {
		t.Errorf("only %d links were found", links)
	}
}

func TestBrokenLinksAreFound(t *testing.T) {
	const document = "# What it is: a `test`\n\n[a](#what-it-is-a-test) [b](#what-it-is) [c](documents_test.go) [d](none.md)\n" +
		"```text\n[e](neither.md)\n```\n[f](../docs) [g](../README.md#limits) [h](../README.md#no-limits) [i](https://example.com)\n"
	links, wrong := broken("a.md", document)
	if links != 7 || len(wrong) != 3 {
		t.Errorf("%d links, wrong: %v", links, wrong)
	}
}
