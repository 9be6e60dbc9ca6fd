package dsn

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// unit is a unit of size in bytes.
type unit struct {
	name  string
	bytes int64
}

// sizeUnits are ordered from the largest.
var sizeUnits = []unit{
	{"TiB", 1 << 40},
	{"TB", 1e12},
	{"GiB", 1 << 30},
	{"GB", 1e9},
	{"MiB", 1 << 20},
	{"MB", 1e6},
	{"KiB", 1 << 10},
	{"kB", 1e3},
	{"B", 1},
}

// parseSize reads a size in bytes. The unit's letter case does not matter.
func parseSize(text string) (int64, error) {
	digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
	number, suffix := text[:digits], text[digits:]
	if digits == 0 {
		return 0, reasonf("must be a size, a whole number followed by a unit, such as 64MiB")
	}
	factor, ok := factorOf(suffix)
	if !ok {
		return 0, reasonf("must be a size, a whole number followed by B, kB, MB, GB, TB, KiB, MiB, GiB or TiB").
			meaning(meantSize(number, suffix))
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n > math.MaxInt64/factor {
		return 0, reasonf("is larger than any memory")
	}
	return n * factor, nil
}

func factorOf(suffix string) (int64, bool) {
	if suffix == "" {
		return 1, true
	}
	for _, u := range sizeUnits {
		if strings.EqualFold(suffix, u.name) {
			return u.bytes, true
		}
	}
	return 0, false
}

// meantSize guesses the unit: M, Mi, Mib and " MiB" all mean MiB.
func meantSize(number, suffix string) string {
	suffix = strings.ToLower(strings.TrimSpace(suffix))
	for _, u := range sizeUnits {
		if suffix != "" && strings.HasPrefix(strings.ToLower(u.name), suffix) {
			return number + u.name
		}
	}
	return ""
}

// formatSize writes a size with the largest unit that divides it.
func formatSize(n int64) string {
	for _, u := range sizeUnits {
		if n > 0 && u.bytes > 1 && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10)
}

const day = 24 * time.Hour

// longestDuration is more than anything here can sensibly take.
const longestDuration = 3650 * day

// parseDuration reads Go's durations, and d for 24 hours in front of them.
func parseDuration(text string) (time.Duration, error) {
	var days time.Duration
	rest := text
	if number, after, found := strings.Cut(text, "d"); found {
		n, err := strconv.ParseFloat(number, 64)
		if err != nil || strings.Trim(number, "0123456789.") != "" {
			return 0, notDuration()
		}
		if n*float64(day) > float64(longestDuration) {
			return 0, reasonf("is longer than %s", formatDuration(longestDuration))
		}
		days, rest = time.Duration(n*float64(day)), after
	}
	if rest == "" && text != "" {
		return days, nil
	}
	d, err := time.ParseDuration(rest)
	if err != nil {
		return 0, notDuration().meaning(withUnit(text, "s"))
	}
	if d < 0 {
		return 0, reasonf("must not be negative")
	}
	if d > longestDuration-days {
		return 0, reasonf("is longer than %s", formatDuration(longestDuration))
	}
	return days + d, nil
}

func notDuration() *Error {
	return reasonf("must be a duration, such as 500ms, 10s, 5m, 1h30m or 1d")
}

// withUnit guesses the unit of a number above zero that has none.
func withUnit(text, unit string) string {
	if !isDigits(text) || len(text) > 6 || strings.Trim(text, "0") == "" {
		return ""
	}
	return text + unit
}

// formatDuration writes whole days as days, and leaves out Go's zero minutes
// and seconds.
func formatDuration(d time.Duration) string {
	if d > 0 && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
