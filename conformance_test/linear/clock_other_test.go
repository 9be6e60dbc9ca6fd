//go:build !linux

package linear_test

import "time"

var start = time.Now()

// now is the time since this process began, in nanoseconds.
func now() int64 { return int64(time.Since(start)) }

// Elsewhere we know of no clock that all processes share, so the tests with several are left out.
const clockIsShared = false
