package dsn

import (
	"strings"
	"testing"
)

func TestRedact(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		// Well formed: exactly the passwords go.
		{"", ""},
		{"host=db user=app", "host=db user=app"},
		{"host=db password=pw user=app", "host=db password=xxxxx user=app"},
		{"host=db password = 'p\\'w x' user=app", "host=db password=xxxxx user=app"},
		{`password=p\ w sslpassword=q host=db`, "password=xxxxx sslpassword=xxxxx host=db"},
		{"passfile=/home/a/.pgpass sslkey=/k require_auth=md5", "passfile=/home/a/.pgpass sslkey=/k require_auth=md5"},
		{"postgres://app@db:5432/prod?sslmode=disable", "postgres://app@db:5432/prod?sslmode=disable"},
		{"postgres://app:pw@a:1,[::1]:2/prod?a=b", "postgres://app:xxxxx@a:1,[::1]:2/prod?a=b"},
		{"postgres://app:p%40w@db", "postgres://app:xxxxx@db"},
		{"postgres://:pw@", "postgres://:xxxxx@"},
		{"postgres://db/prod?user=app&pass%77ord=pw&a=b", "postgres://db/prod?user=app&pass%77ord=xxxxx&a=b"},
		{"postgres://app:pw@db?pgcache_redis=redis://u:pw@r:6379,s/0&pgcache=on", "postgres://app:xxxxx@db?pgcache_redis=redis://u:xxxxx@r:6379,s/0&pgcache=on"},
		{"postgres://app:pw@db?pgcache_peers=https://u:pw@a:1", "postgres://app:xxxxx@db?pgcache_peers=https://u:xxxxx@a:1"},
		{"postgres://app:pw@db?pgcache_redis=redis%3A%2F%2F%3Apw%40r", "postgres://app:xxxxx@db?pgcache_redis=redis%3A%2F%2F%3Axxxxx%40r"},
		{"host=db pgcache_redis='redis://:pw@r:6379/0?password=pw'", "host=db pgcache_redis=redis://:xxxxx@r:6379/0?password=xxxxx"},
		{"pgcache_peers=https://u:pw@a:1,https://b:2", "pgcache_peers=https://u:xxxxx@a:1,https://b:2"},
		{"pgcache_redis=redis://tok@r", "pgcache_redis=redis://xxxxx@r"},
		{"pgcache_peer_secret_file=/etc/secret pgcache_redis_key_file=./key", "pgcache_peer_secret_file=/etc/secret pgcache_redis_key_file=./key"},
		{"pgcache_peer_secret_file=pw pgcache_redis_key_file=pw", "pgcache_peer_secret_file=xxxxx pgcache_redis_key_file=xxxxx"},
		{"pgcache_peer_secret=pw pgcache_redis_auth=pw", "pgcache_peer_secret=xxxxx pgcache_redis_auth=xxxxx"},
		{"postgres://db?pgcache_rule=hot: sql~a|b ttl=1m", "postgres://db?pgcache_rule=hot: sql~a|b ttl=1m"},
		{"registeredConnConfig0 pgcache_redis=redis://:pw@r", "registeredConnConfig0 pgcache_redis=redis://:xxxxx@r"},
		{"registeredConnConfig0?pgcache_redis=redis%3A%2F%2F%3Apw%40r", "registeredConnConfig0?pgcache_redis=redis%3A%2F%2F%3Axxxxx%40r"},

		// Not well formed: rather too much.
		{"postgres://app:p/w@db/prod", "postgres://app:xxxxx@db/prod"},
		{"postgres://app:1/w@db/prod", "postgres://app:xxxxx@db/prod"},
		{"postgres://app:p@w@db/prod", "postgres://app:xxxxx@db/prod"},
		{"postgres://app:p?w=x@db/prod", "postgres://app:xxxxx@db/prod"},
		{"postgres://app:1?w=/x@db/prod", "postgres://app:xxxxx@db/prod"},
		{"postgres://app:p w@db/prod", "postgres://app:xxxxx@db/prod"},
		{"postgres://app:pw", "postgres://app:xxxxx"},
		{"postgres://app://pw:@db/prod?a", "postgres://app:xxxxx@db/prod?a"},
		{"peers https://a:1, https://b:2", "peers https://a:1, https://b:2"},
		{"postgres://app:pw%40db/prod", "postgres://app:xxxxx"},
		{"postgres://h?password=pw@db", "postgres://xxxxx"},
		{"postgres://app:pw@db:5432/prod: refused", "postgres://app:xxxxx@db:5432/prod: refused"},
		{" postgres://app:pw@db/prod?a=b", " postgres://app:xxxxx@db/prod?a=b"},
		{"postgres//app:pw@db/prod?a=b", "postgres//app:xxxxx@db/prod?a=b"},
		{"pgcache://app:pw@db/prod?a=b", "pgcache://app:xxxxx@db/prod?a=b"},
		{"app:pw@db/prod", "app:xxxxx@db/prod"},
		{"host=db password=p w user=app", "host=db password=xxxxx user=app"},
		{"host=db password='pw user=app", "host=db password=xxxxx"},
		{`host=db password="p w" user=app oops`, "host=db password=xxxxx user=app oops"},
		{`host=db password=""pw a=b oops`, "host=db password=xxxxx a=b oops"},
		{"host=db PASSWORD: pw", "host=db PASSWORD: xxxxx"},
		{`{"password": "pw", "host": "db"}`, `{"password": xxxxx`},
		{"dial redis://:pw@r:6379: connection refused", "dial redis://:xxxxx@r:6379: connection refused"},
		{"hot: sql~a@b ttl=1m", "hot: sql~a@b ttl=1m"},
		{"redis://:p%2540w%2540r/x y", "redis://:xxxxx"},
		{"redis%253A//:pw%2540r oops", "redis%253A//:xxxxx%2540r oops"},
		{`oops password=a\ b=c host=db`, "oops password=xxxxx host=db"},
		{"postgres://app@db?password=p&w&a=b", "postgres://xxxxx@db?password=xxxxx&a=b"},
		{"postgres://app:pw token:x@db secret=y x", "postgres://app:xxxxx secret=xxxxx"},
		{"%70assword=p%77 oops", "%70assword=xxxxx"},
		{"password\v=\vpw oops", "password\v=\vxxxxx"},
	} {
		if got := Redact(tt.in); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.in, got, tt.want)
		}
	}
}

func TestErrorsAreShort(t *testing.T) {
	for _, dsn := range []string{
		"pgcache_store=" + strings.Repeat("ä", 10000),
		"pgcache_" + strings.Repeat("a", 10000) + "=x",
		"pgcache_rule='" + strings.Repeat("a", 10000) + "'",
	} {
		_, err := Parse(dsn)
		if err == nil || len(err.Error()) > 1000 {
			t.Errorf("%.20s...: an error of %d bytes", dsn, len(err.Error()))
		}
	}
}
