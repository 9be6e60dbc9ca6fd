package testenv

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// install makes a file that looks like a program which prints its version.
func install(t *testing.T, dir, name, version string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\necho '" + name + " (PostgreSQL) " + version + "'\n"
	if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
}

// machine pretends that only the given versions are installed, in directories
// named after them, and that PATH holds nothing. It returns their parent.
func machine(t *testing.T, versions ...string) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range versions {
		dir := filepath.Join(root, version, "bin")
		install(t, dir, "postgres", version+".1")
		install(t, dir, "initdb", version+".1")
	}
	globs := programGlobs
	programGlobs = []string{filepath.Join(root, "*", "bin")}
	t.Cleanup(func() { programGlobs = globs })
	t.Setenv("PATH", filepath.Join(root, "path"))
	t.Setenv("PGCACHE_TEST_PG_VERSION", "")
	t.Setenv("PGCACHE_TEST_CACHE", filepath.Join(root, "cache"))
	return root
}

func TestFindPrograms(t *testing.T) {
	for _, c := range []struct {
		name      string
		installed []string
		inPath    string
		option    string
		variable  string
		want      string
	}{
		{name: "newest, by number", installed: []string{"9", "14", "17"}, want: "17"},
		{name: "PATH before newest", installed: []string{"14", "17"}, inPath: "14", want: "14"},
		{name: "version asked by option", installed: []string{"14", "15", "17"}, inPath: "17", option: "15", want: "15"},
		{name: "version asked by variable", installed: []string{"14", "15", "17"}, variable: "14", want: "14"},
		{name: "option before variable", installed: []string{"14", "15"}, option: "15", variable: "14", want: "15"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := machine(t, c.installed...)
			t.Setenv("PGCACHE_TEST_PG_VERSION", c.variable)
			if c.inPath != "" {
				link(t, filepath.Join(root, c.inPath, "bin", "postgres"), filepath.Join(root, "path", "postgres"))
			}
			got, err := findPrograms(t.Context(), Options{Version: c.option})
			if err != nil {
				t.Fatal(err)
			}
			if want := filepath.Join(root, c.want, "bin"); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func link(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(from, to); err != nil {
		t.Fatal(err)
	}
}

func TestFindProgramsWantsBoth(t *testing.T) {
	root := machine(t)
	install(t, filepath.Join(root, "16", "bin"), "postgres", "16.1") // no initdb
	if dirs := installed(); len(dirs) > 0 {
		t.Errorf("half an installation was taken: %v", dirs)
	}
}

func TestNothingFoundSaysWhatToInstall(t *testing.T) {
	machine(t, "14")
	for version, words := range map[string][]string{
		"17": {"no PostgreSQL 17 found", "apt-get install", "brew install", "npm", "PGCACHE_TEST_DSN"},
		"7":  {"no PostgreSQL 7 found", "npm has no PostgreSQL"},
	} {
		_, err := findPrograms(t.Context(), Options{Version: version})
		if err == nil {
			t.Fatalf("found PostgreSQL %s", version)
		}
		for _, word := range words {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%q isn't in %q", word, err)
			}
		}
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("more than one line: %q", err)
		}
	}
}

func TestProgram(t *testing.T) {
	root := machine(t, "17")
	s := &Server{programs: filepath.Join(root, "17", "bin")}
	if path, err := s.Program("initdb"); err != nil || !executable(path) {
		t.Errorf("initdb: %s, %v", path, err)
	}
	if _, err := s.Program("pgbench"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("pgbench: %v", err)
	}
	if _, err := new(Server).Program("initdb"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("program of a given server: %v", err)
	}
}

func TestHasLibrary(t *testing.T) {
	root := t.TempDir()
	bin := filepath.Join(root, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	if hasLibrary(bin, "pg_stat_statements") {
		t.Error("found where there is none")
	}
	install(t, filepath.Join(root, "lib", "postgresql"), "pg_stat_statements.so", "")
	if !hasLibrary(bin, "pg_stat_statements") {
		t.Error("not found")
	}
}
