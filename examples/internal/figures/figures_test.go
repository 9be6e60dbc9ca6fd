package figures

import (
	"testing"
	"time"
)

func TestTime(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                          "",
		870:                        "0.87 µs",
		2260:                       "2.26 µs",
		54_300:                     "54.3 µs",
		4320 * time.Microsecond:    "4.32 ms",
		469_400 * time.Microsecond: "469 ms",
		24_900 * time.Millisecond:  "24.9 s",
		123 * time.Second:          "123 s",
	} {
		if got := Time(d); got != want {
			t.Errorf("%d: %q, want %q", d, got, want)
		}
	}
}

func TestRatio(t *testing.T) {
	for _, c := range []struct {
		slow, fast time.Duration
		want       string
	}{
		{1, 0, ""},
		{62, 100, "0.62×"},
		{1, 1, "1.00×"},
		{123, 10, "12.3×"},
		{24_900 * time.Millisecond, 4320 * time.Microsecond, "5,760×"},
		{86_349, 1, "86,300×"},
		{999_600, 1, "1,000,000×"},
		{1_234_567, 1, "1,230,000×"},
	} {
		if got := Ratio(c.slow, c.fast); got != c.want {
			t.Errorf("%d/%d: %q, want %q", c.slow, c.fast, got, c.want)
		}
	}
}
