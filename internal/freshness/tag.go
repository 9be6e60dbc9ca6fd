package freshness

// Tag names a thing that an entry depends on: a table, or the rows of a table that have a value in a column. Tags are hashes:
// two that collide cost a needless miss and no more. They are the same in every process.
type Tag = uint64

// rowTag is set in the tags of rows, of which there are many more than of tables: the tracker keeps the two apart.
const rowTag Tag = 1 << 63

// TableTag is the tag of a table, by its object identifier. Every change of the table touches it.
func TableTag(oid uint32) Tag { return mix(uint64(oid)) &^ rowTag }

// ColumnTag stands for the rows of a table whose value in a column is not known. A change touches it that does not say what
// the value was before, and so does a change of all rows. Everything that depends on a RowTag of the column depends on it
// too, in place of the table's tag: see [Tracker.Tell].
func ColumnTag(oid uint32, column string) Tag { return ColumnOf(oid, column).Tag() }

// RowTag stands for the rows of a table that have a value in a column. The value is in the type's one text form, so only
// types that have one may be named by it.
func RowTag(oid uint32, column, value string) Tag {
	return mix(hash(ColumnOf(oid, column).seed, value)) | rowTag
}

// Column makes the tags of a table's rows by one column. What they have in common is hashed once.
type Column struct{ seed uint64 }

// ColumnOf gives the tags of a table's rows by a column.
func ColumnOf(oid uint32, column string) Column {
	return Column{mix(hash(mix(uint64(oid)), column))}
}

// Tag is the ColumnTag.
func (c Column) Tag() Tag { return c.seed &^ rowTag }

// Row is the RowTag of a value.
func (c Column) Row(value []byte) Tag { return mix(hash(c.seed, value)) | rowTag }

// hash is FNV-1a (Fowler, Noll, Vo) begun with another seed.
func hash[T string | []byte](seed uint64, text T) uint64 {
	h := seed ^ 0xcbf29ce484222325
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * 0x100000001b3
	}
	return h
}

// mix spreads neighbouring numbers over all bits. It is the finalizer of splitmix64 (Steele, Lea, Flood 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
