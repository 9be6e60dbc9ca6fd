package memory

import (
	"runtime"
	"runtime/metrics"
	"slices"
	"testing"
	"time"
)

// collectorWork tells how much processor time the collector took, of how much in all, and how long the world stood still for it
// at most, since the start of the program. What it did where there was nothing else to do is not counted: the processor was idle but
// for that.
func collectorWork() (collector, all float64, pauses *metrics.Float64Histogram) {
	samples := []metrics.Sample{
		{Name: "/cpu/classes/gc/total:cpu-seconds"},
		{Name: "/cpu/classes/total:cpu-seconds"},
		{Name: "/cpu/classes/idle:cpu-seconds"},
		{Name: "/cpu/classes/gc/mark/idle:cpu-seconds"},
		{Name: "/sched/pauses/total/gc:seconds"},
	}
	metrics.Read(samples)
	seconds := func(i int) float64 { return samples[i].Value.Float64() }
	return seconds(0) - seconds(3), seconds(1) - seconds(2) - seconds(3), samples[4].Value.Float64Histogram()
}

// longest returns the upper end of the highest bucket that has grown from before to after, in seconds.
func longest(before, after *metrics.Float64Histogram) float64 {
	for i, count := range slices.Backward(after.Counts) {
		if count > before.Counts[i] {
			return after.Buckets[i+1]
		}
	}
	return 0
}

// garbagePerHit is about what a hit allocates that is read through database/sql.
const garbagePerHit = 1 << 10

var garbage []byte

// BenchmarkCollector1GiB reports what the collector costs a program that keeps a store of 1 GiB and does nothing but hits, each
// with its garbage: the share of processor time, the longest pause, and the processor time of one collection. Beside them stands
// what it costs without a store, where collections are cheap but many.
func BenchmarkCollector1GiB(b *testing.B) {
	for _, store := range []struct {
		name    string
		entries int
	}{{"empty", 1000}, {"full", (1 << 30) / 220}} {
		b.Run(store.name, func(b *testing.B) {
			s, _ := newMaker(b, true).fill(b, 2<<30, store.entries)
			runtime.GC()
			var stats [2]runtime.MemStats
			runtime.ReadMemStats(&stats[0])
			collector0, all0, pauses0 := collectorWork()
			start, hits := time.Now(), 0
			for b.Loop() {
				key := keyOf(hits % store.entries)
				if get(b, s, key) == nil {
					b.Fatal("missed")
				}
				garbage = make([]byte, garbagePerHit)
				hits++
			}
			took := time.Since(start)
			runtime.GC() // the times are told up to the end of the last collection
			runtime.ReadMemStats(&stats[1])
			collector, all, pauses := collectorWork()
			collections := float64(stats[1].NumGC - stats[0].NumGC)
			b.ReportMetric(float64(s.Stats().Bytes)/(1<<20), "MiB-store")
			b.ReportMetric(100*(collector-collector0)/(all-all0), "%-gc-cpu")
			b.ReportMetric(1e6*longest(pauses0, pauses), "µs-longest-pause")
			b.ReportMetric(1e3*(collector-collector0)/collections, "ms-cpu/collection")
			b.ReportMetric(collections/took.Seconds(), "collections/s")

			runtime.KeepAlive(s)
		})
	}
}
