package rowset

import "sync"

// reel holds rows in the order they came, in blocks that are used again: a result is recorded far more often than it is
// kept, and memory that grows by copying would cost more than the rest of the recording. The zero reel is empty.
type reel struct {
	blocks []block
	size   int64 // bytes appended
	read   int64 // bytes that next has given
	at     int   // the block that next is in
	from   int   // how far it is in there
}

// block holds whole rows.
type block struct {
	data []byte
	home *[blockSize]byte // where to give the memory back to; nil for a row with memory of its own
}

const blockSize = 16 << 10

var blockPool = sync.Pool{New: func() any { return new([blockSize]byte) }}

// append adds a row.
func (r *reel) append(values [][]byte) {
	size := RowSize(values)
	if n := len(r.blocks); n == 0 || cap(r.blocks[n-1].data)-len(r.blocks[n-1].data) < size {
		r.blocks = append(r.blocks, newBlock(size))
	}
	last := &r.blocks[len(r.blocks)-1]
	last.data = AppendRow(last.data, values)
	r.size += int64(size)
}

func newBlock(size int) block {
	if size > blockSize {
		return block{data: make([]byte, 0, size)}
	}
	home := blockPool.Get().(*[blockSize]byte)
	return block{data: home[:0], home: home}
}

// unread gives the bytes that next has not given.
func (r *reel) unread() int64 { return r.size - r.read }

// next gives the next rows, as many as stand together, or nil. They may be looked at until the next call of next or drop, or
// for good if lasting is set.
func (r *reel) next() (rows []byte, lasting bool) {
	for r.at < len(r.blocks) {
		data := r.blocks[r.at].data
		if r.from < len(data) {
			rows = data[r.from:len(data):len(data)]
			r.from = len(data)
			r.read += int64(len(rows))
			return rows, r.blocks[r.at].home == nil
		}
		if r.at == len(r.blocks)-1 {
			return nil, false // more may come into this block
		}
		r.at, r.from = r.at+1, 0
	}
	return nil, false
}

// whole gives all rows in memory that nobody else writes to. Nothing must have been dropped.
func (r *reel) whole() []byte {
	if len(r.blocks) == 1 && r.blocks[0].home == nil {
		return r.blocks[0].data
	}
	data := make([]byte, 0, r.size)
	for _, b := range r.blocks {
		data = append(data, b.data...)
	}
	return data
}

// dropRead gives back the blocks before the one that next is in, whose rows somebody may be looking at.
func (r *reel) dropRead() {
	for i := range r.blocks[:r.at] {
		r.blocks[i].free()
	}
	r.blocks = append(r.blocks[:0], r.blocks[r.at:]...)
	r.at = 0
}

// drop gives all blocks back.
func (r *reel) drop() {
	for i := range r.blocks {
		r.blocks[i].free()
	}
	r.blocks, r.at, r.from = nil, 0, 0
}

func (b *block) free() {
	if b.home != nil {
		blockPool.Put(b.home)
	}
	*b = block{}
}
