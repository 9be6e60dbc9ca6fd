// Package layers holds the tests that keep imports pointing down: see rank.
package layers

import (
	"fmt"
	"slices"
	"strings"
)

const module = "github.com/gopgcache/pgcache"

// layers are the packages of the house from the ground up, as paths inside the
// module. A package may import those in lines below its own, never one beside
// or above it. A path stands for what lies under it too, unless that has an
// entry of its own.
var layers = [][]string{
	{"internal/duration"},
	{"dsn", "internal/advice", "internal/rowset", "internal/statement", "fanout", "internal/testenv"},
	{"internal/testenv/pgtest", "internal/catalog"},
	{"internal/freshness"},
	{"internal/changefeed"},
	{"internal/changefeed/server"},
	{"internal/changefeed/wal", "internal/changefeed/touch", "internal/changefeed/setup"},
	{"internal/changefeed/relay"},
	{"cachestore"},
	{"cachestore/storetest"},
	{"cachestore/memory"},
	{"cachestore/redis"},
	{"cachestore/peer"},
	{"driver/internal/ahead", "driver/internal/argument", "driver/internal/command", "driver/internal/recommend", "driver/internal/rowtag"},
	{"driver"},
	{"driver/inspect", "driver/pgcacheotel", "driver/pgcacheprom"},
	{"conformance_test", "examples"},
}

// forTests are the packages that exist for tests and examples: they may use
// test libraries, and others may import them in test files only.
var forTests = []string{"internal/testenv", "cachestore/storetest", "conformance_test", "examples"}

// testLibraries are import paths, or their beginnings, that no program should
// carry because it uses pgcache.
var testLibraries = []string{
	"testing",
	"go.uber.org/goleak",
	"pgregory.net/rapid",
	"github.com/stretchr/testify",
	"github.com/google/go-cmp",
	"github.com/cockroachdb/datadriven",
	"github.com/anishathalye/porcupine",
	"github.com/alicebob/miniredis",
	"github.com/Shopify/toxiproxy",
	"github.com/fergusstrange/embedded-postgres",
	"github.com/pganalyze/pg_query_go",
}

// goPackage is what go list says about one package.
type goPackage struct {
	ImportPath string
	Imports    []string // of the package without its tests
}

// violations explains every import that points the wrong way.
func violations(packages []goPackage) (found []string) {
	for _, p := range packages {
		from, ours := inside(p.ImportPath)
		if !ours {
			continue
		}
		if rank(from) < 0 {
			found = append(found, from+": in no layer: give it its place in layers")
			continue
		}
		for _, path := range p.Imports {
			if reason := forbidden(from, path); reason != "" {
				found = append(found, fmt.Sprintf("%s imports %s: %s", from, path, reason))
			}
		}
	}
	return found
}

// forbidden says why the package from may not import path; empty if it may.
func forbidden(from, path string) string {
	to, ours := inside(path)
	switch {
	case !ours && under(path, testLibraries) && !under(from, forTests):
		return "that is for tests"
	case !ours:
		return ""
	case under(to, forTests) && !under(from, forTests):
		return "that is for tests"
	case layer(from) == layer(to):
		return "" // parts of one entry are its own affair
	case rank(to) < 0:
		return "that is in no layer"
	case rank(to) >= rank(from):
		return "imports point down"
	}
	return ""
}

// inside is the path inside our module; the root is ".".
func inside(importPath string) (path string, ours bool) {
	if importPath == module {
		return ".", true
	}
	return strings.CutPrefix(importPath, module+"/")
}

// layer is the entry that the path belongs to: the longest that it lies under.
func layer(path string) (entry string) {
	for _, e := range slices.Concat(layers...) {
		if under(path, []string{e}) && len(e) > len(entry) {
			entry = e
		}
	}
	return entry
}

// rank is the height of the path's layer, or -1 if it has none.
func rank(path string) int {
	return slices.IndexFunc(layers, func(level []string) bool { return slices.Contains(level, layer(path)) })
}

// under reports whether the path is one of the roots, or below one.
func under(path string, roots []string) bool {
	return slices.ContainsFunc(roots, func(root string) bool {
		return path == root || strings.HasPrefix(path, root+"/")
	})
}
