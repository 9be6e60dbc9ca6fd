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
//   - The second word is stored as a pointer, so write barriers run and the garbage collector keeps the array alive through it.
//   - The first word is taken from a real interface value of that type, so it is the descriptor that type switches compare. It
//     is in the program's read-only data, where nothing moves and nothing is collected, so it can be stored as a number.
//
// What it buys: with plain boxing a replay of 1000 rows takes 1.6 to 2.3 times as long, with the garbage collector at work and
// without, and three allocations a row.

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

// boxes are the arrays that values are boxed in. A full array is left to the values in it.
type boxes struct {
	words   []uint64 // int64 and float64, as bits
	strings []string
	times   []time.Time
	blobs   [][]byte

	word, string, time, blob int // the next free element of each
}

// stock sees to it that there are boxes for at least one row, and for so many rows where it makes new ones. It gives the
// number of rows that the boxes are enough for.
func (b *boxes) stock(d *demand, rows int) int {
	enough := rows
	b.words, b.word = restock(b.words, b.word, d.words, rows, &enough)
	b.strings, b.string = restock(b.strings, b.string, d.strings, rows, &enough)
	b.times, b.time = restock(b.times, b.time, d.times, rows, &enough)
	b.blobs, b.blob = restock(b.blobs, b.blob, d.blobs, rows, &enough)
	return enough
}

// restock gives an array and its next free element. An array with room for a good part of the rows is kept: NULLs need no
// boxes, so some fill up later than others.
func restock[T any](array []T, next, perRow, rows int, enough *int) ([]T, int) {
	if perRow == 0 {
		return nil, 0
	}
	if (len(array)-next)/perRow <= rows/8 {
		array, next = make([]T, rows*perRow), 0
	}
	*enough = min(*enough, (len(array)-next)/perRow)
	return array, next
}

// A slot is room for one value of any sort, in memory that the collector knows the pointers of: each value stands where its
// pointer is one. The values of a small result go there.
type slot struct {
	first unsafe.Pointer // of a string or a []byte
	words [2]uint64      // the lengths of those, a number, or the first words of a time
	last  unsafe.Pointer // of a time
}

// next takes the next free slot, if the values go into slots.
func (r *run) next() *slot {
	if int(r.slot) == len(r.slots) {
		return nil
	}
	r.slot++
	return &r.slots[r.slot-1]
}

func (r *run) putInt(v int64, dst *driver.Value) {
	if s := r.next(); s != nil {
		s.words[0] = uint64(v)
		point(dst, int64Type, unsafe.Pointer(&s.words))
		return
	}
	r.blocks.putInt(v, dst)
}

func (r *run) putFloat(v float64, dst *driver.Value) {
	if s := r.next(); s != nil {
		s.words[0] = math.Float64bits(v)
		point(dst, float64Type, unsafe.Pointer(&s.words))
		return
	}
	r.blocks.putFloat(v, dst)
}

func (r *run) putTime(v time.Time, dst *driver.Value) {
	if s := r.next(); s != nil {
		*(*time.Time)(unsafe.Pointer(&s.words)) = v
		point(dst, timeType, unsafe.Pointer(&s.words))
		return
	}
	r.blocks.putTime(v, dst)
}

// A long string or []byte is boxed by itself, or else a short one that a caller keeps would pin the long ones beside it.
const longest = 512

func (r *run) putString(v string, dst *driver.Value) {
	if len(v) > longest {
		*dst = v
		return
	}
	if s := r.next(); s != nil {
		*(*string)(unsafe.Pointer(s)) = v
		point(dst, stringType, unsafe.Pointer(s))
		return
	}
	r.blocks.putString(v, dst)
}

func (r *run) putBytes(v []byte, dst *driver.Value) {
	if len(v) > longest {
		*dst = v
		return
	}
	if s := r.next(); s != nil {
		*(*[]byte)(unsafe.Pointer(s)) = v
		point(dst, bytesType, unsafe.Pointer(s))
		return
	}
	r.blocks.putBytes(v, dst)
}

func (b *boxes) putInt(v int64, dst *driver.Value) {
	p := &b.words[b.word]
	b.word++
	*p = uint64(v)
	point(dst, int64Type, unsafe.Pointer(p))
}

func (b *boxes) putFloat(v float64, dst *driver.Value) {
	p := &b.words[b.word]
	b.word++
	*p = math.Float64bits(v)
	point(dst, float64Type, unsafe.Pointer(p))
}

func (b *boxes) putTime(v time.Time, dst *driver.Value) {
	p := &b.times[b.time]
	b.time++
	*p = v
	point(dst, timeType, unsafe.Pointer(p))
}

func (b *boxes) putString(v string, dst *driver.Value) {
	p := &b.strings[b.string]
	b.string++
	*p = v
	point(dst, stringType, unsafe.Pointer(p))
}

// putText is putString for a text of any length.
func (b *boxes) putText(v string, dst *driver.Value) {
	if len(v) > longest {
		*dst = v
		return
	}
	b.putString(v, dst)
}

func (b *boxes) putBytes(v []byte, dst *driver.Value) {
	p := &b.blobs[b.blob]
	b.blob++
	*p = v
	point(dst, bytesType, unsafe.Pointer(p))
}

// stringOf gives b as a string without copying. The caller promises that nobody writes to b any more.
func stringOf(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b))
}
