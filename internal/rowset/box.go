package rowset

import (
	"database/sql/driver"
	"math"
	"time"
	"unsafe"
)

// This file is the only one that knows how an interface value is laid out. It boxes values without a heap allocation each:
// the values of a run of rows stand in a few arrays, and each driver.Value is made to point at its element.
//
// Why that is sound:
//
//   - An interface value without methods is two words: a pointer to the type's descriptor and a pointer to the value. The gc
//     toolchain has had it so since Go 1.4 and the reflect package is built on it; TestBoxLayout fails if it changes.
//   - The value behind an interface must never change. An element is written once, before its address is handed out, and
//     neither the element nor its array is used again.
//   - Both words are stored through pointer-typed fields, so the garbage collector sees them and its write barriers run; the
//     second word points into an array on the heap, which keeps the array alive.
//   - The type word is taken from a real interface value of that type, so it is the descriptor that type switches compare.
//
// What it buys, beside the same code with plain boxing, is measured by BenchmarkBoxing.

// An emptyInterface is the memory of a driver.Value.
type emptyInterface struct {
	typ  uintptr
	data unsafe.Pointer
}

var (
	int64Type   = typeWord(int64(0))
	float64Type = typeWord(float64(0))
	stringType  = typeWord("")
	timeType    = typeWord(time.Time{})
	bytesType   = typeWord([]byte(nil))
)

func typeWord(v any) uintptr {
	return (*emptyInterface)(unsafe.Pointer(&v)).typ
}

func point(dst *driver.Value, typ uintptr, data unsafe.Pointer) {
	*(*emptyInterface)(unsafe.Pointer(dst)) = emptyInterface{typ, data}
}

// boxes are the arrays that the values of a run are boxed in. An array is made when its first value comes, so a column of
// NULLs costs nothing, and left to the values in it when it is full.
type boxes struct {
	words   []uint64 // int64 and float64, as bits
	strings []string
	times   []time.Time
	blobs   [][]byte

	word, string, time, blob int // the next free element of each
}

// smallBoxes serve a first run of few rows, so that a result of one row costs no further allocation.
type smallBoxes struct {
	words   [4]uint64
	strings [3]string
	times   [2]time.Time
}

func (r *run) putInt(v int64, dst *driver.Value) {
	if r.word == len(r.words) {
		r.moreWords()
	}
	p := &r.words[r.word]
	r.word++
	*p = uint64(v)
	point(dst, int64Type, unsafe.Pointer(p))
}

func (r *run) putFloat(v float64, dst *driver.Value) {
	if r.word == len(r.words) {
		r.moreWords()
	}
	p := &r.words[r.word]
	r.word++
	*p = math.Float64bits(v)
	point(dst, float64Type, unsafe.Pointer(p))
}

func (r *run) putString(v string, dst *driver.Value) {
	if r.string == len(r.strings) {
		r.moreStrings()
	}
	p := &r.strings[r.string]
	r.string++
	*p = v
	point(dst, stringType, unsafe.Pointer(p))
}

func (r *run) putTime(v time.Time, dst *driver.Value) {
	if r.time == len(r.times) {
		r.moreTimes()
	}
	p := &r.times[r.time]
	r.time++
	*p = v
	point(dst, timeType, unsafe.Pointer(p))
}

func (r *run) putBytes(v []byte, dst *driver.Value) {
	if r.blob == len(r.blobs) {
		r.moreBlobs()
	}
	p := &r.blobs[r.blob]
	r.blob++
	*p = v
	point(dst, bytesType, unsafe.Pointer(p))
}

func (r *run) moreWords()   { r.words, r.word = make([]uint64, r.expected()*r.demand.words), 0 }
func (r *run) moreStrings() { r.strings, r.string = make([]string, r.expected()*r.demand.strings), 0 }
func (r *run) moreTimes()   { r.times, r.time = make([]time.Time, r.expected()*r.demand.times), 0 }
func (r *run) moreBlobs()   { r.blobs, r.blob = make([][]byte, r.expected()*r.demand.blobs), 0 }

// stringOf gives b as a string without copying. The caller promises that nobody writes to b any more.
func stringOf(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b))
}
