package dsn_test

import (
	"errors"
	"fmt"

	"github.com/gopgcache/pgcache/dsn"
)

func Example() {
	c, err := dsn.Parse("postgres://app@db.example/prod?sslmode=require" +
		"&pgcache_rule=hot: table=accounts,sales.* ttl=10m&pgcache_memory=256MiB")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("pgx gets:", c.Base)
	fmt.Println("memory:  ", c.Memory)
	fmt.Println("rule:    ", c.Rules[0].Name, "for", c.Rules[0].TTL)
	// Output:
	// pgx gets: postgres://app@db.example/prod?sslmode=require
	// memory:   268435456
	// rule:     hot for 10m0s
}

func ExampleParse_keyword() {
	c, err := dsn.Parse(`host=db.example user=app pgcache_rule='report: sql~"(?i)^select .* from orders" ttl=1h stale=5m'`)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Base)
	fmt.Println(c.Rules[0])
	// Output:
	// host=db.example user=app
	// report: sql~"(?i)^select .* from orders" ttl=1h stale=5m
}

func ExampleError() {
	_, err := dsn.Parse("host=db.example password=secret pgcache_stroe=redis")
	fmt.Println(err)
	if e, ok := errors.AsType[*dsn.Error](err); ok {
		fmt.Println(e.Suggestion)
	}
	// Output:
	// pgcache: pgcache_stroe="redis": unknown parameter; did you mean "pgcache_store"?
	// pgcache_store
}

func ExampleConfig_Format() {
	c, err := dsn.Parse("pgcache_memory=65536kib host=db.example pgcache_timeout=0.1s")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Format())
	// Output: host=db.example pgcache_timeout=100ms
}

func ExampleConfig_Unsupported() {
	c, err := dsn.Parse("host=db.example pgcache_tx=readonly pgcache_redis=redis://:secret@cache.example:6379")
	if err != nil {
		fmt.Println(err)
		return
	}
	err = c.Unsupported()
	fmt.Println(err)
	fmt.Println(errors.Is(err, dsn.ErrUnsupported))
	// Output:
	// pgcache: pgcache_tx="readonly": not supported yet
	// true
}

func ExampleRedact() {
	fmt.Println(dsn.Redact("postgres://app:secret@db.example/prod?pgcache_redis=redis://:secret@cache.example:6379"))
	fmt.Println(dsn.Redact("dial redis://:sec/ret@cache.example:6379: connection refused"))
	// Output:
	// postgres://app:xxxxx@db.example/prod?pgcache_redis=redis://:xxxxx@cache.example:6379
	// dial redis://:xxxxx@cache.example:6379: connection refused
}

func ExampleParseRule() {
	r, err := dsn.ParseRule("hot: table=accounts,sales.* ttl=90m allow=app.price")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Tables[1].Match("sales", "orders"), r.Tables[1].Match("public", "orders"))
	fmt.Println(r)
	// Output:
	// true false
	// hot: table=accounts,sales.* ttl=1h30m allow=app.price
}
