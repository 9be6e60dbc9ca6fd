package redis

import goredis "github.com/redis/go-redis/v9"

// NewClient returns a client of its own for the Redis that the configuration names, for parts of the program that need more of
// Redis than a store. Its operations are bounded as the store's are, but for those that wait by design. It does not dial, and
// belongs to the caller. prefix is what the names of keys should start with: no fleet with another namespace, server or database
// has the same.
func NewClient(c Config) (client goredis.UniversalClient, prefix string, err error) {
	t, err := parseURL(c.URL)
	if err != nil {
		return nil, "", err
	}
	client, err = newClient(t, c.TLS, c.timeout())
	return client, newNames(c.Namespace, c.Scope).ledger, err
}
