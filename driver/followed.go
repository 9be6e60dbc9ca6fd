package driver

import (
	"sync"

	"github.com/gopgcache/pgcache/dsn"
	"github.com/gopgcache/pgcache/internal/freshness"
)

// followed remembers the tables of which answers were given while their changes were followed. When that ends and the level falls
// to ttl, what was kept of them at ttl before is older than what has been answered since: it must not come back, or a reader
// would see time run backwards. The zero value is ready and safe for concurrent use.
type followed struct {
	mu     sync.Mutex
	tables map[freshness.Tag]struct{}
}

// add notes that the tables are followed.
func (f *followed) add(tables []freshness.Tag) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.tables == nil {
		f.tables = make(map[freshness.Tag]struct{})
	}
	for _, table := range tables {
		f.tables[table] = struct{}{}
	}
}

// end forgets those of the tables that were followed, and gives them.
func (f *followed) end(tables []freshness.Tag) (were []freshness.Tag) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, table := range tables {
		if _, ok := f.tables[table]; ok {
			were = append(were, table)
			delete(f.tables, table)
		}
	}
	return were
}

// fall is told the level that a verdict has come to, and sees to it that nothing is served at ttl that was read before the level
// fell to that. Where a rule or the connection string says ttl by name nothing falls.
func (c *cache) fall(v *verdict) {
	if v.follower != nil {
		c.followed.add(v.tags)
		return
	}
	if max(v.rule.Consistency, c.config.Consistency) != dsn.ConsistencyAuto {
		return
	}
	if were := c.followed.end(v.tags); len(were) > 0 {
		c.cutoffs.add(were)
	}
}
