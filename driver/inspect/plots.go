package inspect

import "math"

// plots draws what the samples tell.
func plots(samples []sample) []plot {
	perSecond := axis{func(v float64) string { return figures(v) + "/s" }, decimal}
	times := axis{millis, decimal}
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
		draw("lookups", "Lookups", samples, perSecond,
			curve{"hits", "hits", rates("hits")}, curve{"coalesced", "coalesced", rates("coalesced")},
			curve{"misses", "misses", rates("misses")}, curve{"bypassed", "bypassed", rates("bypassed")}),
		draw("ratio", "Hit ratio", samples, axis{percent, whole}, curve{"hits of cacheable lookups", "level", ofHits}),
		draw("saved", "Database time saved, per second", samples, times, curve{"saved", "level", rates("time_saved_ms")}),
		draw("fills", "Fills", samples, perSecond,
			curve{"fills", "hits", rates("fills")}, curve{"failed", "misses", rates("fill_errors")},
			curve{"rejected", "bypassed", rates("rejected_fills")}),
		draw("bytes", "Held in the store", samples, axis{size, binary}, curve{"bytes", "level", levels(samples, "bytes")}),
		draw("lag", "Feed lag", samples, times, curve{"behind", "level", levels(samples, "feed_lag_ms")}),
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
