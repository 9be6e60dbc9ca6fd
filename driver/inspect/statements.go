package inspect

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

// statements is what the page of all statements shows.
type statements struct {
	Heads    []head
	Lines    []known
	All      int
	From, To int
	Previous string // the address of the page before, or nothing
	Next     string
}

// head is the head of a column: a link that sorts by it.
type head struct {
	Name, Title, Href string
	Sorted            string // ascending, descending, or nothing
	Number            bool
}

// known is a statement that the driver knows.
type known struct {
	ID, Text string
	Cells    []field // those after the text
}

// field is a value of one statement.
type field struct {
	cell

	Name string
}

// perPage is how many statements a page shows, and shownText how much of each text.
const (
	perPage   = 100
	shownText = 300
)

func (h *handler) statements(r *http.Request) view {
	t, err := h.show(r.Context(), "statements")
	if err != nil {
		return failed("statements", err)
	}
	query := r.URL.Query()
	by, descending := order(&t, query)
	sortRows(t.Rows, by, descending)
	body := statements{Heads: heads(&t, by, descending), All: len(t.Rows)}
	page, err := strconv.Atoi(query.Get("page"))
	if pages := max(1, (len(t.Rows)+perPage-1)/perPage); err != nil || page < 1 || page > pages {
		page = 1
	}
	body.From, body.To = (page-1)*perPage, min(page*perPage, len(t.Rows))
	for _, row := range t.Rows[body.From:body.To] {
		body.Lines = append(body.Lines, knownOf(&t, row))
	}
	if page > 1 {
		body.Previous = turn(query, page-1)
	}
	if body.To < body.All {
		body.Next = turn(query, page+1)
	}
	body.From = min(body.From+1, body.To)
	return shown("statements", body)
}

func turn(query url.Values, page int) string {
	next := url.Values{"page": {strconv.Itoa(page)}}
	for _, name := range []string{"sort", "order"} {
		if query.Has(name) {
			next.Set(name, query.Get(name))
		}
	}
	return "statements?" + next.Encode()
}

// identify names a statement in an address.
func identify(statement string) string {
	sum := sha256.Sum256([]byte(statement))
	return hex.EncodeToString(sum[:16])
}

func knownOf(t *table, row []string) known {
	k := known{ID: identify(row[0]), Text: shorten(printable(row[0]))}
	for i, value := range row[1:] {
		name := t.Columns[i+1]
		k.Cells = append(k.Cells, field{cellOf(name, value), name})
	}
	return k
}

// shorten cuts a text that is too long for a table.
func shorten(text string) string {
	runes := []rune(text)
	if len(runes) <= shownText {
		return text
	}
	return string(runes[:shownText]) + "…"
}

// order reads the column to sort by, or -1 for the order that SHOW gives.
func order(t *table, query url.Values) (by int, descending bool) {
	return t.column(query.Get("sort")), query.Get("order") == "desc"
}

// sortRows sorts by a column: numbers by their value, texts as they are. Rows that are equal stay as they were.
func sortRows(rows [][]string, by int, descending bool) {
	if by < 0 {
		return
	}
	slices.SortStableFunc(rows, func(a, b []string) int {
		if descending {
			a, b = b, a
		}
		x, isX := numberIn(a[by])
		y, isY := numberIn(b[by])
		if isX && isY {
			return cmp.Compare(x, y)
		}
		return cmp.Compare(a[by], b[by])
	})
}

// heads makes each column's link. Numbers are sorted from the largest first, and then the other way around.
func heads(t *table, by int, descending bool) []head {
	list := make([]head, len(t.Columns))
	for i, name := range t.Columns {
		number := len(t.Rows) > 0 && cellOf(name, t.Rows[0][i]).Number
		next := "asc"
		if number {
			next = "desc"
		}
		sorted := ""
		if i == by {
			sorted, next = "ascending", "desc"
			if descending {
				sorted, next = "descending", "asc"
			}
		}
		list[i] = head{
			Name: name, Title: title(name), Number: number, Sorted: sorted,
			Href: "statements?" + url.Values{"sort": {name}, "order": {next}}.Encode(),
		}
	}
	return list
}
