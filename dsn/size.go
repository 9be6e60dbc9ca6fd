package dsn

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/gopgcache/pgcache/internal/duration"
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

// parseDuration reads a duration, and guesses what one without a unit means.
func parseDuration(text string) (time.Duration, error) {
	d, err := duration.Parse(text)
	switch {
	case errors.Is(err, duration.ErrForm):
		return 0, notDuration().meaning(withUnit(text, "s"))
	case err != nil:
		return 0, reasonf("%s", err.Error())
	default:
		return d, nil
	}
}

func notDuration() *Error { return reasonf("%s", duration.ErrForm.Error()) }

// withUnit guesses the unit of a number above zero that has none.
func withUnit(text, unit string) string {
	if !isDigits(text) || len(text) > 6 || strings.Trim(text, "0") == "" {
		return ""
	}
	return text + unit
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
