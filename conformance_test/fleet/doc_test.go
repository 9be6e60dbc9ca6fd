// Package fleet_test runs several processes of a service that share a cache, on Redis or as peers, does to Redis and to
// processes what can happen to them, and checks every answer.
//
// Each process is this test binary, started once more: see member_test.go. What they count and what they have written is in memory
// that all share with the test: see memory_test.go.
package fleet_test
