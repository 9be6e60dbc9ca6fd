//go:build soak

package linear_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/gopgcache/pgcache/internal/testenv"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

// ruleFile is where the rules stand by which fills are kept and shared.
const ruleFile = "../../internal/freshness/admit.go"

// wrongRules are in place of them what one would think of first.
var wrongRules = []struct{ name, right, wrong string }{
	// A result is kept unless something is known to have changed after the position that it was read at.
	{"kept by position", "!f.snapshot.Sees(p.XID) && p.touches(reads.of(p.Position))", "p.Position > f.position && p.touches(reads.of(p.Position))"},
	// A result is shared unless something was delivered since its fill set out.
	{"shared by the feed alone", "return f.tracker.heldBy(f, reads), f.read", "return all, f.read"},
}

// withRule builds the readers' program with another rule.
func withRule(t *testing.T, right, wrong string) (program string) {
	t.Helper()
	source, err := os.ReadFile(ruleFile)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Count(source, []byte(right)) != 1 {
		t.Fatalf("%s does not have the rule %q: this test has to follow it", ruleFile, right)
	}
	dir := t.TempDir()
	path, err := filepath.Abs(ruleFile)
	if err != nil {
		t.Fatal(err)
	}
	other, overlay, program := filepath.Join(dir, "admit.go"), filepath.Join(dir, "overlay.json"), filepath.Join(dir, "readers")
	replaced := bytes.Replace(source, []byte(right), []byte(wrong), 1)
	files, err := json.Marshal(map[string]map[string]string{"Replace": {path: other}})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{other: replaced, overlay: files} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if said, err := exec.Command("go", "test", "-c", "-overlay", overlay, "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	return program
}

// With a wrong rule in place of one of ours the same test finds stale reads: it can fail.
func TestSoakWrongRulesAreFoundOut(t *testing.T) {
	for _, rule := range wrongRules {
		t.Run(rule.name, func(t *testing.T) {
			program := withRule(t, rule.right, rule.wrong)
			server := pgtest.OwnWith(t, testenv.Options{})
			dsn := server.DSN("")
			prepare(t, dsn)
			waitForLateStandby(t, server)
			s := stress{dsn: dsn, program: program, perSecond: 50, long: 10 * time.Second}
			h, reads, _ := s.run(t)
			found := h.check(reads)
			if len(found) == 0 {
				t.Fatal("no violation was found")
			}
			t.Logf("%d of %d observations are not linearizable, such as: %v", len(found), len(reads), found[0])
		})
	}
}

// TestSoakLinearizability is TestLinearizability with a million reads, and again as long as PGCACHE_SOAK says.
func TestSoakLinearizability(t *testing.T) {
	long, _ := time.ParseDuration(os.Getenv("PGCACHE_SOAK"))
	for until := time.Now().Add(long); ; {
		dsn := pgtest.Database(t)
		prepare(t, dsn)
		s := stress{dsn: dsn, program: os.Args[0], perSecond: 60, reads: 350_000}
		h, reads, total := s.run(t)
		tell(t, h.check(reads), len(reads))
		crossCheck(t, h, reads, 5000)
		if total.hitRatio() < 0.8 {
			t.Errorf("only %.1f %% hits", 100*total.hitRatio())
		}
		if t.Failed() || time.Now().After(until) {
			return
		}
	}
}

// The snapshot rule on the same server, with the same load.
func TestSoakLateStandby(t *testing.T) {
	server := pgtest.OwnWith(t, testenv.Options{})
	dsn := server.DSN("")
	prepare(t, dsn)
	waitForLateStandby(t, server)
	s := stress{dsn: dsn, program: os.Args[0], perSecond: 50, long: 10 * time.Second}
	h, reads, _ := s.run(t)
	tell(t, h.check(reads), len(reads))
}

// When somebody else makes the publication again the feed comes back by itself too, only later.
func TestSoakPublicationMadeByOthers(t *testing.T) {
	f := fault{feed: "wal", late: promptly, happen: func(s *scene) {
		s.anew(func() {
			execute(s.T, s.control, "drop publication pgcache")
			s.turns(20)
			execute(s.T, s.control, "create publication pgcache for table cell, part, board, still")
		})
	}}
	f.play(t, pgtest.OwnWith(t, testenv.Options{}))
}

// TestSoakOwnWrites is TestOwnWrites at length.
func TestSoakOwnWrites(t *testing.T) { readOwnWrites(t, 200_000) }

// TestSoakDelay is TestDelay with enough commits for a p99 that means something.
func TestSoakDelay(t *testing.T) { delayTable(t, 3000) }

// TestSoakRowPrecision is TestRowPrecision at length.
func TestSoakRowPrecision(t *testing.T) {
	playPrecision(t, "tracked", 100, 0.95)
	playPrecision(t, "strict", 100, 0.95)
}

// TestSoakFleets is TestFleetLinearizability and TestFleetReadsEachOthersWrites at length.
func TestSoakFleets(t *testing.T) {
	for _, fleet := range fleets {
		t.Run(fleet.name, func(t *testing.T) {
			s := stress{dsn: pgtest.Database(t), program: os.Args[0], perSecond: 50, reads: 100_000, fleet: fleet.params(t), feed: fleet.feed}
			prepare(t, s.dsn)
			playFleet(t, &s)
		})
	}
	t.Run("each other's writes", func(t *testing.T) { readEachOthersWrites(t, 50_000) })
}
