package inspect

import (
	"context"
	"errors"
	"net/http"
	"testing"
)

func TestCells(t *testing.T) {
	for _, c := range []struct {
		name, raw, want string
		number          bool
	}{
		{"hits", "0", "0", true},
		{"hits", "999", "999", true},
		{"hits", "1234567", "1,234,567", true},
		{"hits", "-1234", "-1,234", true},
		{"bytes", "1023", "1,023 B", true},
		{"bytes", "1536", "1.5 KiB", true},
		{"bytes", "70368744177664", "64 TiB", true},
		{"feed_lag_ms", "0.000", "0 ms", true},
		{"feed_lag_ms", "0.004", "4 µs", true},
		{"time_saved_ms", "76885.775", "76.9 s", true},
		{"time_saved_ms", "600000.000", "10 min", true},
		{"time_saved_ms", "86400000000.000", "24,000 h", true},
		{"ratio", "0.75", "0.75", true},
		{"rule", "inf", "inf", false},
		{"rule", "0x10", "0x10", false},
		{"rule", "", "", false},
		{"reason", "a\u202eb\x01", `a\u202Eb\u0001`, false},
		{"reason", "a\xffb", "a\uFFFDb", false},
	} {
		got := cellOf(c.name, c.raw)
		if got.Text != c.want || got.Number != c.number || got.Number && got.Raw != c.raw {
			t.Errorf("%s %q: %+v, want %q", c.name, c.raw, got, c.want)
		}
	}
}

// Only all is 100 %.
func TestPercent(t *testing.T) {
	for share, want := range map[float64]string{0: "0 %", 1: "100 %", 0.9999: "99.9 %", 0.5: "50 %"} {
		if got := percent(share); got != want {
			t.Errorf("%v: %s, want %s", share, got, want)
		}
	}
}

// An error of the database is text, and never more.
func TestFailed(t *testing.T) {
	v := failed("overview", errors.Join(context.DeadlineExceeded, errors.New("<b>\x00")))
	if v.status != http.StatusServiceUnavailable || v.Error != "context deadline exceeded\n<b>\\u0000" {
		t.Errorf("%+v", v)
	}
}

// What feeds ask for in SQL can be copied; what they ask for in words can't.
func TestListing(t *testing.T) {
	l := listingOf(&table{[]string{"rule", "calls"}, [][]string{{"a: * ttl=1m", "1000"}}}, func(column, value string) string {
		if column == "rule" {
			return value
		}
		return ""
	})
	if row := l.Rows[0]; row[0].Copy != "a: * ttl=1m" || row[1].Copy != "" || row[1].Text != "1,000" || !l.Heads[1].Number {
		t.Errorf("%+v", l)
	}
	if !isSQL("GRANT x TO y") || isSQL("set wal_level") {
		t.Error("words for SQL")
	}
}
