package regress

import (
	"strings"
	"testing"
)

func TestKindsOfReasons(t *testing.T) {
	for reason, want := range map[string]string{
		"it may call now(), which is only STABLE; allow=now":                     "it may call a function that is only STABLE",
		"it may call now(), which is only STABLE, f(), which is VOLATILE; allow": "it may call a function that is VOLATILE",
		"pg_catalog.pg_class is a system catalog":                                "... is a system catalog",
		"it locks rows": "it locks rows",
	} {
		if got := kind(reason); got != want {
			t.Errorf("%s: got %s, want %s", reason, got, want)
		}
	}
}

// TestDifferences shows what counts: what two plain servers agree on, and nothing else.
func TestDifferences(t *testing.T) {
	one := &outcome{columns: []string{"a"}, rows: [][]string{{"1", "x"}, {"2", "y"}}}
	row := func(first, second string) *outcome {
		return &outcome{columns: one.columns, rows: [][]string{{"1", "x"}, {first, second}}}
	}
	for name, c := range map[string]struct {
		b, c *outcome
		want string
	}{
		"alike":                  {one, row("2", "y"), ""},
		"a value":                {one, row("3", "y"), "row 2 of 2, column 1"},
		"an unsteady value":      {row("3", "y"), row("4", "y"), ""},
		"beside an unsteady one": {row("3", "y"), row("4", "z"), "row 2 of 2, column 2"},
		"too few rows":           {one, &outcome{columns: one.columns, rows: one.rows[:1]}, "number of rows"},
		"another order":          {one, &outcome{columns: one.columns, rows: [][]string{one.rows[1], one.rows[0]}}, "in another order"},
		"columns":                {one, &outcome{columns: []string{"b"}, rows: one.rows}, "columns"},
		"an error":               {one, &outcome{columns: one.columns, rows: one.rows, failure: "no"}, "error"},
		"the end":                {one, &outcome{columns: one.columns, rows: one.rows, done: "1 row affected"}, "end"},
	} {
		got := strings.Join(differences(one, c.b, c.c), "\n")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestReadingWithoutReason(t *testing.T) {
	f := newFileReport("a")
	f.reading(&reading{text: "select 1", tx: 'I'})
	if len(f.Differences) != 1 {
		t.Errorf("a refusal without a reason went unnoticed: %q", f.Differences)
	}
	f.reading(&reading{text: "select 1", tx: 'I', hit: true, reason: "none"})
	if len(f.Differences) != 2 {
		t.Errorf("a hit that may not be went unnoticed: %q", f.Differences)
	}
}
