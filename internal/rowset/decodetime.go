package rowset

import (
	"database/sql/driver"
	"encoding/binary"
	"math"
	"time"
)

// PostgreSQL counts days and microseconds from the first of January 2000. pgtype accepts what lies in these ranges, the
// upper ends excluded; the infinities, which are the outermost integers, lie outside.
const (
	unixOf2000  = 946_684_800 // seconds
	secondsADay = 86_400
	microsADay  = 86_400_000_000
	microsASec  = 1_000_000

	firstDay    = -2_451_545               // 4714-11-24 BC
	endOfDays   = 2_145_031_949            // 5874898-01-01
	firstMicro  = firstDay * microsADay    // 4714-11-24 BC
	endOfMicros = 106_751_983 * microsADay // 294277-01-01
)

func decodeDate(r *run, src []byte, dst *driver.Value) bool {
	if len(src) != 4 {
		return false
	}
	day := int64(int32(binary.BigEndian.Uint32(src)))
	if day < firstDay || day >= endOfDays {
		return decodeInfinity(day, math.MinInt32, math.MaxInt32, dst)
	}
	r.putTime(time.Unix(unixOf2000+day*secondsADay, 0).UTC(), dst)
	return true
}

// timestampDecoder reads the wall clock as one of loc; nil is UTC.
func timestampDecoder(loc *time.Location) decoder {
	if loc == nil {
		return decodeTimestamp
	}
	return func(r *run, src []byte, dst *driver.Value) bool {
		micro, finite := finiteMicro(src)
		if !finite {
			return decodeInfiniteMicro(src, dst)
		}
		t := timeOf(micro).UTC()
		r.putTime(time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), loc), dst)
		return true
	}
}

func decodeTimestamp(r *run, src []byte, dst *driver.Value) bool {
	micro, finite := finiteMicro(src)
	if !finite {
		return decodeInfiniteMicro(src, dst)
	}
	r.putTime(timeOf(micro).UTC(), dst)
	return true
}

// timestamptzDecoder places the instant in loc; nil is time.Local.
func timestamptzDecoder(loc *time.Location) decoder {
	if loc == nil {
		return decodeTimestamptz
	}
	return func(r *run, src []byte, dst *driver.Value) bool {
		micro, finite := finiteMicro(src)
		if !finite {
			return decodeInfiniteMicro(src, dst)
		}
		r.putTime(timeOf(micro).In(loc), dst)
		return true
	}
}

func decodeTimestamptz(r *run, src []byte, dst *driver.Value) bool {
	micro, finite := finiteMicro(src)
	if !finite {
		return decodeInfiniteMicro(src, dst)
	}
	r.putTime(timeOf(micro), dst)
	return true
}

// finiteMicro reads a timestamp of either sort, and reports whether it is one that pgtype accepts as a time.
func finiteMicro(src []byte) (int64, bool) {
	if len(src) != 8 {
		return 0, false
	}
	micro := int64(binary.BigEndian.Uint64(src))
	return micro, firstMicro <= micro && micro < endOfMicros
}

// timeOf gives an instant in time.Local, by the pointer of that name.
func timeOf(micro int64) time.Time {
	return time.Unix(unixOf2000+micro/microsASec, micro%microsASec*1000)
}

func decodeInfiniteMicro(src []byte, dst *driver.Value) bool {
	if len(src) != 8 {
		return false
	}
	return decodeInfinity(int64(binary.BigEndian.Uint64(src)), math.MinInt64, math.MaxInt64, dst)
}

// decodeInfinity gives the infinities as the strings that pgtype has for them.
func decodeInfinity(v, lowest, highest int64, dst *driver.Value) bool {
	switch v {
	case lowest:
		*dst = "-infinity"
	case highest:
		*dst = "infinity"
	default:
		return false
	}
	return true
}
