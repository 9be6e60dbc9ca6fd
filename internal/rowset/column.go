package rowset

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// Column describes one column of a result: what the server said about it, and what a replay needs beyond that.
type Column struct {
	pgconn.FieldDescription

	// TypeName is what stdlib gives as DatabaseTypeName: the upper-case name under which the connection knows the type,
	// or the type's oid as decimal digits.
	TypeName string

	// Location is the ScanLocation of the connection's codec for timestamp and timestamptz columns. Nil is pgx's default:
	// UTC for timestamp, time.Local for timestamptz.
	Location *time.Location
}

// A CodecError says that a connection decodes a column with something else than pgx's own codec, so that a replay, which
// doesn't have that connection, could not promise the same values.
type CodecError struct {
	Column string       // the column's name
	OID    uint32       // its type
	Format int16        // 0 is text, 1 is binary
	Codec  pgtype.Codec // what the connection decodes it with; nil if it knows no such type
}

// Error implements the error interface.
func (e *CodecError) Error() string {
	return fmt.Sprintf("pgcache: column %q of type %d in format %d is decoded by %T and not by pgx's own codec",
		e.Column, e.OID, e.Format, e.Codec)
}

// defaultTypes is pgx's own knowledge of types. It is shared by all goroutines, so it is only ever asked about oids that it
// knows: for others pgtype.Map keeps notes, and writing them would be a race.
var defaultTypes = pgtype.NewMap()

// Columns describes the columns of a result as a connection with the type map m sees them; a nil m is pgx's default map. It
// copies what it keeps of fields. The error, if any, is a [*CodecError].
func Columns(fields []pgconn.FieldDescription, m *pgtype.Map) ([]Column, error) {
	if m == nil {
		m = defaultTypes
	}
	columns := make([]Column, len(fields))
	for i, field := range fields {
		column, err := newColumn(field, m)
		if err != nil {
			return nil, err
		}
		columns[i] = column
	}
	return columns, nil
}

func newColumn(field pgconn.FieldDescription, m *pgtype.Map) (Column, error) {
	column := Column{FieldDescription: field}
	known, ok := m.TypeForOID(field.DataTypeOID)
	if !ok {
		known = &pgtype.Type{Name: strconv.FormatInt(int64(field.DataTypeOID), 10)}
	}
	column.TypeName = strings.ToUpper(known.Name)

	if !replayable(field, known) {
		return Column{}, &CodecError{Column: field.Name, OID: field.DataTypeOID, Format: field.Format, Codec: known.Codec}
	}
	switch codec := known.Codec.(type) {
	case *pgtype.TimestampCodec:
		column.Location = codec.ScanLocation
	case *pgtype.TimestamptzCodec:
		column.Location = codec.ScanLocation
	}
	return column, nil
}

// replayable reports whether a replay gives the values that a connection gives that knows the column's type as known.
//
// Types that stdlib has no case for are read into a string. In text format pgtype never asks a codec for that, so any codec
// will do; in binary format the codec decides, so it has to be the very one that a replay uses.
//
// For the types that stdlib does have a case for, the codec has to be of pgx's type. Only the codecs of timestamp and
// timestamptz have a setting that matters, and [Column] carries it; the Marshal and Unmarshal functions of the json and xml
// codecs are never called for the []byte that stdlib reads them into.
func replayable(field pgconn.FieldDescription, known *pgtype.Type) bool {
	own, ok := defaultTypes.TypeForOID(field.DataTypeOID)
	if kindOf(field.DataTypeOID) == kindString {
		return field.Format == pgtype.TextFormatCode || ok && own == known
	}
	return known.Codec != nil && codecType(known.Codec) == codecType(own.Codec)
}

// codecType is the codec's type, be it registered by value or by pointer.
func codecType(codec pgtype.Codec) reflect.Type {
	t := reflect.TypeOf(codec)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}
