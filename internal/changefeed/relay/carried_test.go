package relay

import "testing"

// Carried is a transport that fleets are tested with: Join makes what gives each process of one fleet its own.
type Carried struct {
	Name string
	Join func(t testing.TB, dsn string) func() Transport
}

// others are those of packages that use this one, which therefore can't be used here: transports_test.go adds them.
var others []Carried

// AddTransport adds one.
func AddTransport(c Carried) { others = append(others, c) }

// everyTransport are all that there are.
func everyTransport() []Carried {
	return append([]Carried{
		{"memory", func(testing.TB, string) func() Transport {
			m := new(memory)
			return func() Transport { return m }
		}},
		{"streams", func(t testing.TB, _ string) func() Transport {
			n := new(network)
			t.Cleanup(n.serving.Wait)
			return func() Transport {
				n.mu.Lock()
				name := string(rune('a' + len(n.names)))
				n.mu.Unlock()
				return n.join(name)
			}
		}},
	}, others...)
}

// ViaRedis gives a process of a fleet that a Redis server joins.
var ViaRedis func(t testing.TB, url string) Transport
