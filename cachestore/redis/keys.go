package redis

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/url"

	"github.com/gopgcache/pgcache/cachestore"
)

const (
	// layoutVersion is that of the envelope around an encoded entry, and of how entries, epochs and leases work together.
	layoutVersion = 1
	// ledgerVersion is that of the ledger. Programs of all versions that write to one database must see each other's writes,
	// so it is not the version of entries, and changes only if programs with the old one must never meet those with the new.
	ledgerVersion = 1
	// buckets is over how many hash tags the entries are spread, so that a Cluster can spread them over its slots.
	buckets = 1024
)

// names makes the names of keys and channels.
type names struct {
	entries string // what those of entries, epochs and leases start with
	ledger  string // what those of the ledger start with
	scope   string // the scope's part in the name of a lease
	buckets [buckets]string
}

func newNames(namespace, scope string) *names {
	prefix := ""
	if namespace != "" {
		prefix = url.PathEscape(namespace) + ":" // a { in it would be taken for a hash tag
	}
	sum := sha256.Sum256([]byte(scope))
	scope = hex.EncodeToString(sum[:8])
	n := &names{
		entries: fmt.Sprintf("%spgcache:%d.%d:", prefix, cachestore.FormatVersion, layoutVersion),
		ledger:  fmt.Sprintf("%spgcache:ledger.%d:%s:", prefix, ledgerVersion, scope),
		scope:   scope,
	}
	for i := range n.buckets {
		n.buckets[i] = n.entries + "{" + bucketName(i) + "}:"
	}
	return n
}

// entryNames are the keys of one entry. All of them have the hash tag of the entry's bucket in common, so that one script may use
// them all in a Cluster.
type entryNames struct {
	epoch   string // of the bucket: what an entry must have been put under to be read
	value   string
	lease   string
	channel string // where the end of a lease is told
	slots   int    // in which range of a Cluster's slots they are
}

func (n *names) entry(key cachestore.Key) entryNames {
	number := int(key[0])<<2 | int(key[1])>>6
	bucket := n.buckets[number]
	id := hex.EncodeToString(key[:])
	return entryNames{
		epoch:   bucket + "epoch",
		value:   bucket + "entry:" + id,
		lease:   bucket + "lease:" + n.scope + ":" + id,
		channel: n.entries + "wake:" + n.scope + ":" + id,
		slots:   slotsOf[number],
	}
}

func bucketName(number int) string { return fmt.Sprintf("%03x", number) }

// ranges is into how many parts a Cluster's slots are divided: masters usually have whole ranges of slots.
const ranges = 16

// slotsOf is in which range the slot of each bucket is.
var slotsOf = func() (all [buckets]int) {
	for i := range all {
		all[i] = int(crc16(bucketName(i))%16384) * ranges / 16384
	}
	return all
}()

// crc16 is the checksum by which a Cluster finds the slot of a key: polynomial 0x1021, nothing reflected.
func crc16(s string) (sum uint16) {
	for _, c := range []byte(s) {
		sum ^= uint16(c) << 8
		for range 8 {
			carry := sum&0x8000 != 0
			if sum <<= 1; carry {
				sum ^= 0x1021
			}
		}
	}
	return sum
}

// epochs are the names of the epochs of all buckets.
func (n *names) epochs() []string {
	all := make([]string, buckets)
	for i := range all {
		all[i] = n.buckets[i] + "epoch"
	}
	return all
}

// tagNames are the keys of one tag in the ledger, with a hash tag in common.
type tagNames struct {
	version string
	writers string
	never   string // nobody ever sets it
}

func (n *names) tag(tag uint64) tagNames {
	return n.tagNamed(hex.EncodeToString(binary.BigEndian.AppendUint64(nil, tag)))
}

// everything is the tag of writes that may write anything.
func (n *names) everything() tagNames { return n.tagNamed("all") }

func (n *names) tagNamed(tag string) tagNames {
	base := n.ledger + "{" + tag + "}:"
	return tagNames{version: base + "version", writers: base + "writers", never: base + "never"}
}
