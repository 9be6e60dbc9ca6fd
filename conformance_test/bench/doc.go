// Command bench measures what the cache costs and saves, as ratios within one run.
//
// Machines are shared and noisy, so no time stands alone: the cases take turns in short rounds, and each is compared with
// what it is to be held against in the same round. The table gives each case's fastest round, its median round, and the median
// over the rounds of the ratio to its reference, with the interval that benchstat's statistics give.
//
// What is called a hit has to be one, and what is called a miss, too: after each turn the driver's own counts say where the
// answers came from, and anything else ends the run.
//
// The process holds as much memory as a full store does by default, so that the garbage collector runs as often as it would
// in a service that has been up for a while, and not as in an empty program.
//
//	go run . -rounds 30 -chart ../../docs/benchmarks.svg
//	go run . -only '^(pgx|off) ' -raw rounds.txt && benchstat -row /shape -col /way rounds.txt
//
// The programs in the directories beside it measure what takes more than one query at a time: a load with writes (load), what a
// fleet shares (tiers), strict hits (strict), the writers (writers), and memory (memory).
package main
