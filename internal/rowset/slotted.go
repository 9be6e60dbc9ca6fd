package rowset

// Rows of a small result and the slots for its values stand in one block of the heap: a hit should cost one.
type (
	fewSlots struct {
		Rows
		slots [3]slot
	}
	someSlots struct {
		Rows
		slots [8]slot
	}
	manySlots struct {
		Rows
		slots [16]slot
	}
)

// newRows returns the rows of results of a layout, of which so many are expected.
func newRows(l *Layout, rows int) *Rows {
	r, slots := slotted(rows * l.demand.values)
	r.layout, r.run.demand, r.run.slots = l, &l.demand, slots
	return r
}

// slotted returns rows with slots for so many values, or with none if that is too many for slots to be worth it.
func slotted(values int) (*Rows, []slot) {
	switch {
	case values == 0 || values > len(manySlots{}.slots):
		return new(Rows), nil
	case values <= len(fewSlots{}.slots):
		r := new(fewSlots)
		return &r.Rows, r.slots[:]
	case values <= len(someSlots{}.slots):
		r := new(someSlots)
		return &r.Rows, r.slots[:]
	default:
		r := new(manySlots)
		return &r.Rows, r.slots[:]
	}
}
