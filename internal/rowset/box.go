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
	typ, data unsafe.Pointer
}

var (
	int64Type   = typeWord(int64(0))
	float64Type = typeWord(float64(0))
	stringType  = typeWord("")
	timeType    = typeWord(time.Time{})
	bytesType   = typeWord([]byte(nil))
)

func typeWord(v any) unsafe.Pointer {
	return (*emptyInterface)(unsafe.Pointer(&v)).typ
}

func point(dst *driver.Value, typ, data unsafe.Pointer) {
	*(*emptyInterface)(unsafe.Pointer(dst)) = emptyInterface{typ, data}
}

// boxes are the arrays that the values of one run of rows are boxed in. An array is made when its first value comes, for as
// many values as the run can have, so a column of NULLs costs nothing.
type boxes struct {
	demand demand
	rows   int // in this run

	words   []uint64 // int64 and float64, as bits
	strings []string
	times   []time.Time
	blobs   [][]byte

	word, string, time, blob int // the next free element of each
	small                    smallBoxes
}

// smallBoxes serve a first run that needs no more than this, so that a result of one row costs no further allocation.
type smallBoxes struct {
	words   [4]uint64
	strings [3]string
	times   [2]time.Time
}

// begin forgets the arrays of the run before, which belong to the values in them, and expects a run of rows.
func (b *boxes) begin(rows int) {
	b.rows = rows
	b.words, b.strings, b.times, b.blobs = nil, nil, nil, nil
	b.word, b.string, b.time, b.blob = 0, 0, 0, 0
}

// beginSmall is begin for the first run: it may use the arrays that come with b.
func (b *boxes) beginSmall(rows int) {
	b.begin(rows)
	if rows*b.demand.words <= len(b.small.words) {
		b.words = b.small.words[:]
	}
	if rows*b.demand.strings <= len(b.small.strings) {
		b.strings = b.small.strings[:]
	}
	if rows*b.demand.times <= len(b.small.times) {
		b.times = b.small.times[:]
	}
}

func (b *boxes) putInt(v int64, dst *driver.Value) {
	if b.word == len(b.words) {
		b.moreWords()
	}
	p := &b.words[b.word]
	b.word++
	*p = uint64(v)
	point(dst, int64Type, unsafe.Pointer(p))
}

func (b *boxes) putFloat(v float64, dst *driver.Value) {
	if b.word == len(b.words) {
		b.moreWords()
	}
	p := &b.words[b.word]
	b.word++
	*p = math.Float64bits(v)
	point(dst, float64Type, unsafe.Pointer(p))
}

func (b *boxes) putString(v string, dst *driver.Value) {
	if b.string == len(b.strings) {
		b.moreStrings()
	}
	p := &b.strings[b.string]
	b.string++
	*p = v
	point(dst, stringType, unsafe.Pointer(p))
}

func (b *boxes) putTime(v time.Time, dst *driver.Value) {
	if b.time == len(b.times) {
		b.moreTimes()
	}
	p := &b.times[b.time]
	b.time++
	*p = v
	point(dst, timeType, unsafe.Pointer(p))
}

func (b *boxes) putBytes(v []byte, dst *driver.Value) {
	if b.blob == len(b.blobs) {
		b.moreBlobs()
	}
	p := &b.blobs[b.blob]
	b.blob++
	*p = v
	point(dst, bytesType, unsafe.Pointer(p))
}

// The full arrays are left to the values in them. A run needs more than one of a sort only if a row is decoded twice.

func (b *boxes) moreWords()   { b.words, b.word = make([]uint64, b.rows*b.demand.words), 0 }
func (b *boxes) moreStrings() { b.strings, b.string = make([]string, b.rows*b.demand.strings), 0 }
func (b *boxes) moreTimes()   { b.times, b.time = make([]time.Time, b.rows*b.demand.times), 0 }
func (b *boxes) moreBlobs()   { b.blobs, b.blob = make([][]byte, b.rows*b.demand.blobs), 0 }

// stringOf gives b as a string without copying. The caller promises that nobody writes to b any more.
func stringOf(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b))
}
