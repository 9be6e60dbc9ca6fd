// Package duration is how times are written in connection strings, rules, hints and advice: as in Go, with d for 24 hours in front.
package duration

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// Day is a day of 24 hours.
const Day = 24 * time.Hour

// Longest is more than anything here can sensibly take.
const Longest = 3650 * Day

// Why a text is no duration.
var (
	ErrForm     = errors.New("must be a duration, such as 500ms, 10s, 5m, 1h30m or 1d")
	ErrNegative = errors.New("must not be negative")
	ErrTooLong  = errors.New("is longer than " + Format(Longest))
)

// Parse reads a duration. The error is one of those above.
func Parse(text string) (time.Duration, error) {
	days, rest, err := parseDays(text)
	if err != nil || rest == "" && text != "" {
		return days, err
	}
	d, err := time.ParseDuration(rest)
	switch {
	case err != nil:
		return 0, ErrForm
	case d < 0:
		return 0, ErrNegative
	case d > Longest-days:
		return 0, ErrTooLong
	default:
		return days + d, nil
	}
}

// parseDays reads the days in front, if there are any.
func parseDays(text string) (days time.Duration, rest string, err error) {
	number, rest, found := strings.Cut(text, "d")
	if !found {
		return 0, text, nil
	}
	n, err := strconv.ParseFloat(number, 64)
	switch {
	case err != nil || strings.Trim(number, "0123456789.") != "":
		return 0, "", ErrForm
	case n*float64(Day) > float64(Longest):
		return 0, "", ErrTooLong
	default:
		return time.Duration(n * float64(Day)), rest, nil
	}
}

// Format writes whole days as days, and leaves out Go's zero minutes and seconds.
func Format(d time.Duration) string {
	if d > 0 && d%Day == 0 {
		return strconv.FormatInt(int64(d/Day), 10) + "d"
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
