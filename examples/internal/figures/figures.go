// Package figures writes numbers for people: three digits that mean something, and the unit.
package figures

import (
	"strconv"
	"time"
)

// Time gives a time with its unit; nothing for 0.
func Time(d time.Duration) string {
	switch {
	case d == 0:
		return ""
	case d >= time.Second:
		return digits(d.Seconds()) + " s"
	case d >= time.Millisecond:
		return digits(d.Seconds()*1e3) + " ms"
	default:
		return digits(d.Seconds()*1e6) + " µs"
	}
}

// Ratio says how many times faster something is; nothing if it is not known how fast.
func Ratio(slow, fast time.Duration) string {
	if fast == 0 {
		return ""
	}
	return digits(float64(slow)/float64(fast)) + "×"
}

// digits gives a number with three digits that mean something.
func digits(v float64) string {
	switch {
	case v < 10:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case v < 100:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	n, unit := int(v+0.5), 1
	for n/unit >= 1000 {
		unit *= 10
	}
	return Grouped((n + unit/2) / unit * unit)
}

// Grouped writes 3000000 as 3,000,000.
func Grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
