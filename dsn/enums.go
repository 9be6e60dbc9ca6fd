package dsn

import (
	"errors"
	"strings"
)

// Mode says whether statements are cached at all.
type Mode uint8

// The modes; the zero value is the default.
const (
	ModeOn      Mode = iota // serve what the rules name
	ModeOff                 // nothing but pgx
	ModeObserve             // never serve, only learn
)

// Store says where entries live.
type Store uint8

// The stores; the zero value is the default.
const (
	StoreMemory Store = iota // this process
	StoreRedis               // Redis, with a memory tier in front
	StorePeer                // the processes of a fleet, with a memory tier in front
)

// Feed says where changes made by others are learnt from.
type Feed uint8

// The feeds; the zero value is the default.
const (
	FeedAuto  Feed = iota // what is already set up in the database
	FeedWAL               // logical replication
	FeedTouch             // a log written by triggers
	FeedRelay             // one reader for a fleet
	FeedNone              // no feed
)

// Consistency is how old an answer may be. In a [Rule], ConsistencyAuto stands
// for the connection string's level.
type Consistency uint8

// The levels, from the default to the strongest.
const (
	ConsistencyAuto    Consistency = iota // the best that can be had
	ConsistencyTTL                        // bounded by the rule's TTL; own writes are seen
	ConsistencyTracked                    // outside writes are seen when the feed delivers them
	ConsistencyStrict                     // linearizable
)

// Tx says what happens to reads in a transaction.
type Tx uint8

// The ways; the zero value is the default.
const (
	TxBypass   Tx = iota // PostgreSQL is always asked
	TxReadOnly           // READ COMMITTED transactions begun read-only are served too
)

// Empty says whether a result without rows is kept.
type Empty uint8

// The choices; the zero value is the default.
const (
	EmptyCache Empty = iota // kept like any other
	EmptySkip               // not kept
)

// The spellings, in the order of the constants.
var (
	modeNames        = []string{"on", "off", "observe"}
	storeNames       = []string{"memory", "redis", "peer"}
	feedNames        = []string{"auto", "wal", "touch", "relay", "none"}
	consistencyNames = []string{"auto", "ttl", "tracked", "strict"}
	txNames          = []string{"bypass", "readonly"}
	emptyNames       = []string{"cache", "skip"}
)

// modeSynonyms are what people write for on and off elsewhere.
var modeSynonyms = map[string]string{
	"true": "on", "yes": "on", "1": "on", "enable": "on", "enabled": "on",
	"false": "off", "no": "off", "0": "off", "disable": "off", "disabled": "off", "none": "off",
}

// String gives the value as the connection string spells it.
func (m Mode) String() string { return nameOf(modeNames, m) }

// String gives the value as the connection string spells it.
func (s Store) String() string { return nameOf(storeNames, s) }

// String gives the value as the connection string spells it.
func (f Feed) String() string { return nameOf(feedNames, f) }

// String gives the value as the connection string spells it.
func (c Consistency) String() string { return nameOf(consistencyNames, c) }

// String gives the value as the connection string spells it.
func (t Tx) String() string { return nameOf(txNames, t) }

// String gives the value as the rule spells it.
func (e Empty) String() string { return nameOf(emptyNames, e) }

// UnmarshalText reads the value in any letter case; what it does not know is
// an [Error].
func (m *Mode) UnmarshalText(text []byte) error {
	err := valueOf(modeNames, text, m)
	if e, ok := errors.AsType[*Error](err); ok {
		if synonym := modeSynonyms[strings.ToLower(string(text))]; synonym != "" {
			e.Suggestion = synonym
		}
	}
	return err
}

// UnmarshalText reads the value in any letter case; what it does not know is
// an [Error].
func (s *Store) UnmarshalText(text []byte) error { return valueOf(storeNames, text, s) }

// UnmarshalText reads the value in any letter case; what it does not know is
// an [Error].
func (f *Feed) UnmarshalText(text []byte) error { return valueOf(feedNames, text, f) }

// UnmarshalText reads the value in any letter case; what it does not know is
// an [Error].
func (c *Consistency) UnmarshalText(text []byte) error { return valueOf(consistencyNames, text, c) }

// UnmarshalText reads the value in any letter case; what it does not know is
// an [Error].
func (t *Tx) UnmarshalText(text []byte) error { return valueOf(txNames, text, t) }

// UnmarshalText reads the value in any letter case; what it does not know is
// an [Error].
func (e *Empty) UnmarshalText(text []byte) error { return valueOf(emptyNames, text, e) }

func nameOf[T ~uint8](names []string, v T) string {
	if int(v) >= len(names) {
		return "invalid"
	}
	return names[v]
}

// valueOf leaves v alone if the text is none of the names.
func valueOf[T ~uint8](names []string, text []byte, v *T) error {
	word := strings.ToLower(string(text))
	for i, name := range names {
		if word == name {
			*v = T(i)
			return nil
		}
	}
	return reasonf("must be %s", listed(names)).meaning(nearest(word, names))
}
