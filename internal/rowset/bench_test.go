package rowset

import (
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"io"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// preparedRows is the floor that a replay is held against: rows that hand out values made beforehand.
type preparedRows struct {
	names  []string
	values [][]driver.Value
	next   int
}

func (p *preparedRows) Columns() []string { return p.names }
func (p *preparedRows) Close() error      { return nil }

func (p *preparedRows) Next(dest []driver.Value) error {
	if p.next == len(p.values) {
		return io.EOF
	}
	copy(dest, p.values[p.next])
	p.next++
	return nil
}

// threeColumns and twoColumns are the shapes that the project's goals are stated for.
var (
	threeColumns = []pgconn.FieldDescription{
		{Name: "id", DataTypeOID: pgtype.Int8OID, DataTypeSize: 8, TypeModifier: -1, Format: 1},
		{Name: "name", DataTypeOID: pgtype.TextOID, DataTypeSize: -1, TypeModifier: -1},
		{Name: "at", DataTypeOID: pgtype.TimestamptzOID, DataTypeSize: 8, TypeModifier: -1, Format: 1},
	}
	twoColumns = []pgconn.FieldDescription{
		{Name: "bid", DataTypeOID: pgtype.Int4OID, DataTypeSize: 4, TypeModifier: -1, Format: 1},
		{Name: "count", DataTypeOID: pgtype.Int8OID, DataTypeSize: 8, TypeModifier: -1, Format: 1},
	}
)

func benchmarkSet(tb testing.TB, fields []pgconn.FieldDescription, rows int) *Set {
	tb.Helper()
	columns, err := Columns(fields, nil)
	if err != nil {
		tb.Fatal(err)
	}
	b := NewBuilder(columns)
	for row := range rows {
		values := make([][]byte, len(fields))
		for i, f := range fields {
			switch f.DataTypeOID {
			case pgtype.Int4OID:
				values[i] = binary.BigEndian.AppendUint32(nil, uint32(1000+row))
			case pgtype.TextOID:
				values[i] = fmt.Appendf(nil, "customer %d", row)
			default:
				values[i] = binary.BigEndian.AppendUint64(nil, uint64(1_000_000*row+1000))
			}
		}
		if err := b.Append(values); err != nil {
			tb.Fatal(err)
		}
	}
	return b.Set()
}

func BenchmarkReplay(b *testing.B) {
	for _, shape := range []struct {
		name   string
		fields []pgconn.FieldDescription
		rows   int
	}{
		{"1x3", threeColumns, 1},
		{"1000x3", threeColumns, 1000},
		{"5000x2", twoColumns, 5000},
	} {
		set := benchmarkSet(b, shape.fields, shape.rows)
		names, values := set.Rows().Columns(), drain(b, set.Rows(), len(shape.fields))
		dest := make([]driver.Value, len(shape.fields))
		run := func(name string, open func() driver.Rows) {
			b.Run(shape.name+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					rows := open()
					for rows.Next(dest) == nil {
					}
					_ = rows.Close()
				}
				perValue := float64(b.Elapsed().Nanoseconds()) / float64(b.N*shape.rows*len(shape.fields))
				b.ReportMetric(perValue, "ns/value")
			})
		}
		run("floor", func() driver.Rows { return &preparedRows{names: names, values: values} })
		run("set", func() driver.Rows { return set.Rows() })
	}
}

// drain reads all rows.
func drain(tb failer, rows driver.Rows, columns int) [][]driver.Value {
	tb.Helper()
	var all [][]driver.Value
	for {
		dest := make([]driver.Value, columns)
		switch err := rows.Next(dest); err {
		case nil:
			all = append(all, dest)
		case io.EOF:
			return all
		default:
			tb.Fatal(err)
		}
	}
}
