package inspect

import "math"

// plots draws what the samples tell.
func plots(samples []sample) []plot {
	perSecond := func(v float64) string { return figures(v) + "/s" }
	rates := func(counter string) []float64 {
		return between(samples, func(s, before sample) float64 { return s.rate(before, counter) })
	}
	ofHits := between(samples, func(s, before sample) float64 {
		if share, known := s.ratio(before); known {
			return share
		}
		return math.NaN()
	})
	return []plot{
		draw("lookups", "Lookups", samples, 0, perSecond,
			curve{"hits", "hits", rates("hits")}, curve{"coalesced", "coalesced", rates("coalesced")},
			curve{"misses", "misses", rates("misses")}, curve{"bypassed", "bypassed", rates("bypassed")}),
		draw("ratio", "Hit ratio", samples, 1, percent, curve{"hits of cacheable lookups", "hits", ofHits}),
		draw("saved", "Database time saved, per second", samples, 0, millis, curve{"saved", "hits", rates("time_saved_ms")}),
		draw("fills", "Fills", samples, 0, perSecond,
			curve{"fills", "coalesced", rates("fills")}, curve{"failed", "misses", rates("fill_errors")},
			curve{"rejected", "bypassed", rates("rejected_fills")}),
		draw("bytes", "Held in the store", samples, 0, size, curve{"bytes", "coalesced", levels(samples, "bytes")}),
		draw("lag", "Feed lag", samples, 0, millis, curve{"behind", "misses", levels(samples, "feed_lag_ms")}),
	}
}

// between gives a value for each sample and the one before it. Of the first nothing is known.
func between(samples []sample, value func(s, before sample) float64) []float64 {
	values := make([]float64, len(samples))
	for i := range samples {
		if i == 0 {
			values[i] = math.NaN()
		} else {
			values[i] = value(samples[i], samples[i-1])
		}
	}
	return values
}

// levels gives what a counter stood at.
func levels(samples []sample, counter string) []float64 {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = s.values[counter]
	}
	return values
}
