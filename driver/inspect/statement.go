package inspect

import (
	"net/http"
	"regexp"
)

// statement is what the page of one statement shows.
type statement struct {
	Text    string
	Verdict string
	Fields  []field // what became of it
	Proof   []field // EXPLAIN (PGCACHE)
	Error   string  // why there is no proof
	// Parameters is set when the text has parameters, whose values nobody gave here.
	Parameters bool
}

// parameter is where a value goes. It may also be found in a literal: then the page only says more than it must.
var parameter = regexp.MustCompile(`\$\d`)

// statement shows one of the statements that the driver knows. There is no other way to name one than the sum of its text, so
// that no visitor writes SQL.
func (h *handler) statement(r *http.Request) view {
	t, err := h.show(r.Context(), "statements")
	if err != nil {
		return failed("statement", err)
	}
	id := r.URL.Query().Get("id")
	for _, row := range t.Rows {
		if identify(row[0]) == id {
			return h.proof(r, &t, row)
		}
	}
	return missing("There is no such statement, or the driver has forgotten it: it remembers the latest ten thousand.")
}

func (h *handler) proof(r *http.Request, t *table, row []string) view {
	text := row[0]
	body := statement{Text: printable(text), Parameters: parameter.MatchString(text)}
	for i, value := range row[1:] {
		name := t.Columns[i+1]
		body.Fields = append(body.Fields, field{cellOf(name, value), name})
		if name == "verdict" {
			body.Verdict = printable(value)
		}
	}
	explained, err := h.explain(r.Context(), text)
	if err != nil {
		body.Error = printable(err.Error())
	}
	for _, pair := range explained.Rows {
		body.Proof = append(body.Proof, field{cellOf("", pair[1]), printable(pair[0])})
	}
	return shown("statement", body)
}

// Title is the head of the field for readers.
func (f field) Title() string { return title(f.Name) }
