//go:build soak

package fanout_test

import "testing"

// TestSoakSnapshot runs the long variant of the bank's test: make soak sets PGCACHE_SOAK.
func TestSoakSnapshot(t *testing.T) { TestBranchesAddUpInOneSnapshot(t) }
