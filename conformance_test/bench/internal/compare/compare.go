// Package compare says how times differ, and how sure that is: by the statistics of benchstat, which assume nothing of how times
// are distributed.
package compare

import (
	"time"

	"golang.org/x/perf/benchmath"
)

// confidence is that of all intervals.
const confidence = 0.95

// Interval is a median, and between which values that of all times there could be is, with a confidence of 95 %. The ends are
// infinite where there are too few values to say so.
type Interval = benchmath.Summary

// Median gives the median of values.
func Median(values []float64) Interval {
	return benchmath.AssumeNothing.Summary(sample(values), confidence)
}

// Times gives the median of times, in seconds.
func Times(times []time.Duration) Interval { return Median(seconds(times)) }

// Ratios gives the median of the ratios of the times of each round.
func Ratios(of, to []time.Duration) Interval {
	ratios := make([]float64, len(of))
	for i := range of {
		ratios[i] = float64(of[i]) / float64(to[i])
	}
	return Median(ratios)
}

// P is how likely times are to differ as much as these two do when there is no difference, by Mann and Whitney's test.
func P(a, b []time.Duration) float64 {
	return benchmath.AssumeNothing.Compare(sample(seconds(a)), sample(seconds(b))).P
}

// sample takes the values over, and sorts them.
func sample(values []float64) *benchmath.Sample {
	return benchmath.NewSample(values, &benchmath.DefaultThresholds)
}

func seconds(times []time.Duration) []float64 {
	values := make([]float64, len(times))
	for i, t := range times {
		values[i] = t.Seconds()
	}
	return values
}
