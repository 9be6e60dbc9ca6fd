package rowset

import (
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// Table makes a result of our own, as SHOW and EXPLAIN give one: columns of type text, described as PostgreSQL describes an
// expression of that type. A row is taken to be as wide as names: cells that it lacks are NULL, cells beyond are left out.
func Table(names []string, rows [][]string) *Set {
	columns := make([]Column, len(names))
	for i, name := range names {
		columns[i] = Column{
			FieldDescription: pgconn.FieldDescription{
				Name:         name,
				DataTypeOID:  pgtype.TextOID,
				DataTypeSize: -1,
				TypeModifier: -1,
				Format:       pgtype.TextFormatCode,
			},
			TypeName: "TEXT",
		}
	}
	b := NewBuilder(columns)
	values := make([][]byte, len(names))
	for _, row := range rows {
		clear(values)
		for i := range min(len(row), len(names)) {
			values[i] = []byte(row[i])
		}
		b.data = AppendRow(b.data, values)
		b.rows++
	}
	return b.Set()
}
