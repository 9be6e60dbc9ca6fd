package rowset

import (
	"database/sql/driver"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// A plan decodes the values of one column the way stdlib does it: with the plan that pgtype makes for the target that stdlib
// chooses for the column's type. It serves the combinations of type and format that have no decoder, such as the all-text
// results of the simple protocol, and the bytes that a decoder didn't expect. A plan is used by one goroutine.
type plan func(r *run, src []byte, dst *driver.Value) error

func newPlan(c *Column) plan {
	switch c.DataTypeOID {
	case pgtype.BoolOID:
		return planFor(c, func(_ *run, v bool, dst *driver.Value) { *dst = v })
	case pgtype.Int2OID:
		return planFor(c, func(r *run, v int16, dst *driver.Value) { r.putInt(int64(v), dst) })
	case pgtype.Int4OID:
		return planFor(c, func(r *run, v int32, dst *driver.Value) { r.putInt(int64(v), dst) })
	case pgtype.Int8OID:
		return planFor(c, (*run).putInt)
	case pgtype.OIDOID, pgtype.XIDOID, pgtype.CIDOID:
		return planFor(c, func(r *run, v pgtype.Uint32, dst *driver.Value) { r.putInt(int64(v.Uint32), dst) })
	case pgtype.Float4OID:
		return planFor(c, func(r *run, v float32, dst *driver.Value) { r.putFloat(float64(v), dst) })
	case pgtype.Float8OID:
		return planFor(c, (*run).putFloat)
	case pgtype.DateOID, pgtype.TimestampOID, pgtype.TimestamptzOID:
		return newTimePlan(c)
	case pgtype.ByteaOID, pgtype.JSONOID, pgtype.JSONBOID, pgtype.XMLOID:
		return planFor(c, (*run).putBytes)
	default:
		return planFor(c, (*run).putString)
	}
}

func newTimePlan(c *Column) plan {
	switch c.DataTypeOID {
	case pgtype.DateOID:
		return planFor(c, func(r *run, v pgtype.Date, dst *driver.Value) {
			putMoment(r, v.Time, v.InfinityModifier, dst)
		})
	case pgtype.TimestampOID:
		return planFor(c, func(r *run, v pgtype.Timestamp, dst *driver.Value) {
			putMoment(r, v.Time, v.InfinityModifier, dst)
		})
	default:
		return planFor(c, func(r *run, v pgtype.Timestamptz, dst *driver.Value) {
			putMoment(r, v.Time, v.InfinityModifier, dst)
		})
	}
}

// putMoment does what the Value method of pgtype's three types does.
func putMoment(r *run, t time.Time, infinity pgtype.InfinityModifier, dst *driver.Value) {
	if infinity != pgtype.Finite {
		*dst = infinity.String()
		return
	}
	r.putTime(t, dst)
}

// planFor makes the plan that scans into a T and boxes it with put.
func planFor[T any](c *Column, put func(*run, T, *driver.Value)) plan {
	target := new(T)
	scan := typesFor(c).PlanScan(c.DataTypeOID, c.Format, target)
	return func(r *run, src []byte, dst *driver.Value) error {
		if err := scan.Scan(src, target); err != nil {
			return err
		}
		put(r, *target, dst)
		return nil
	}
}

// typesFor gives the type map that a column's plan is made from. Planning one of the types that stdlib has a case for only
// reads the map, so the common one will do, unless the column has a location of its own. The codecs of other types may ask
// their map about any oid, so each gets a map to itself.
func typesFor(c *Column) *pgtype.Map {
	if c.Location == nil && kindOf(c.DataTypeOID) != kindString {
		return defaultTypes
	}
	m := pgtype.NewMap()
	switch {
	case c.Location == nil:
	case c.DataTypeOID == pgtype.TimestampOID:
		codec := &pgtype.TimestampCodec{ScanLocation: c.Location}
		m.RegisterType(&pgtype.Type{Name: "timestamp", OID: c.DataTypeOID, Codec: codec})
	case c.DataTypeOID == pgtype.TimestamptzOID:
		codec := &pgtype.TimestamptzCodec{ScanLocation: c.Location}
		m.RegisterType(&pgtype.Type{Name: "timestamptz", OID: c.DataTypeOID, Codec: codec})
	}
	return m
}
