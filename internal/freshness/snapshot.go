package freshness

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Snapshot says which transactions a query sees, as pg_current_snapshot gives it (PostgreSQL's documentation, "Transaction ID
// and Snapshot Information Functions"). Transaction numbers have 64 bits and never come again on one server.
type Snapshot struct {
	// Min is the lowest transaction that was still running: all below it are seen, or were rolled back.
	Min uint64
	// Max is one past the highest that had ended: none from it on is seen.
	Max uint64
	// Running are those between that had not ended, sorted.
	Running []uint64
}

// ParseSnapshot reads the text form, "min:max:running,running".
func ParseSnapshot(text string) (Snapshot, error) {
	var s Snapshot
	fields := strings.Split(text, ":")
	if len(fields) != 3 {
		return s, fmt.Errorf("pgcache: %q is not a snapshot", text)
	}
	var err error
	number := func(digits string) uint64 {
		n, e := strconv.ParseUint(digits, 10, 64)
		if e != nil {
			err = fmt.Errorf("pgcache: %q is not a snapshot: %w", text, e)
		}
		return n
	}
	s.Min, s.Max = number(fields[0]), number(fields[1])
	if fields[2] != "" {
		for digits := range strings.SplitSeq(fields[2], ",") {
			s.Running = append(s.Running, number(digits))
		}
	}
	return s, err
}

// DecodeSnapshot reads the binary form: how many are running in 4 bytes, the lowest and one past the highest in 8 each, and those
// running.
func DecodeSnapshot(b []byte) (Snapshot, error) {
	const word, head = 8, 4 + 2*8
	if len(b) < head || len(b) != head+word*int(binary.BigEndian.Uint32(b)) {
		return Snapshot{}, fmt.Errorf("pgcache: %d bytes are not a snapshot", len(b))
	}
	s := Snapshot{Min: binary.BigEndian.Uint64(b[4:]), Max: binary.BigEndian.Uint64(b[4+word:])}
	for b = b[head:]; len(b) > 0; b = b[word:] {
		s.Running = append(s.Running, binary.BigEndian.Uint64(b))
	}
	return s, nil
}

// Sees tells whether a query with this snapshot sees what the transaction wrote, given that it committed.
func (s *Snapshot) Sees(xid uint64) bool {
	if xid < s.Min || xid >= s.Max {
		return xid < s.Min
	}
	_, running := slices.BinarySearch(s.Running, xid)
	return !running
}

// Same tells whether no transaction that writes has ended between two snapshots of one server.
func (s *Snapshot) Same(other *Snapshot) bool {
	return s.Max == other.Max && slices.Equal(s.Running, other.Running)
}

// Past tells whether every transaction up to and with xid had ended.
func (s *Snapshot) Past(xid uint64) bool {
	return s.Max > xid && (len(s.Running) == 0 || s.Running[0] > xid)
}
