package rowset

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// ErrCorrupt is the error for bytes that are not an encoded Set of this version. It is wrapped with what is wrong.
var ErrCorrupt = errors.New("pgcache: not an encoded row set")

// An encoded Set, all integers big-endian:
//
//	version   1 byte
//	checksum  4 bytes, CRC-32C of all that follows
//	columns   4 bytes: how many, then for each
//	            name        length (4) and text
//	            type name   length (4) and text
//	            table oid (4), attribute (2), type oid (4), size (2), modifier (4), format (2)
//	            location    1 byte, see locationCode
//	rows      4 bytes: how many
//	data      the rest: the rows in the row format
//
// There is one encoding for a Set: Decode accepts nothing that AppendEncoded would have written differently.
const (
	encodingVersion = 1
	headerSize      = 1 + 4
	minColumnSize   = 4 + 4 + 18 + 1 // of a column whose names are empty
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// The codes of a column's location. Other locations have no encoding: a name doesn't say which zone was meant (a
// time.FixedZone may have any name), and Decode must not guess.
const (
	locationDefault = iota
	locationUTC
	locationLocal
	locationOther // refused by Decode
)

func locationCode(loc *time.Location) byte {
	switch loc {
	case nil:
		return locationDefault
	case time.UTC:
		return locationUTC
	case time.Local:
		return locationLocal
	default:
		return locationOther
	}
}

// Encodable reports whether Decode would take what AppendEncoded writes. It doesn't if times of the Set belong in a location
// other than UTC and time.Local.
func (s Set) Encodable() bool {
	for i := range s.layout.columns {
		if locationCode(s.layout.columns[i].Location) == locationOther {
			return false
		}
	}
	return true
}

// AppendEncoded appends the Set, in a form that another process can read, to dst.
func (s Set) AppendEncoded(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, encodingVersion, 0, 0, 0, 0)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(s.layout.columns)))
	for i := range s.layout.columns {
		dst = appendColumn(dst, &s.layout.columns[i])
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(s.rows))
	dst = append(dst, s.data...)
	binary.BigEndian.PutUint32(dst[start+1:], crc32.Checksum(dst[start+headerSize:], castagnoli))
	return dst
}

func appendColumn(dst []byte, c *Column) []byte {
	dst = appendText(dst, c.Name)
	dst = appendText(dst, c.TypeName)
	dst = binary.BigEndian.AppendUint32(dst, c.TableOID)
	dst = binary.BigEndian.AppendUint16(dst, c.TableAttributeNumber)
	dst = binary.BigEndian.AppendUint32(dst, c.DataTypeOID)
	dst = binary.BigEndian.AppendUint16(dst, uint16(c.DataTypeSize))
	dst = binary.BigEndian.AppendUint32(dst, uint32(c.TypeModifier))
	dst = binary.BigEndian.AppendUint16(dst, uint16(c.Format))
	return append(dst, locationCode(c.Location))
}

func appendText(dst []byte, s string) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(s)))
	return append(dst, s...)
}

// Decode reads what AppendEncoded wrote. It copies what it keeps of src, checks every length, and asks for no more memory
// than a small multiple of src whatever src says. The error wraps [ErrCorrupt].
func Decode(src []byte) (*Set, error) {
	if len(src) < headerSize {
		return nil, corrupt("%d bytes are too few", len(src))
	}
	if src[0] != encodingVersion {
		return nil, corrupt("version %d is not %d", src[0], encodingVersion)
	}
	body := src[headerSize:]
	if crc32.Checksum(body, castagnoli) != binary.BigEndian.Uint32(src[1:]) {
		return nil, corrupt("checksum does not match")
	}
	columns, body, err := decodeColumns(body)
	if err != nil {
		return nil, err
	}
	if len(body) < 4 {
		return nil, corrupt("ends before its rows")
	}
	stated, data := binary.BigEndian.Uint32(body), body[4:]
	rows, ok := checkRows(data, len(columns))
	if !ok || uint64(rows) != uint64(stated) {
		return nil, corrupt("not %d whole rows of %d columns", stated, len(columns))
	}
	return &Set{layout: newLayout(columns), data: append([]byte(nil), data...), rows: rows}, nil
}

func decodeColumns(src []byte) (columns []Column, rest []byte, err error) {
	if len(src) < 4 {
		return nil, nil, corrupt("ends before its columns")
	}
	count := uint64(binary.BigEndian.Uint32(src))
	src = src[4:]
	if count > uint64(len(src)/minColumnSize) {
		return nil, nil, corrupt("%d columns don't fit into %d bytes", count, len(src))
	}
	columns = make([]Column, count)
	for i := range columns {
		if columns[i], src, err = decodeColumn(src); err != nil {
			return nil, nil, err
		}
	}
	return columns, src, nil
}

func decodeColumn(src []byte) (c Column, rest []byte, err error) {
	name, src, ok := cutLength(src)
	if !ok {
		return Column{}, nil, corrupt("ends within a column's name")
	}
	typeName, src, ok := cutLength(src)
	if !ok || len(src) < minColumnSize-8 {
		return Column{}, nil, corrupt("ends within a column")
	}
	c = Column{
		FieldDescription: pgconn.FieldDescription{
			Name:                 string(name),
			TableOID:             binary.BigEndian.Uint32(src),
			TableAttributeNumber: binary.BigEndian.Uint16(src[4:]),
			DataTypeOID:          binary.BigEndian.Uint32(src[6:]),
			DataTypeSize:         int16(binary.BigEndian.Uint16(src[10:])),
			TypeModifier:         int32(binary.BigEndian.Uint32(src[12:])),
			Format:               int16(binary.BigEndian.Uint16(src[16:])),
		},
		TypeName: string(typeName),
	}
	switch src[18] {
	case locationDefault:
	case locationUTC:
		c.Location = time.UTC
	case locationLocal:
		c.Location = time.Local
	default:
		return Column{}, nil, corrupt("location %d of a column", src[18])
	}
	return c, src[19:], nil
}

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrCorrupt}, args...)...)
}
