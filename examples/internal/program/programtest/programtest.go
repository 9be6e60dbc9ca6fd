// Package programtest checks what every example promises: that nothing is left behind, however it ends.
package programtest

import (
	"bytes"
	"context"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/gopgcache/pgcache/examples/internal/program"
)

// EmptyRoom makes the directory that temporary files go to for the rest of the test. The test fails at its end if anything
// is left there. Servers run as another account when we are root, so the directory is open to all.
func EmptyRoom(t *testing.T) {
	t.Helper()
	room, err := os.MkdirTemp("", "example-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(room, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", room)
	t.Cleanup(func() {
		entries, err := os.ReadDir(room)
		if err != nil || len(entries) > 0 {
			t.Errorf("left behind: %v, %v", entries, err)
		}
		_ = os.RemoveAll(room)
	})
}

// Interrupted runs a program that gets Ctrl-C at the moment that it writes the words. It must say so, and leave nothing
// behind.
func Interrupted(t *testing.T, words string, run func(ctx context.Context, out io.Writer) error) {
	t.Helper()
	EmptyRoom(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := run(ctx, tripwire{words, cancel})
	var said bytes.Buffer
	if status := program.Report(&said, "demo", err); status != 1 || !strings.Contains(said.String(), "interrupted") {
		t.Errorf("status %d: %s", status, &said)
	}
}

// tripwire calls a function once the words are written.
type tripwire struct {
	words string
	trip  func()
}

func (w tripwire) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(w.words)) {
		w.trip()
	}
	return len(p), nil
}
