package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
)

// writeRaw writes every round as Go's benchmarks are written, for benchstat:
//
//	benchstat -row /shape -col /way rounds.txt
func writeRaw(path string, cases []*measured) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	fmt.Fprintf(w, "goos: %s\ngoarch: %s\npkg: github.com/gopgcache/pgcache/conformance_test/bench\n", runtime.GOOS, runtime.GOARCH)
	for round := range cases[0].turns {
		for _, m := range cases {
			fmt.Fprintf(w, "BenchmarkQuery/shape=%s/way=%s-%d\t%d\t%d ns/op\t%d allocs/op\n", oneWord(m.shape), oneWord(m.way),
				runtime.GOMAXPROCS(0), m.perTurn, m.turns[round].Nanoseconds(), m.allocs)
		}
	}
	return errors.Join(w.Flush(), f.Close())
}

// oneWord makes a part of a benchmark's name.
func oneWord(text string) string { return strings.NewReplacer(", ", "-", " ", "-").Replace(text) }
