package recommend

import (
	"regexp"
	"testing"
	"time"

	"github.com/gopgcache/pgcache/dsn"
	"github.com/gopgcache/pgcache/internal/advice"
)

// A rule by tables or by text parses and matches the statement.
func TestRuleAmong(t *testing.T) {
	rung := &advice.Rung{TTL: 10 * time.Minute}
	for _, a := range []*advised{
		{Report: advice.Report{Text: "a", Tables: []string{`public.a`, `"Big"."Table 1"`}, Observed: 1}, best: rung},
		{Report: advice.Report{Text: `select "a b", '` + "`" + `\' from t`, Pattern: `^select\s+"a b",\s+\\'\{\}"\\"$`, Observed: 1}, best: rung},
	} {
		text := a.ruleAmong([]advised{*a})
		rule, err := dsn.ParseRule(text)
		if err != nil || rule.TTL != rung.TTL {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if a.Pattern != "" && (rule.SQL.String() != a.Pattern || !regexp.MustCompile(a.Pattern).MatchString(`select "a b", \'{}"\"`)) {
			t.Errorf("%s\n%s", rule.SQL, a.Pattern)
		}
		for _, table := range []string{"a", "Table 1"} {
			if a.Pattern == "" && !rule.Tables[0].Match("public", table) && !rule.Tables[1].Match("Big", table) {
				t.Error(text)
			}
		}
	}
}
