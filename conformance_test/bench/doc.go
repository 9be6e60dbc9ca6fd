// Command bench measures what the cache costs and saves, as ratios within one run.
//
// Machines are shared and noisy, so no time stands alone: the cases take turns in short rounds, and each is compared with
// what it is to be held against in the same round. The table gives each case's fastest round and the median over the rounds
// of the ratio to its reference.
//
//	go run . -rounds 30
package main
