package statement

import (
	"regexp"
	"testing"

	"pgregory.net/rapid"
)

// What NamesMoment does by hand is this expression.
var oracle = regexp.MustCompile(`(?i)(^|[^a-z])(now|today|tomorrow|yesterday)([^a-z]|$)`)

func TestNamesMoment(t *testing.T) {
	for text, want := range map[string]bool{
		"now": true, "NOW": true, " now ": true, "today10:00": true, "[today,)": true, "{yesterday,x}": true, "('tomorrow',1)": true,
		"": false, "no": false, "know": false, "nowhere": false, "todays": false, "epoch": false, "infinity": false, "to-day": false,
	} {
		if got := NamesMoment(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestNamesMomentIsTheExpression(t *testing.T) {
	piece := rapid.SampledFrom([]string{"now", "Today", "TOMORROW", "yesterday", "n", "t", "y", "o", "w", " ", ",", "é", "\x0e", "@", "[", "1"})
	rapid.Check(t, func(t *rapid.T) {
		text := ""
		for _, p := range rapid.SliceOfN(piece, 0, 8).Draw(t, "pieces") {
			text += p
		}
		if got, want := NamesMoment(text), oracle.MatchString(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	})
}
