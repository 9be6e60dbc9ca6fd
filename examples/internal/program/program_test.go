package program

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"testing"
)

func TestReport(t *testing.T) {
	for _, c := range []struct {
		name   string
		err    error
		status int
		said   string
	}{
		{"well", nil, 0, ""},
		{"help", flag.ErrHelp, 0, ""},
		{"interrupted", errors.Join(context.Canceled, errors.New("killed")), 1, "demo: interrupted; nothing is left running\n"},
		{"interrupted, and not cleaned up", errors.Join(context.Canceled, ErrLeft), 1, "demo: context canceled\nsomething is left behind\n"},
		{"failed", errors.New("the answer differs"), 1, "demo: the answer differs\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var said bytes.Buffer
			if status := Report(&said, "demo", c.err); status != c.status || said.String() != c.said {
				t.Errorf("status %d, %q; want %d, %q", status, &said, c.status, c.said)
			}
		})
	}
}
