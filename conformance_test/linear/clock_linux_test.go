package linear_test

import (
	"syscall"
	"unsafe"
)

// clockMonotonic is CLOCK_MONOTONIC of <time.h>. All processes of a machine read the same one, and it never goes back.
const clockMonotonic = 1

// now is the time on the clock that all processes share, in nanoseconds.
//
// It asks the kernel itself: time.Now keeps the monotonic reading to itself, and its wall clock may be set back. Go has no
// memory model across processes, but a system call is ordered with those before and after it on the same goroutine, and so
// with whatever was sent to the server and received from it.
func now() int64 {
	var ts syscall.Timespec
	if _, _, errno := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockMonotonic, uintptr(unsafe.Pointer(&ts)), 0); errno != 0 {
		panic(errno)
	}
	return ts.Nano()
}

const clockIsShared = true
