package regress

import (
	"slices"
	"testing"
	"testing/fstest"
)

func TestSchedule(t *testing.T) {
	dir := fstest.MapFS{"parallel_schedule": {Data: []byte("# about\ntest: a\n\ntest: b c\nignore: c\n# test: d\n")}}
	got, err := schedule(dir)
	if want := []string{"a", "b", "c"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	if _, err := schedule(fstest.MapFS{}); err == nil {
		t.Error("no schedule, and no error")
	}
}
