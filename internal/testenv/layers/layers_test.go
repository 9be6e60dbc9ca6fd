package layers

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

func TestImportsPointDown(t *testing.T) {
	packages := list(t)
	if len(packages) == 0 {
		t.Fatal("go list found no packages")
	}
	for _, v := range violations(packages) {
		t.Error(v)
	}
}

// list asks go for the packages of every module in the workspace.
func list(t *testing.T) (packages []goPackage) {
	t.Helper()
	modules := run(t, ".", "list", "-m", "-f", "{{.Dir}}")
	for dir := range strings.Lines(string(modules)) {
		out := run(t, strings.TrimSpace(dir), "list", "-e", "-json=ImportPath,Imports", "./...")
		for d := json.NewDecoder(bytes.NewReader(out)); ; {
			var p goPackage
			if err := d.Decode(&p); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			packages = append(packages, p)
		}
	}
	return packages
}

func run(t *testing.T, dir string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			t.Fatalf("go %s: %s", strings.Join(args, " "), exit.Stderr)
		}
		t.Fatal(err)
	}
	return out
}

func TestViolations(t *testing.T) {
	for _, c := range []struct {
		name, from, to string
		want           string // part of the complaint; empty: allowed
	}{
		{"down", "driver", "internal/rowset", ""},
		{"down from below an entry", "driver/internal/conn", "internal/rowset", ""},
		{"inside an entry", "driver", "driver/internal/conn", ""},
		{"up", "internal/rowset", "driver", "point down"},
		{"up to below an entry", "cachestore", "cachestore/memory", "point down"},
		{"sideways", "dsn", "internal/statement", "point down"},
		{"fanout stands alone", "fanout", "dsn", "point down"},
		{"from nowhere", "internal/misc", "dsn", "no layer"},
		{"to nowhere", "driver", "internal/misc", "no layer"},
		{"the root is nowhere", ".", "dsn", "no layer"},
		{"like a layer, but another", "dsnx", "dsn", "no layer"},
		{"test servers in a program", "driver", "internal/testenv", "for tests"},
		{"test servers in an example", "examples/quickstart", "internal/testenv", ""},
		{"test servers for tests", "internal/testenv/pgtest", "internal/testenv", ""},
		{"contract tests in a program", "cachestore/memory", "cachestore/storetest", "for tests"},
		{"test library in a program", "driver", "go.uber.org/goleak", "for tests"},
		{"testing in a program", "dsn", "testing", "for tests"},
		{"part of a test library", "dsn", "testing/quick", "for tests"},
		{"test library for tests", "internal/testenv/pgtest", "go.uber.org/goleak", ""},
		{"other libraries", "dsn", "github.com/jackc/pgx/v5", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := strings.Join(violations([]goPackage{{path(c.from), []string{path(c.to)}}}), "\n")
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// path turns a path inside the module into an import path.
func path(p string) string {
	switch {
	case p == ".":
		return module
	case strings.HasPrefix(p, "testing"), strings.Contains(strings.Split(p, "/")[0], "."):
		return p
	}
	return module + "/" + p
}

// Programs use testenv: quickstart must not grow a -test.v flag.
func TestTestenvIsForProgramsToo(t *testing.T) {
	deps := run(t, ".", "list", "-deps", module+"/internal/testenv")
	for path := range strings.Lines(string(deps)) {
		if strings.TrimSpace(path) == "testing" {
			t.Error("internal/testenv depends on testing")
		}
	}
}
