package wal

import (
	"slices"

	"github.com/jackc/pglogrepl"
)

// relation is what a table looks like to the changes that follow.
type relation struct {
	oid uint32
	// identity is its replica identity: (d)efault, the primary key; (i)ndex; (f)ull; (n)othing.
	identity byte
	// full is its name, and types are those of its columns.
	full  [2]string
	types []uint32
	names []string
	// key tells of each column whether it belongs to the identity.
	key []bool
	// places are where the columns that matter are, in the order in which they came to matter; -1 is nowhere.
	places []int
}

func newRelation(m *pglogrepl.RelationMessage) *relation {
	r := &relation{oid: m.RelationID, identity: m.ReplicaIdentity, full: [2]string{m.Namespace, m.RelationName}}
	for _, column := range m.Columns {
		r.names = append(r.names, column.Name)
		r.types = append(r.types, column.DataType)
		r.key = append(r.key, column.Flags&1 != 0)
	}
	return r
}

// same tells whether two descriptions of a table are the same.
func (r *relation) same(other *relation) bool {
	return r.identity == other.identity && r.full == other.full && slices.Equal(r.names, other.names) &&
		slices.Equal(r.types, other.types) && slices.Equal(r.key, other.key)
}

// find finds the columns that matter. The list of them only grows.
func (r *relation) find(columns []string) []int {
	for _, name := range columns[min(len(r.places), len(columns)):] {
		r.places = append(r.places, slices.Index(r.names, name))
	}
	return r.places
}
