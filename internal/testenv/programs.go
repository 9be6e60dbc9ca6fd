package testenv

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
)

// programGlobs are the directories where packages put PostgreSQL's programs.
var programGlobs = []string{
	"/usr/lib/postgresql/*/bin", // Debian, Ubuntu
	"/usr/pgsql-*/bin",          // Red Hat, SUSE
	"/usr/libexec/postgresql*",  // Alpine
	"/usr/local/pgsql/bin",      // from source
	"/opt/homebrew/opt/postgresql@*/bin",
	"/usr/local/opt/postgresql@*/bin",
	"/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
	"/Applications/Postgres.app/Contents/Versions/*/bin",
}

// findPrograms returns the directory of PostgreSQL's programs.
func findPrograms(ctx context.Context, o Options) (string, error) {
	version := cmp.Or(o.Version, os.Getenv("PGCACHE_TEST_PG_VERSION"))
	for _, dir := range installed() {
		if version == "" || version == majorVersion(ctx, dir) {
			return dir, nil
		}
	}
	dir, err := npmPrograms(ctx, version, o)
	if err == nil {
		return dir, nil
	}
	wanted := "PostgreSQL"
	if version != "" {
		wanted += " " + version
	}
	return "", fmt.Errorf("pgcache: no %s found: install it (Debian: apt-get install postgresql; macOS: brew install postgresql@17),"+
		" or npm, or set PGCACHE_TEST_DSN to a server for tests (%w)", wanted, err)
}

// installed lists the directories on this machine that can make and run a
// server: PATH's first, then the packages', newest first.
func installed() []string {
	var dirs []string
	if path, err := exec.LookPath("postgres"); err == nil {
		dirs = append(dirs, realDir(path))
	}
	for _, glob := range programGlobs {
		found, _ := filepath.Glob(glob) // the patterns are well-formed
		slices.SortFunc(found, func(a, b string) int { return cmp.Compare(versionIn(b), versionIn(a)) })
		for _, dir := range found {
			dirs = append(dirs, realDir(filepath.Join(dir, "postgres")))
		}
	}
	return slices.DeleteFunc(dirs, func(dir string) bool {
		return !executable(filepath.Join(dir, "postgres")) || !executable(filepath.Join(dir, "initdb"))
	})
}

// realDir is where a program lies once links are followed: the others that
// belong to it are there, and not always linked beside it.
func realDir(path string) string {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	return filepath.Dir(path)
}

var number = regexp.MustCompile(`\d+`)

// versionIn is the last number in a directory's name, which in all our patterns
// is the major version; 0 if there is none.
func versionIn(dir string) int {
	numbers := number.FindAllString(dir, -1)
	if len(numbers) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(numbers[len(numbers)-1]) // digits only
	return n
}

// majorVersion asks the postgres in dir; empty when it won't say.
func majorVersion(ctx context.Context, dir string) string {
	out, err := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return ""
	}
	return number.FindString(string(out))
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// hasLibrary reports whether the installation whose programs are in dir has the
// loadable library.
func hasLibrary(dir, name string) bool {
	for _, pattern := range []string{"../lib", "../lib/postgresql", "../lib/postgresql*", "../lib64"} {
		if found, _ := filepath.Glob(filepath.Join(dir, pattern, name+".*")); len(found) > 0 {
			return true
		}
	}
	return false
}
