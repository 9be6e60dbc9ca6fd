package inspect

import (
	"net/http"
	"slices"
	"strings"
)

// listing is a result that is shown as it is.
type listing struct {
	Heads []head
	Rows  [][]entry
	Note  string // instead of rows
}

// entry is a value of a listing.
type entry struct {
	cell

	Name string
	Copy string // what the button beside it copies, if there is one
}

func (h *handler) rules(r *http.Request) view {
	t, err := h.show(r.Context(), "rules")
	if err != nil {
		return failed("rules", err)
	}
	return shown("rules", listingOf(&t, func(column, value string) string {
		if column != "rule" {
			return ""
		}
		return value
	}))
}

func (h *handler) feed(r *http.Request) view {
	t, err := h.show(r.Context(), "feed")
	if err != nil {
		return failed("feed", err)
	}
	return shown("feed", listingOf(&t, func(column, value string) string {
		if column != "to_do" || !isSQL(value) {
			return ""
		}
		return value
	}))
}

// advice shows what the driver advises, if it does: a driver that can't is no fault.
func (h *handler) advice(r *http.Request) view {
	t, err := h.show(r.Context(), "advice")
	if err != nil {
		return shown("advice", listing{Note: printable(err.Error())})
	}
	return shown("advice", listingOf(&t, func(column, value string) string {
		if !slices.Contains([]string{"rule", "dsn", "parameter", "advice"}, column) {
			return ""
		}
		return value
	}))
}

// isSQL tells a statement to run from words.
func isSQL(text string) bool {
	word, _, _ := strings.Cut(text, " ")
	return slices.Contains([]string{"GRANT", "CALL", "ALTER", "CREATE"}, word)
}

// listingOf shows a result. The function says what a value's button copies.
func listingOf(t *table, copied func(column, value string) string) listing {
	var l listing
	for i, name := range t.Columns {
		l.Heads = append(l.Heads, head{Name: name, Title: title(name), Number: len(t.Rows) > 0 && cellOf(name, t.Rows[0][i]).Number})
	}
	for _, values := range t.Rows {
		row := make([]entry, len(values))
		for i, value := range values {
			row[i] = entry{cellOf(t.Columns[i], value), t.Columns[i], printable(copied(t.Columns[i], value))}
		}
		l.Rows = append(l.Rows, row)
	}
	return l
}

// title writes a column's name for readers: the unit is in the values.
func title(name string) string { return strings.ReplaceAll(strings.TrimSuffix(name, "_ms"), "_", " ") }
