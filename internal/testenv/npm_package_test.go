package testenv

import (
	"os"
	"path/filepath"
	"testing"
)

// unpacked makes the directory of an npm package that lists the links, and
// returns its "native" part.
func unpacked(t *testing.T, links string) string {
	t.Helper()
	native := filepath.Join(t.TempDir(), "native")
	if err := os.MkdirAll(filepath.Join(native, "lib"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"pg-symlinks.json": links, "lib/libpq.so.5.17": "library"} {
		if err := os.WriteFile(filepath.Join(native, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return native
}

func TestRestoreLinks(t *testing.T) {
	native := unpacked(t, `[{"source": "native/lib/libpq.so.5.17", "target": "native/lib/libpq.so.5"}]`)
	for range 2 { // links that are there already do no harm
		if err := restoreLinks(native); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := os.ReadFile(filepath.Join(native, "lib", "libpq.so.5")); string(text) != "library" {
		t.Errorf("the link leads to %q, %v", text, err)
	}
}

func TestRestoreLinksStaysInThePackage(t *testing.T) {
	native := unpacked(t, `[{"source": "native/lib/libpq.so.5.17", "target": "../outside"}]`)
	if err := restoreLinks(native); err == nil {
		t.Error("a link outside of the package was made")
	}
	if _, err := os.Lstat(filepath.Join(filepath.Dir(filepath.Dir(native)), "outside")); err == nil {
		t.Error("it is there")
	}
}

func TestRestoreLinksWithoutAList(t *testing.T) {
	if err := restoreLinks(t.TempDir()); err != nil {
		t.Error(err)
	}
}
