// Command strict measures what hits at the level strict cost: one at a time beside SELECT 1, which is what a round trip costs,
// and many at once beside plain reads by primary key. Each pair takes turns, on an idle server and beside pgbench.
//
//	go run ./strict -rounds 20
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"time"

	"github.com/gopgcache/pgcache/internal/testenv"
)

// writersAtOnce is how many clients pgbench has.
const writersAtOnce = "2"

func main() {
	rounds := flag.Int("rounds", 20, "how many times each takes its turn")
	turn := flag.Duration("turn", 200*time.Millisecond, "how long a turn lasts")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *rounds, *turn); err != nil {
		fmt.Fprintln(os.Stderr, "strict:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has been called
	}
}

func run(ctx context.Context, rounds int, turn time.Duration) error {
	server, err := testenv.Start(ctx, testenv.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = server.Close() }()
	program, err := server.Program("pgbench")
	if err != nil {
		return err
	}
	s, err := open(ctx, server.DSN(""))
	if err != nil {
		return err
	}
	defer s.close()
	if said, err := exec.CommandContext(ctx, program, "-i", "-q", "-s", "10", server.DSN("")).CombinedOutput(); err != nil {
		return fmt.Errorf("pgbench: %w: %s", err, said)
	}
	fmt.Printf("%s/%s, %d processors; %d rounds of %v.\n\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), rounds, turn)
	fmt.Println("| server | at once | SELECT 1, p50 | by key, p50 | strict hit, p50 | to SELECT 1 " +
		"| by key/s | strict hits/s | to by key | hits | reads a barrier |")
	fmt.Println("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
	if err := s.table(ctx, "idle", rounds, turn); err != nil {
		return err
	}
	writers := exec.CommandContext(ctx, program, "-n", "-c", writersAtOnce, "-T", "3600", server.DSN(""))
	if err := writers.Start(); err != nil {
		return err
	}
	defer func() { _ = writers.Process.Kill(); _ = writers.Wait() }()
	return s.table(ctx, "pgbench, "+writersAtOnce+" clients", rounds, turn)
}

func (s *subject) table(ctx context.Context, name string, rounds int, turn time.Duration) error {
	for _, workers := range []int{1, 32, 64} {
		row, err := s.measure(ctx, workers, rounds, turn)
		if err != nil {
			return err
		}
		fmt.Printf("| %s | %d | %s |\n", name, workers, row)
	}
	return nil
}
