package driver

import (
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"io"
	"math"
	"time"

	"github.com/gopgcache/pgcache/driver/internal/argument"
)

// observedRows are pgx's own rows, of which a hash is made as they pass.
type observedRows struct {
	*passedRows
	sighting *sighting
	ended    bool
	closed   bool
}

func (r *observedRows) Next(dest []driver.Value) error {
	err := r.passedRows.Next(dest)
	r.saw(dest, err)
	return err
}

// saw takes a row, or the end.
func (r *observedRows) saw(row []driver.Value, err error) {
	switch {
	case err == nil && !r.sighting.large():
		r.sighting.rows.add(row)
	case err == io.EOF:
		r.ended = true
		r.sighting.took()
	}
}

// Close reads what is left, as a fill would, but not of a result that would not be kept.
func (r *observedRows) Close() error {
	if r.closed {
		return r.passedRows.Close()
	}
	r.closed = true
	row := make([]driver.Value, len(r.Columns()))
	var err error
	for err == nil && !r.ended && !r.sighting.large() {
		err = r.Next(row)
	}
	if !r.ended {
		r.sighting.took()
	}
	err = r.passedRows.Close()
	if err == nil && (r.ended || r.sighting.large()) {
		r.sighting.end()
	}
	return err
}

// rowHash is the hash of the rows so far, as Go values: those tell apart what a caller can tell apart.
type rowHash struct {
	sum    uint64
	bytes  int64
	count  int64
	buffer []byte
}

var hashSeed = maphash.MakeSeed()

func (h *rowHash) add(row []driver.Value) {
	b := binary.BigEndian.AppendUint64(h.buffer[:0], h.sum)
	for _, value := range row {
		b = appendValue(b, value)
	}
	h.sum = maphash.Bytes(hashSeed, b)
	h.bytes += int64(len(b))
	h.count++
	h.buffer = b
}

// appendValue adds a value of those that pgx gives, so that no two lists of values look alike.
func appendValue(b []byte, value driver.Value) []byte {
	switch v := value.(type) {
	case nil:
		return append(b, 'n')
	case int64:
		return binary.BigEndian.AppendUint64(append(b, 'i'), uint64(v))
	case float64:
		return binary.BigEndian.AppendUint64(append(b, 'f'), math.Float64bits(v))
	case bool:
		if v {
			return append(b, 'T')
		}
		return append(b, 'F')
	case string:
		return argument.AppendText(append(b, 's'), v)
	case []byte:
		return append(binary.AppendUvarint(append(b, 'y'), uint64(len(v))), v...)
	case time.Time:
		b = binary.BigEndian.AppendUint64(append(b, 't'), uint64(v.Unix()))
		return binary.BigEndian.AppendUint32(b, uint32(v.Nanosecond()))
	default:
		return argument.AppendText(append(b, 'o'), fmt.Sprint(v))
	}
}
