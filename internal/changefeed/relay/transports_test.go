package relay_test

import (
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/redis/go-redis/v9"

	"github.com/gopgcache/pgcache/internal/changefeed/relay"
	"github.com/gopgcache/pgcache/internal/changefeed/relay/notify"
	"github.com/gopgcache/pgcache/internal/changefeed/relay/redisrelay"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

func init() {
	relay.AddTransport(relay.Carried{Name: "redis", Join: joinRedis})
	relay.AddTransport(relay.Carried{Name: "notify", Join: joinNotify})
	relay.ViaRedis = func(t testing.TB, url string) relay.Transport {
		options, err := redis.ParseURL(url)
		if err != nil {
			t.Fatal(err)
		}
		options.ContextTimeoutEnabled, options.MaxRetries = true, -1
		client := redis.NewClient(options)
		t.Cleanup(func() { client.Close() })
		transport, err := redisrelay.New(client, "fleet")
		if err != nil {
			t.Fatal(err)
		}
		return transport
	}
}

func joinRedis(t testing.TB, _ string) func() relay.Transport {
	url := pgtest.OwnRedis(t).URL()
	return func() relay.Transport { return relay.ViaRedis(t, url) }
}

func joinNotify(t testing.TB, dsn string) func() relay.Transport {
	config, err := pgconn.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return func() relay.Transport {
		transport := notify.New(config, "fleet", []byte("secret"))
		t.Cleanup(func() { transport.Close() })
		return transport
	}
}
