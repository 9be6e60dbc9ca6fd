package driver

import (
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/gopgcache/pgcache/internal/catalog"
)

// identity is what makes two sessions alike: sessions share entries only if they have the same. Equal identities of one
// connector are the same pointer.
type identity struct {
	// material names server, execution mode, database, user and every setting that results depend on.
	material string
	// refusal says why nothing may be cached under this identity.
	refusal string
	// standby is set on a hot standby, whose order of commits no feed tells.
	standby bool
}

// identities makes equal identities the same pointer. It is bounded; an identity that falls out and comes back is another
// pointer, which costs misses and no more.
type identities struct {
	mu    sync.Mutex
	known map[string]*identity
}

const maxIdentities = 10_000

func (ids *identities) of(session *catalog.Session, config *pgx.ConnConfig) *identity {
	material := fmt.Sprintf("%q %d %d %q %t %s",
		config.Host, config.Port, config.DefaultQueryExecMode, session.Refusal, session.Recovery, session.Identity)
	ids.mu.Lock()
	defer ids.mu.Unlock()
	if id, ok := ids.known[material]; ok {
		return id
	}
	if ids.known == nil || len(ids.known) >= maxIdentities {
		ids.known = make(map[string]*identity)
	}
	id := &identity{material: material, refusal: session.Refusal, standby: session.Recovery}
	ids.known[material] = id
	return id
}
