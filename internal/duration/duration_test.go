package duration

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "1ns": 1, "50ms": 50 * time.Millisecond, "1m": time.Minute, "1d": Day, "0.5d": 12 * time.Hour,
		"2d3h4m5s": 2*Day + 3*time.Hour + 4*time.Minute + 5*time.Second, "3650d": Longest,
	} {
		if d, err := Parse(text); err != nil || d != want {
			t.Errorf("%s: got %v, %v", text, d, err)
		}
	}
	for text, want := range map[string]error{
		"": ErrForm, "d": ErrForm, ".d": ErrForm, "-1d": ErrForm, "1d1d": ErrForm, "1e2d": ErrForm, "infd": ErrForm, "10": ErrForm, "1 s": ErrForm,
		"1w": ErrForm, "-1s": ErrNegative, "1d-1h": ErrNegative, "3651d": ErrTooLong, "3650d1ns": ErrTooLong, "87601h": ErrTooLong,
	} {
		if d, err := Parse(text); !errors.Is(err, want) {
			t.Errorf("%q: taken as %v, %v", text, d, err)
		}
	}
}

func TestFormat(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0s": 0, "10s": 10 * time.Second, "1m": time.Minute, "1h": time.Hour, "1h30m": 90 * time.Minute, "1h0m5s": time.Hour + 5*time.Second,
		"2d": 2 * Day, "25h": 25 * time.Hour,
	} {
		if got := Format(d); got != want {
			t.Errorf("%s, not %s", got, want)
		}
	}
}

// What is written is read as what it was.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		unit := rapid.SampledFrom([]time.Duration{1, time.Second, time.Minute, time.Hour, Day}).Draw(t, "unit")
		d := time.Duration(rapid.Int64Range(0, int64(Longest)).Draw(t, "duration")).Round(unit)
		if again, err := Parse(Format(d)); err != nil || again != d {
			t.Errorf("%v comes back from %s as %v, %v", d, Format(d), again, err)
		}
	})
}
