package inspect

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// hostile are texts that would do harm where they are not escaped.
var hostile = []string{
	`select 1 /* <script>alert(1)</script> */ from accounts where id = 3`,
	`select 2 /* "><img src=x onerror=alert(2)> */ from accounts where id = 3`,
	`select 3 /* '" onmouseover='alert(3)' x=" */ from accounts where id = 3`,
	`select 4 /* </pre></td></table><script src="//evil.example/x.js"></script> */ from accounts where id = 3`,
	`select 5 /* {{.}} &lt;script&gt; ]]> --> <!-- */ from accounts where id = 3`,
	"select 6 /* \u202e\u2066 \u0007\u200b */ from accounts where id = 3",
	`select 7; drop table accounts /* <svg/onload=alert(7)> */`,
}

// A text is shown as it is, wherever it is shown, and adds nothing to the page.
func TestHostile(t *testing.T) {
	s := newSite(t)
	plain := len(s.page("/" + s.page("/statements").link(all)).root.every("script"))
	for _, text := range hostile[:6] {
		s.read(text)
	}
	if rows, err := s.db.QueryContext(t.Context(), hostile[6]); err == nil {
		t.Error("two statements in one")
		rows.Close()
	}
	statements := s.page("/statements")
	for _, text := range hostile {
		want := printable(text)
		if !slices.ContainsFunc(statements.table("SHOW"), func(row []string) bool { return row[0] == want }) {
			t.Errorf("not there as it is: %q", text)
			continue
		}
		d := s.page("/" + statements.link(want))
		pre := d.root.every("pre")
		if len(pre) != 1 || pre[0].said() != want {
			t.Errorf("got %q, want %q", pre[0].said(), want)
		}
		if got := copied(d); got != want {
			t.Errorf("copies %q, want %q", got, want)
		}
		if got := len(d.root.every("script")); got != plain {
			t.Errorf("%s: %d scripts, want %d", text, got, plain)
		}
		harmless(t, d)
	}
	harmless(t, statements)
	if got := s.read("/* pgcache: off */ " + all); got[0][0] != "50" {
		t.Error("something was executed")
	}
}

// A visitor's words in the address do not come back, or not as markup.
func TestHostileAddress(t *testing.T) {
	s := newSite(t)
	const words = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E"
	for _, path := range []string{
		"/statements?sort=" + words + "&order=" + words + "&page=" + words, "/statement?id=" + words, "/" + words, "/?reload=" + words,
	} {
		if _, body := s.ask(http.MethodGet, path); strings.Contains(body, "alert(1)") {
			t.Errorf("%s comes back", path)
		}
	}
}

func copied(d *document) string {
	for _, button := range d.root.every("button") {
		if text, ok := button.attrs["data-copy"]; ok {
			return text
		}
	}
	return ""
}

// harmless checks what the policy would forbid anyhow: no handler, no inline style or script, nothing from elsewhere.
func harmless(t *testing.T, d *document) {
	t.Helper()
	for _, e := range d.root.every("") {
		for name, value := range e.attrs {
			if strings.HasPrefix(name, "on") || name == "style" || (name == "src" || name == "href") && strings.ContainsAny(value, ":\\") {
				t.Errorf("<%s %s=%q>", e.name, name, value)
			}
		}
		if e.name == "style" || e.name == "script" && e.said() != "" {
			t.Errorf("inline <%s>", e.name)
		}
	}
}
