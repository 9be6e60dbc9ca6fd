package wal

import (
	"encoding/binary"

	"github.com/jackc/pglogrepl"
)

// fits tells whether the lengths that a message claims are in it. The parser makes room for what is claimed before it looks,
// so a broken message could ask for all memory that there is. It panics on messages that end too soon, as the parser does.
func fits(data []byte, inPiece bool) bool {
	head := 1
	if inPiece {
		head += 4 // the number of the transaction
	}
	switch pglogrepl.MessageType(data[0]) {
	case pglogrepl.MessageTypeTruncate:
		return uint64(binary.BigEndian.Uint32(data[head:]))*4 <= uint64(len(data))
	case pglogrepl.MessageTypeInsert, pglogrepl.MessageTypeUpdate, pglogrepl.MessageTypeDelete:
		return tuplesFit(data[head+4:])
	default:
		return true
	}
}

// tuplesFit goes through tuples, each behind a letter that says which it is.
func tuplesFit(rest []byte) bool {
	for len(rest) > 0 {
		columns := binary.BigEndian.Uint16(rest[1:])
		rest = rest[3:]
		for range columns {
			kind := rest[0]
			rest = rest[1:]
			if kind != pglogrepl.TupleDataTypeText && kind != pglogrepl.TupleDataTypeBinary {
				continue
			}
			length := binary.BigEndian.Uint32(rest)
			if rest = rest[4:]; uint64(length) > uint64(len(rest)) {
				return false
			}
			rest = rest[length:]
		}
	}
	return true
}
