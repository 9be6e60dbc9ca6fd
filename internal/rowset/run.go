package rowset

import (
	"bytes"
	"encoding/binary"
)

// A run is the rows at hand and the memory that their values are put into as they are decoded. The values of a result of few go
// into slots that come with it. Of others memory is taken in blocks of a few KiB, so a value that a caller keeps pins what was
// made beside it and not the result.
type run struct {
	data []byte // whole rows
	at   int    // where the next row begins, or while a row is decoded, that row

	demand  *demand
	slots   []slot
	slot    int32   // the next free one
	stocked int32   // rows that there are boxes for, at least
	blocks  *blocks // made when first needed

	begun   bool // data was set
	first   bool // no rows came before these
	lasting bool // data never changes
}

// blocks are what many values are put into.
type blocks struct {
	boxes

	text []byte // what is left of the block that texts are copied into
}

const (
	runSize      = 4096 // bytes of rows that boxes and texts are made for at a time, at most
	firstRunSize = 512  // the same for the first time, for those who only want the first row
)

// begin takes up rows.
func (r *run) begin(data []byte, lasting bool) {
	r.data, r.at, r.lasting = data, 0, lasting
	r.first, r.begun = !r.begun, true
}

// release lets go of everything. The slots stay as long as the rows that they come with, and the values in them.
func (r *run) release() {
	r.data, r.at = nil, 0
	r.slots, r.slot = nil, 0
	r.blocks, r.stocked = nil, 0
}

// ready sees to it that there is room for the values of one row.
func (r *run) ready() {
	if len(r.slots)-int(r.slot) >= r.demand.values {
		return
	}
	if r.stocked == 0 {
		r.slots, r.slot = nil, 0
		r.stocked = int32(r.more().stock(r.demand, r.expected()))
	}
	r.stocked--
}

func (r *run) more() *blocks {
	if r.blocks == nil {
		r.blocks = new(blocks)
	}
	return r.blocks
}

// ahead gives how many bytes of rows, from the next row or the one being decoded on, memory should be made for at once.
func (r *run) ahead() int {
	if r.first && r.at < firstRunSize {
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

// text gives the bytes of a value as a string. Of data that never changes it is a part, if that is small or not much more than
// the value: so a text that a caller keeps pins little beside itself. Only texts ever point into data, never a []byte.
func (r *run) text(src []byte) string {
	if r.lasting && (len(r.data) <= runSize || 2*len(src) >= len(r.data)) {
		return stringOf(src)
	}
	return stringOf(r.hold(src))
}

// hold copies the bytes of a value into memory that is the caller's.
func (r *run) hold(src []byte) []byte {
	b := r.blocks
	if b == nil || len(src) >= len(b.text) { // an empty value needs a place too, or it would be nil
		return r.holdMore(src)
	}
	held := b.text[:len(src):len(src)]
	b.text = b.text[len(src):]
	copy(held, src)
	return held
}

func (r *run) holdMore(src []byte) []byte {
	if len(src) > longest {
		return bytes.Clone(src)
	}
	r.more().text = make([]byte, max(r.ahead(), len(src)+1))
	return r.hold(src)
}
