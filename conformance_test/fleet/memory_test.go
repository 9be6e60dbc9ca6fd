//go:build unix

package fleet_test

import (
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"unsafe"
)

const (
	members = 3
	// spaces are the tables of a load, each with so many rows: a write to one leaves what is kept of the others fresh.
	spaces       = 8
	rowsOfSpace  = 12
	rows         = spaces * rowsOfSpace
	goroutinesOf = 2 // of each process under load
)

// memory is shared by the test and the processes that it starts. It outlives those of them that are killed.
type memory struct {
	// runs are how often PostgreSQL was asked what is counted, runner is who did so last, as its number and one, and longest
	// how long that took at most, in nanoseconds.
	runs, runner, longest atomic.Int64
	// begun is the version of each row that is being written, or was last, and told the one that some process was told is
	// written, and could tell the fleet of.
	begun, told [rows]atomic.Int64
	// of each process: what it has done, and what became of that.
	turns, sharedHits, storeErrors [members]atomic.Int64
	// phase is what is going on, as a number of the test's own: times are told apart by it.
	phase atomic.Int64
}

// shareMemory maps the memory that a file holds.
func shareMemory(path string) (*memory, error) {
	size := int(unsafe.Sizeof(memory{}))
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := f.Truncate(int64(size)); err != nil {
		return nil, err
	}
	data, err := syscall.Mmap(int(f.Fd()), 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	return (*memory)(unsafe.Pointer(&data[0])), nil
}

// newMemory makes memory to share, and gives the file that it is in. It stays mapped as long as this process runs.
func newMemory(t *testing.T) (*memory, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "memory")
	m, err := shareMemory(path)
	if err != nil {
		t.Fatal(err)
	}
	return m, path
}

// raise raises a counter to n, if it is less.
func raise(counter *atomic.Int64, n int64) {
	for old := counter.Load(); old < n && !counter.CompareAndSwap(old, n); old = counter.Load() {
	}
}
