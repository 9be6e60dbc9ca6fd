package main

import (
	"math"
	"runtime/metrics"
	"slices"
)

// collector is what the garbage collector has done.
type collector struct {
	cycles     uint64
	cpu, total float64 // seconds of the processors, as of the end of the last collection
	pauses     histogram
}

func readCollector() collector {
	samples := []metrics.Sample{
		{Name: "/gc/cycles/total:gc-cycles"},
		{Name: "/cpu/classes/gc/total:cpu-seconds"},
		{Name: "/cpu/classes/total:cpu-seconds"},
		{Name: "/sched/pauses/total/gc:seconds"},
	}
	metrics.Read(samples)
	pauses := samples[3].Value.Float64Histogram()
	return collector{
		samples[0].Value.Uint64(), samples[1].Value.Float64(), samples[2].Value.Float64(),
		histogram{slices.Clone(pauses.Counts), pauses.Buckets},
	}
}

// since is what has been done since an earlier reading.
func (c collector) since(earlier collector) collector {
	c.cycles -= earlier.cycles
	c.cpu -= earlier.cpu
	c.total -= earlier.total
	for i, n := range earlier.pauses.counts {
		c.pauses.counts[i] -= n
	}
	return c
}

// share is the collector's share of what the processors could do.
func (c collector) share() float64 { return c.cpu / c.total }

// histogram is how many pauses were as long as each bucket says.
type histogram struct {
	counts []uint64
	bounds []float64 // one more than there are counts
}

// quantile gives the upper bound of the bucket in which a share of the pauses ends: the runtime knows them no better.
func (h histogram) quantile(share float64) float64 {
	var all, sum uint64
	for _, n := range h.counts {
		all += n
	}
	for i, n := range h.counts {
		if sum += n; n > 0 && float64(sum) >= share*float64(all) {
			if math.IsInf(h.bounds[i+1], 1) {
				return h.bounds[i]
			}
			return h.bounds[i+1]
		}
	}
	return math.NaN() // there was none
}
