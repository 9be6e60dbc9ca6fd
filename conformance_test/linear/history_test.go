package linear_test

import (
	"fmt"
	"math"
	"slices"
	"sort"
)

// A register is one thing that holds a version: a row, the rows below it, or a table. Each has one writer, who gives it ever
// higher versions, so that a version is never written twice and says by itself how old it is. Writes that are rolled back have
// versions too: nobody may ever see those.

// The versions that no writer gives.
const (
	absent = -1 - iota // the register was not there at all, which it always is
	torn               // parts of it that are written together had different versions
)

// initial is the version that a register has before the first write.
const initial = 0

// read is one observation of a register: what was read, and the time between which that was.
type read struct {
	Register int32
	Lookup   int32
	Version  int64
	Begin    int64
	End      int64
}

// outcome is how a write ended.
type outcome int

const (
	committed  outcome = iota // the writer was told so, at the time of its end
	rolledBack                // it never happened
	unknown                   // the writer lost its connection: it happened or not
)

// write is one write of a register. It took effect, if at all, between begin and end.
type write struct {
	Register int32
	Version  int64
	Begin    int64
	End      int64
	Outcome  outcome
	Kind     string
}

// history is all that is known of the writes: those of each register, in the order of their versions, which is also that of
// their beginnings.
type history map[int32][]write

func historyOf(writes []write) history {
	h := make(history)
	for _, w := range writes {
		if w.Outcome == unknown {
			w.End = math.MaxInt64
		}
		h[w.Register] = append(h[w.Register], w)
	}
	for _, list := range h {
		slices.SortFunc(list, func(a, b write) int { return int(a.Version - b.Version) })
	}
	return h
}

// violation is a read that no linearizable register would have given.
type violation struct {
	read
	why string
	// age is for how long the version had been replaced, by a write that was acknowledged, when the read began.
	age int64
	// late is set when the version had been there, and nothing newer was acknowledged, but others had read newer ones.
	late bool
}

func (v violation) String() string {
	return fmt.Sprintf("register %d, lookup %s, read %d from %d to %d: %s", v.Register, lookups[v.Lookup].name, v.Version, v.Begin, v.End, v.why)
}

// check gives the reads that are not linearizable.
//
// It is exact for these registers. Let the writes of a register be in the order of their versions; a write never begins
// before the one with the version before it began. The history is linearizable if and only if
//
//	(1) each version read was written, by a write that was not rolled back and began before the read ended;
//	(2) no read gives a version lower than one whose write was acknowledged before the read began;
//	(3) no read gives a version lower than one that another read gave which ended before this one began.
//
// They are necessary: in any order of all operations that agrees with real time, a write that was acknowledged before a
// read began comes before it, and one that began after the read ended comes after it; versions only grow in that order.
//
// They are sufficient: order the operations by version, for each version its write first and then its reads in the order in
// which they began, and leave out the writes of unknown outcome that nobody read. In this order each read follows the write
// of the version it gives, with no other write between. It remains to see that it agrees with real time, that is, if a ended
// before b began then a does not come after b. If the versions differ, b's is not the lower one: for two writes by the
// order in which a writer works; for a write and then a read by (2); for two reads by (3); for a read a and then a write b
// because the write of a's version began before a ended, by (1), hence before b began. If they are equal and both are reads,
// they are in the order in which they began; if a is the write it comes first; and b is not the write, since by (1) the
// write of a's version began before a ended.
//
// So the check takes one look at each read, where a general checker has to search.
// TestTheCheckersAgree holds the two against each other.
func (h history) check(reads []read) []violation {
	var found []violation
	byRegister := make(map[int32][]read)
	for _, r := range reads {
		byRegister[r.Register] = append(byRegister[r.Register], r)
	}
	for register, list := range byRegister {
		found = append(found, h.checkOne(h[register], list)...)
	}
	slices.SortFunc(found, func(a, b violation) int { return int(a.Begin - b.Begin) })
	return found
}

func (h history) checkOne(writes []write, reads []read) (found []violation) {
	slices.SortFunc(reads, func(a, b read) int { return int(a.Begin - b.Begin) })
	acknowledged := acknowledgements(writes)
	ended := slices.Clone(reads)
	slices.SortFunc(ended, func(a, b read) int { return int(a.End - b.End) })
	next, highest := 0, int64(initial) // of the reads that ended before the one at hand began
	for _, r := range reads {
		for ; next < len(ended) && ended[next].End < r.Begin; next++ {
			highest = max(highest, ended[next].Version)
		}
		if why, sound := written(writes, r); !sound {
			found = append(found, violation{read: r, why: why})
			continue
		}
		if w, ok := newest(acknowledged, r.Begin); ok && w.Version > r.Version {
			w = replacing(writes, r.Version)
			why := fmt.Sprintf("%d was acknowledged at %d, %d ns before (%s)", w.Version, w.End, r.Begin-w.End, w.Kind)
			found = append(found, violation{read: r, why: why, age: r.Begin - w.End})
			continue
		}
		if highest > r.Version {
			found = append(found, violation{read: r, why: fmt.Sprintf("%d had been read before", highest), late: true})
		}
	}
	return found
}

// acknowledgements are the writes that are sure to have happened by some time, in the order of that time, and of them those
// that raise the version.
func acknowledgements(writes []write) []write {
	list := slices.DeleteFunc(slices.Clone(writes), func(w write) bool { return w.Outcome != committed })
	slices.SortStableFunc(list, func(a, b write) int { return int(a.End - b.End) })
	highest := int64(initial)
	return slices.DeleteFunc(list, func(w write) bool {
		if w.Version < highest {
			return true
		}
		highest = w.Version
		return false
	})
}

// newest is the last write that was acknowledged before a time.
func newest(acknowledged []write, at int64) (write, bool) {
	i := sort.Search(len(acknowledged), func(i int) bool { return acknowledged[i].End >= at })
	if i == 0 {
		return write{}, false
	}
	return acknowledged[i-1], true
}

// replacing is the first acknowledged write after a version.
func replacing(writes []write, version int64) write {
	first := write{End: math.MaxInt64}
	for _, w := range writes {
		if w.Outcome == committed && w.Version > version && w.End < first.End {
			first = w
		}
	}
	return first
}

// written tells whether the version that was read can have been written by then, and if not, why.
func written(writes []write, r read) (why string, ok bool) {
	switch r.Version {
	case initial:
		return "", true
	case absent:
		return "there was nothing", false
	case torn:
		return "its parts were not of one version", false
	}
	i, exists := slices.BinarySearchFunc(writes, r.Version, func(w write, version int64) int { return int(w.Version - version) })
	switch {
	case !exists:
		return "nobody wrote that", false
	case writes[i].Outcome == rolledBack:
		return "that was rolled back: " + writes[i].Kind, false
	case writes[i].Begin > r.End:
		return "that was not written yet", false
	default:
		return "", true
	}
}
