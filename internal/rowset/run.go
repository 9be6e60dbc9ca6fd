package rowset

import (
	"bytes"
	"encoding/binary"
)

// A run is the rows at hand and the memory that their values are put into as they are decoded. Memory is taken in blocks of
// a few KiB, so a value that a caller keeps pins what was made beside it and not the result.
type run struct {
	data  []byte // whole rows; no value points into them
	at    int    // where the next row begins, or while a row is decoded, that row
	begun int    // how often data was set

	text []byte // the block that texts are copied into
	used int    // of text

	boxes
	demand  demand
	stocked int // rows that there are boxes for, at least
	small   smallBoxes
}

const (
	runSize      = 4096 // bytes of rows that boxes and texts are made for at a time, at most
	firstRunSize = 512  // the same for the first time, for those who only want the first row
)

// begin takes up rows.
func (r *run) begin(data []byte) {
	r.data, r.at = data, 0
	r.begun++
	if r.begun == 1 {
		r.useSmallBoxes()
	}
}

// useSmallBoxes takes the boxes that come with r where they are enough for the rows that are expected.
func (r *run) useSmallBoxes() {
	rows := r.expected()
	if rows*r.demand.words <= len(r.small.words) {
		r.words = r.small.words[:]
	}
	if rows*r.demand.strings <= len(r.small.strings) {
		r.strings = r.small.strings[:]
	}
	if rows*r.demand.times <= len(r.small.times) {
		r.times = r.small.times[:]
	}
}

// release lets go of everything but the small boxes, which values may be in.
func (r *run) release() {
	r.data, r.at = nil, 0
	r.text, r.used = nil, 0
	r.boxes, r.stocked = boxes{}, 0
}

// ready sees to it that there are boxes for the values of one row.
func (r *run) ready() {
	if r.stocked == 0 {
		r.stocked = r.stock(r.demand, r.expected())
	}
	r.stocked--
}

// ahead gives how many bytes of rows, from the next row or the one being decoded on, memory should be made for at once.
func (r *run) ahead() int {
	if r.begun == 1 && r.at < firstRunSize {
		return min(len(r.data), firstRunSize) - r.at
	}
	return min(len(r.data)-r.at, runSize)
}

// expected guesses how many rows that is, by the size of the first. It is right where rows are equally long.
func (r *run) expected() int {
	ahead := r.ahead()
	if ahead < lengthSize {
		return 1
	}
	return max(1, ahead/(lengthSize+int(binary.BigEndian.Uint32(r.data[r.at:]))))
}

// hold copies the bytes of a value into memory that is the caller's.
func (r *run) hold(src []byte) []byte {
	start, end := r.used, r.used+len(src)
	if end >= len(r.text) { // an empty value needs a place too, or it would be nil
		return r.holdMore(src)
	}
	r.used = end
	held := r.text[start:end:end]
	copy(held, src)
	return held
}

func (r *run) holdMore(src []byte) []byte {
	if len(src) > longest {
		return bytes.Clone(src)
	}
	r.text, r.used = make([]byte, max(r.ahead(), len(src)+1)), 0
	return r.hold(src)
}
