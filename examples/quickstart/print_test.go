package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                          "",
		870:                        "0.87 µs",
		2260:                       "2.26 µs",
		54_300:                     "54.3 µs",
		talkCached:                 "4.32 ms",
		469_400 * time.Microsecond: "469 ms",
		talkUncached:               "24.9 s",
		123 * time.Second:          "123 s",
	} {
		if got := short(d); got != want {
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
		{talkUncached, talkCached, "5,760×"},
		{86_349, 1, "86,300×"},
		{999_600, 1, "1,000,000×"},
		{1_234_567, 1, "1,230,000×"},
	} {
		if got := ratio(c.slow, c.fast); got != c.want {
			t.Errorf("%d/%d: %q, want %q", c.slow, c.fast, got, c.want)
		}
	}
}

// On a terminal one line is drawn over and over; elsewhere a few lines are written.
func TestBar(t *testing.T) {
	for _, c := range []struct {
		terminal bool
		want     string
	}{
		{true, "\r  load ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░   0 %\r  load ███████████████░░░░░░░░░░░░░░░  50 %\r  load ██████████████████████████████ 100 %\n  next\n"},
		{false, "  load: 50 %\n  load: 100 %\n  next\n"},
	} {
		var out bytes.Buffer
		b := newBar(&out, "load")
		b.terminal = c.terminal
		for _, done := range []int{0, 1, 500, 501, 1000} {
			b.show(done, 1000)
		}
		b.step("next")
		b.end()
		if out.String() != c.want {
			t.Errorf("terminal %v:\n%s\nwant\n%s", c.terminal, strings.ReplaceAll(out.String(), "\r", "␍\n"), strings.ReplaceAll(c.want, "\r", "␍\n"))
		}
	}
}
