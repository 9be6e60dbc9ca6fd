// Command bench measures what the cache costs and saves, as ratios within one run.
//
// Machines are shared and noisy, so no time stands alone: the cases take turns in short rounds, and each is compared with
// what it is to be held against in the same round. The table gives each case's fastest round and the median over the rounds
// of the ratio to its reference.
//
// The process holds as much memory as a full store does by default, so that the garbage collector runs as often as it would
// in a service that has been up for a while, and not as in an empty program.
//
//	go run . -rounds 30
package main
