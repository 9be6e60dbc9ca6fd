package rowset

import (
	"encoding/binary"
	"errors"
)

// ErrRowWidth is the error for a row that has more or fewer values than its result has columns.
var ErrRowWidth = errors.New("pgcache: a row does not have one value per column")

const (
	lengthSize = 4  // of the length before a row and before a value
	nullLength = -1 // in the place of a value's length
)

// AppendRow appends one row in this package's row format to dst. A nil value is NULL; an empty one is not.
func AppendRow(dst []byte, values [][]byte) []byte {
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	for _, v := range values {
		if v == nil {
			dst = append(dst, 0xff, 0xff, 0xff, 0xff)
			continue
		}
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(v)))
		dst = append(dst, v...)
	}
	binary.BigEndian.PutUint32(dst[start:], uint32(len(dst)-start-lengthSize))
	return dst
}

// RowSize gives the bytes that AppendRow would append.
func RowSize(values [][]byte) int {
	size := lengthSize
	for _, v := range values {
		size += lengthSize + len(v)
	}
	return size
}

// cutRun gives the length in bytes of the rows at the start of data that together make up at least size bytes, or all of
// data, and how many rows those are. It reports zero for data that doesn't hold one whole row.
func cutRun(data []byte, size int) (length, rows int) {
	for length < size && len(data)-length >= lengthSize {
		next := length + lengthSize + int(binary.BigEndian.Uint32(data[length:]))
		if next > len(data) {
			break
		}
		length = next
		rows++
	}
	return length, rows
}

// checkRows counts the rows in data and reports whether data is nothing but whole rows of so many columns.
func checkRows(data []byte, columns int) (rows int, ok bool) {
	for len(data) > 0 {
		row, rest, ok := cutLength(data)
		if !ok {
			return 0, false
		}
		for range columns {
			if _, row, ok = cutValue(row); !ok {
				return 0, false
			}
		}
		if len(row) > 0 {
			return 0, false
		}
		data = rest
		rows++
	}
	return rows, true
}

// cutLength takes a length and as many bytes off the front of data.
func cutLength(data []byte) (part, rest []byte, ok bool) {
	if len(data) < lengthSize {
		return nil, nil, false
	}
	n := uint64(binary.BigEndian.Uint32(data))
	data = data[lengthSize:]
	if n > uint64(len(data)) {
		return nil, nil, false
	}
	return data[:n:n], data[n:], true
}

// cutValue is cutLength for something that may be NULL, which it gives as nil.
func cutValue(data []byte) (value, rest []byte, ok bool) {
	if len(data) >= lengthSize && int32(binary.BigEndian.Uint32(data)) == nullLength {
		return nil, data[lengthSize:], true
	}
	return cutLength(data)
}
