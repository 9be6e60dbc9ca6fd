package memory

import "sync/atomic"

// budget is the number of bytes that all shards together may hold.
//
// Invariant: used never exceeds limit, and is never less than what is live. Bytes are reserved before they become live
// and released after they have died.
type budget struct {
	limit int64
	used  atomic.Int64
}

// take reserves need bytes if they are free.
func (b *budget) take(need int64) bool {
	for {
		used := b.used.Load()
		if used+need > b.limit {
			return false
		}
		if b.used.CompareAndSwap(used, used+need) {
			return true
		}
	}
}

func (b *budget) release(bytes int64) {
	if bytes != 0 {
		b.used.Add(-bytes)
	}
}

// patience is how many entries in a row may earn another turn before one has to go all the same. It bounds what a
// single Put can cost when everything is popular: about 100 µs.
const patience = 1024

// reserve takes need bytes, dropping entries until they are free. It reports false when nothing is left to be dropped,
// because need is more than the limit or because others have reserved the rest.
func (s *Store) reserve(need int64) bool {
	if need > s.budget.limit {
		return false
	}
	for spared := 0; !s.budget.take(need); {
		freed, looked := s.evict(spared >= patience)
		if !looked {
			return false
		}
		s.budget.release(freed)
		if spared++; freed > 0 {
			spared = 0
		}
	}
	return true
}

// evict gives the next shard its turn to look at an entry. A shard that has none passes its turn on.
func (s *Store) evict(force bool) (freed int64, looked bool) {
	first := s.turn.Add(1)
	for i := range uint64(len(s.shards)) {
		if freed, looked = s.shard(first+i).evict(s.expired, force); looked {
			return freed, true
		}
	}
	return 0, false
}
