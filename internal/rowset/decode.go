package rowset

import (
	"database/sql/driver"
	"encoding/binary"
	"math"

	"github.com/jackc/pgx/v5/pgtype"
)

// A decoder turns the bytes of one value, which is not NULL, into what stdlib gives for it. It reports false, and leaves dst
// alone, for bytes that it doesn't expect: then pgtype's own plan decides, and finds the words if it is an error.
type decoder func(r *run, src []byte, dst *driver.Value) bool

// decoderFor gives the fast decoder for a column, nil if there is none.
func decoderFor(c *Column, k kind) decoder {
	if c.Format == pgtype.BinaryFormatCode {
		return binaryDecoder(c)
	}
	if c.Format != pgtype.TextFormatCode {
		return nil
	}
	switch {
	case k == kindString:
		return decodeString
	case k == kindBytes && c.DataTypeOID != pgtype.ByteaOID: // the text of a bytea is an encoding of it
		return decodeBytes
	}
	return nil
}

func binaryDecoder(c *Column) decoder {
	switch c.DataTypeOID {
	case pgtype.BoolOID:
		return decodeBool
	case pgtype.Int2OID:
		return decodeInt2
	case pgtype.Int4OID:
		return decodeInt4
	case pgtype.Int8OID:
		return decodeInt8
	case pgtype.OIDOID, pgtype.XIDOID, pgtype.CIDOID:
		return decodeUint4
	case pgtype.Float4OID:
		return decodeFloat4
	case pgtype.Float8OID:
		return decodeFloat8
	case pgtype.DateOID:
		return decodeDate
	case pgtype.TimestampOID:
		return timestampDecoder(c.Location)
	case pgtype.TimestamptzOID:
		return timestamptzDecoder(c.Location)
	case pgtype.ByteaOID:
		return decodeBytes
	case pgtype.TextOID, pgtype.VarcharOID:
		return decodeString
	default:
		return nil
	}
}

func decodeString(r *run, src []byte, dst *driver.Value) bool {
	r.putString(r.text(src), dst)
	return true
}

func decodeBytes(r *run, src []byte, dst *driver.Value) bool {
	r.putBytes(r.hold(src), dst)
	return true
}

func decodeBool(_ *run, src []byte, dst *driver.Value) bool {
	if len(src) != 1 {
		return false
	}
	*dst = src[0] == 1
	return true
}

func decodeInt2(r *run, src []byte, dst *driver.Value) bool {
	if len(src) != 2 {
		return false
	}
	r.putInt(int64(int16(binary.BigEndian.Uint16(src))), dst)
	return true
}

func decodeInt4(r *run, src []byte, dst *driver.Value) bool {
	if len(src) != 4 {
		return false
	}
	r.putInt(int64(int4Of(src)), dst)
	return true
}

func decodeInt8(r *run, src []byte, dst *driver.Value) bool {
	if len(src) != 8 {
		return false
	}
	r.putInt(int8Of(src), dst)
	return true
}

func decodeUint4(r *run, src []byte, dst *driver.Value) bool {
	if len(src) != 4 {
		return false
	}
	r.putInt(int64(binary.BigEndian.Uint32(src)), dst)
	return true
}

func decodeFloat4(r *run, src []byte, dst *driver.Value) bool {
	if len(src) != 4 {
		return false
	}
	r.putFloat(float64(math.Float32frombits(binary.BigEndian.Uint32(src))), dst)
	return true
}

func decodeFloat8(r *run, src []byte, dst *driver.Value) bool {
	if len(src) != 8 {
		return false
	}
	r.putFloat(math.Float64frombits(binary.BigEndian.Uint64(src)), dst)
	return true
}

func int4Of(src []byte) int32 { return int32(binary.BigEndian.Uint32(src)) }
func int8Of(src []byte) int64 { return int64(binary.BigEndian.Uint64(src)) }
