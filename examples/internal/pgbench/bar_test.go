package pgbench

import (
	"bytes"
	"strings"
	"testing"
)

// On a terminal one line is drawn over and over; elsewhere a few lines are written.
func TestBar(t *testing.T) {
	for _, c := range []struct {
		terminal bool
		want     string
	}{
		{true, "\r  load ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░   0 %\r  load ███████████████░░░░░░░░░░░░░░░  50 %\r  load ██████████████████████████████ 100 %\n  next\n"},
		{false, "  load: 50 %\n  load: 100 %\n  next\n"},
	} {
		var out bytes.Buffer
		b := newBar(&out, "load")
		b.terminal = c.terminal
		for _, done := range []int{0, 1, 500, 501, 1000} {
			b.show(done, 1000)
		}
		b.step("next")
		b.end()
		if out.String() != c.want {
			t.Errorf("terminal %v:\n%s\nwant\n%s", c.terminal, strings.ReplaceAll(out.String(), "\r", "␍\n"), strings.ReplaceAll(c.want, "\r", "␍\n"))
		}
	}
}
