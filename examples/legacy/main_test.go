package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// rule is what an operator adds to the connection string.
const rule = "&pgcache_rule=shop: table=legacy_shop.* ttl=1m"

// The same program, with another environment: it prints the same, and PostgreSQL was spared most of the questions.
func TestEnvironmentAlone(t *testing.T) {
	binary := build(t)
	dsn := pgtest.Database(t)
	plain, _ := start(t, binary, "DATABASE_URL="+dsn)
	cached, stats := start(t, binary, "DB_DRIVER=pgcache", "DATABASE_URL="+dsn+rule)
	if plain != cached {
		t.Errorf("by pgx:\n%s\nby pgcache:\n%s", plain, cached)
	}
	if !strings.Contains(plain, "Product 42 costs 42.99, 94 left") {
		t.Errorf("three visitors bought 2 of 100 each:\n%s", plain)
	}
	// There are 11 questions a day. All 3 are new on the first, the front page is on the others, since somebody bought; and
	// whoever buys asks 2 about what is new.
	for _, want := range []string{"name hits, value 22\n", "name misses, value 11\n"} {
		if !strings.Contains(stats, want) {
			t.Errorf("no %q in\n%s", want, stats)
		}
	}
}

func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "legacy")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

// start runs the program, and has the driver show its statistics where it has any.
func start(t *testing.T, binary string, environment ...string) (out, log string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary)
	if strings.HasPrefix(environment[0], "DB_DRIVER=pgcache") {
		cmd.Args = append(cmd.Args, "-last", "SHOW pgcache.stats")
	}
	cmd.Env = append(os.Environ(), environment...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	return stdout.String(), stderr.String()
}
