package dsn

import (
	"errors"
	"strings"
	"testing"
)

// malformed are connection strings that Parse refuses, each with what it says
// after "pgcache: ". The password in them is always hunter2.
var malformed = []struct{ dsn, want string }{
	{`pgcache=true`, `pgcache="true": must be on, off or observe; did you mean "on"?`},
	{`pgcache=ON!`, `pgcache="ON!": must be on, off or observe; did you mean "on"?`},
	{`pgcache=`, `pgcache: is empty`},
	{`host=db password=hunter2 pgcache`, `pgcache: has no = after it`},
	{`pgcache_feed none host=db`, `pgcache_feed: has no = after it`},
	{`pgcache=off pgcache=on`, `pgcache="on": is given twice`},
	{`PGCACHE=off`, `PGCACHE="off": unknown parameter; did you mean "pgcache"?`},
	{`pgcache_mode=off`, `pgcache_mode="off": unknown parameter`},
	{`pgcache_stor=redis`, `pgcache_stor="redis": unknown parameter; did you mean "pgcache_store"?`},
	{`pgcache_rules='a: * ttl=1s'`, `pgcache_rules="a: * ttl=1s": unknown parameter; did you mean "pgcache_rule"?`},
	{`pgcache_wibble=wobble`, `pgcache_wibble="wobble": unknown parameter`},
	{`pgcache_redis_password=hunter2`, `pgcache_redis_password="xxxxx": unknown parameter; did you mean "pgcache_redis"?`},
	{`pgcache_redis_pass=hunter2`, `pgcache_redis_pass="xxxxx": unknown parameter; did you mean "pgcache_redis"?`},
	{`pgcache-rule=x`, `pgcache-rule="x": unknown parameter; did you mean "pgcache_rule"?`},
	{`pgcache_store=redsi`, `pgcache_store="redsi": must be memory, redis or peer; did you mean "redis"?`},
	{`pgcache_store=file`, `pgcache_store="file": must be memory, redis or peer`},
	{`pgcache_memory=64`, `pgcache_memory="64": must lie between 4KiB and 1TiB; did you mean "64MiB"?`},
	{`pgcache_memory=0`, `pgcache_memory="0": must lie between 4KiB and 1TiB`},
	{`pgcache_memory=-5MiB`, `pgcache_memory="-5MiB": must be a size, a whole number followed by a unit, such as 64MiB`},
	{`pgcache_memory=64M`, `pgcache_memory="64M": must be a size, a whole number followed by B, kB, MB, GB, TB, KiB, MiB, GiB or TiB; did you mean "64MiB"?`},
	{`pgcache_memory='64 MiB'`, `pgcache_memory="64 MiB": must be a size, a whole number followed by B, kB, MB, GB, TB, KiB, MiB, GiB or TiB; did you mean "64MiB"?`},
	{`pgcache_memory=1.5GiB`, `pgcache_memory="1.5GiB": must be a size, a whole number followed by B, kB, MB, GB, TB, KiB, MiB, GiB or TiB`},
	{`pgcache_memory=lots`, `pgcache_memory="lots": must be a size, a whole number followed by a unit, such as 64MiB`},
	{`pgcache_memory=99999999999999999999`, `pgcache_memory="99999999999999999999": is larger than any memory`},
	{`pgcache_memory=2TiB`, `pgcache_memory="2TiB": must lie between 4KiB and 1TiB`},
	{`pgcache_max_entry=0`, `pgcache_max_entry="0": must lie between 1 and 1GiB`},
	{`pgcache_max_entry=2GiB`, `pgcache_max_entry="2GiB": must lie between 1 and 1GiB`},
	{`pgcache_timeout=50`, `pgcache_timeout="50": must be a duration, such as 500ms, 10s, 5m, 1h30m or 1d; did you mean "50ms"?`},
	{`pgcache_timeout=0s`, `pgcache_timeout="0s": must be more than zero and at most 1m`},
	{`pgcache_timeout=-1s`, `pgcache_timeout="-1s": must not be negative`},
	{`pgcache_timeout=2m`, `pgcache_timeout="2m": must be more than zero and at most 1m`},
	{`pgcache_timeout=fast`, `pgcache_timeout="fast": must be a duration, such as 500ms, 10s, 5m, 1h30m or 1d`},
	{`pgcache_feed=logical`, `pgcache_feed="logical": must be auto, wal, touch, relay or none`},
	{`pgcache_feed=wall`, `pgcache_feed="wall": must be auto, wal, touch, relay or none; did you mean "wal"?`},
	{`pgcache_consistency=stric`, `pgcache_consistency="stric": must be auto, ttl, tracked or strict; did you mean "strict"?`},
	{`pgcache_consistency=strong`, `pgcache_consistency="strong": must be auto, ttl, tracked or strict`},
	{`pgcache_tx=read-only`, `pgcache_tx="read-only": must be bypass or readonly; did you mean "readonly"?`},
	{`pgcache_namespace='a b'`, `pgcache_namespace="a b": must be at most 64 letters, digits, _, -, . and :`},
	{`pgcache_publication=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa`, `pgcache_publication="aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa": is longer than PostgreSQL's 63 bytes for a name`},
	{`pgcache_redis=localhost:6379`, `pgcache_redis="localhost:6379": must be a URL that starts with redis://, rediss:// or unix://; did you mean "redis://..."?`},
	{`pgcache_redis=redsi://:hunter2@cache:6379`, `pgcache_redis="redsi://:xxxxx@cache:6379": must start with redis://, rediss:// or unix://; did you mean "redis://"?`},
	{`pgcache_redis=redis://:hunter2@cache:port`, `pgcache_redis="redis://:xxxxx@cache:xxxxx": has a port that is not a number from 1 to 65535`},
	{`pgcache_redis=redis://:hun/ter2@cache`, `pgcache_redis="redis://:xxxxx@cache": must have the number of a database after the host, or nothing; a / in a password is written %2F`},
	{`pgcache_redis=redis://:hunter2@`, `pgcache_redis="redis://:xxxxx@": has an empty host`},
	{`pgcache_redis=redis://:hunt%zz2@cache`, `pgcache_redis="redis://:xxxxx@cache": has a malformed % escape before the @; a % in a password is written %25`},
	{`pgcache_redis=redis://:hunter2@cache/0?master=`, `pgcache_redis="redis://:xxxxx@cache/0?master=": has an empty master=, which is to name Sentinel's master`},
	{`pgcache_redis=redis://:hunter2@cache/0?a=%zz`, `pgcache_redis="redis://:xxxxx@cache/0?a=%zz": has a malformed query`},
	{`pgcache_redis=redis://:hunter2@[::1`, `pgcache_redis="redis://:xxxxx@[:xxxxx": has a malformed IPv6 address in brackets`},
	{`pgcache_redis=unix://:hunter2@run/redis.sock`, `pgcache_redis="unix://:xxxxx@run/redis.sock": needs the absolute path of a socket, as in unix:///run/redis.sock`},
	{`pgcache_redis_key_file=`, `pgcache_redis_key_file: is empty`},
	{`pgcache_peers=a:1,b:1`, `pgcache_peers="a:1,b:1": must be a URL, as in https://host:port`},
	{`pgcache_peers=https://a`, `pgcache_peers="https://a": has a host without a port`},
	{`pgcache_peers=https://a:1,https://a:1`, `pgcache_peers="https://a:1,https://a:1": names a peer twice`},
	{`pgcache_peers=https://a:1,,https://b:1`, `pgcache_peers="https://a:1,,https://b:1": has an empty peer`},
	{`pgcache_peers=https://:1`, `pgcache_peers="https://:1": has an empty host`},
	{`pgcache_peers=https://a:1?x`, `pgcache_peers="https://a:1?x": must have nothing after the port`},
	{`pgcache_peers='https://a b:1'`, `pgcache_peers="https://a b:1": has a host with a character that no host has`},
	{`pgcache_peers=htps://a:1`, `pgcache_peers="htps://a:1": must start with https://, http:// or dns://; did you mean "https://"?`},
	{`pgcache_peers=https://a:1/x`, `pgcache_peers="https://a:1/x": must have nothing after the port`},
	{`pgcache_peers=https://u:hunter2@a:1`, `pgcache_peers="https://u:xxxxx@a:1": must have no user and no password: peers share a secret file or certificates`},
	{`pgcache_peers=dns://peers:1,https://a:1`, `pgcache_peers="dns://peers:1,https://a:1": must be one dns:// name alone, or URLs`},
	{`pgcache_peers=http://a:1`, `pgcache_peers="http://a:1": plain http needs pgcache_peer_secret_file`},
	{`pgcache_peer_self=http://a:1`, `pgcache_peer_self="http://a:1": plain http needs pgcache_peer_secret_file`},
	{`pgcache_peer_self=dns://a:1`, `pgcache_peer_self="dns://a:1": must start with https:// or http://`},
	{`pgcache_peers=https://a:1 pgcache_peer_self=https://b:1`, `pgcache_peer_self="https://b:1": is not among pgcache_peers`},
	{`pgcache_peer_listen=https://a:1`, `pgcache_peer_listen="https://a:1": must be host:port without a scheme`},
	{`pgcache_peer_listen=8080`, `pgcache_peer_listen="8080": has a host without a port`},
	{`pgcache_peer_listen=a:99999`, `pgcache_peer_listen="a:99999": has a port that is not a number from 1 to 65535`},
	{`pgcache_peer_tls_cert=/c.pem`, `pgcache_peer_tls_cert="/c.pem": needs pgcache_peer_tls_key`},
	{`pgcache_peer_tls_key=/k.pem`, `pgcache_peer_tls_key="/k.pem": needs pgcache_peer_tls_cert`},
	{`pgcache_peer_secret=hunter2`, `pgcache_peer_secret="xxxxx": unknown parameter; did you mean "pgcache_peer_secret_file"?`},
	{`pgcache_rules_file=/nonexistent/rules`, `pgcache_rules_file="/nonexistent/rules": cannot be read: no such file or directory`},
	{`pgcache_rules_file=/`, `pgcache_rules_file="/": is not a regular file`},
	{`pgcache_rules_file=/dev/zero`, `pgcache_rules_file="/dev/zero": is not a regular file`},
	{`pgcache_rule=hot: table=a ttl=1m`, `pgcache_rule="hot:": rule hot matches nothing: add a matcher and a ttl, as in hot: table=accounts ttl=10m; a value with blanks stands in single quotes, as in pgcache_rule='hot: table=accounts ttl=10m'`},
	{`pgcache_rule='hot'`, `pgcache_rule="hot": must start with the rule's name, a colon and a blank, as in hot: table=accounts ttl=10m`},
	{`pgcache_rule='hot table=a ttl=1m'`, `pgcache_rule="hot table=a ttl=1m": must start with the rule's name, a colon and a blank, as in hot: table=accounts ttl=10m`},
	{`pgcache_rule='1hot: table=a ttl=1m'`, `pgcache_rule="1hot: table=a ttl=1m": needs a name of letters, digits, _ and -, at most 63, that starts with a letter or _`},
	{`pgcache_rule='hot: ttl=1m'`, `pgcache_rule="hot: ttl=1m": rule hot has no matcher: table=, any_table=, sql~, hint or *`},
	{`pgcache_rule='hot: table=a'`, `pgcache_rule="hot: table=a": rule hot has no ttl, as in ttl=10m`},
	{`pgcache_rule='hot: table=a ttl=0s'`, `pgcache_rule="hot: table=a ttl=0s": ttl must be more than zero`},
	{`pgcache_rule='hot: table=a ttl=10'`, `pgcache_rule="hot: table=a ttl=10": ttl must be a duration, such as 500ms, 10s, 5m, 1h30m or 1d; did you mean "ttl=10s"?`},
	{`pgcache_rule='hot: table=a ttl=4000d'`, `pgcache_rule="hot: table=a ttl=4000d": ttl is longer than 3650d`},
	{`pgcache_rule='hot: table=a ttl=1m ttl=2m'`, `pgcache_rule="hot: table=a ttl=1m ttl=2m": has ttl twice`},
	{`pgcache_rule='hot: table=a table=b ttl=1m'`, `pgcache_rule="hot: table=a table=b ttl=1m": has table twice`},
	{`pgcache_rule='hot: tabel=a ttl=1m'`, `pgcache_rule="hot: tabel=a ttl=1m": has an unknown word "tabel="; did you mean "table="?`},
	{`pgcache_rule='hot: table~a ttl=1m'`, `pgcache_rule="hot: table~a ttl=1m": needs table= where it has table~; did you mean "table="?`},
	{`pgcache_rule='hot: table ttl=1m'`, `pgcache_rule="hot: table ttl=1m": needs table= where it has table; did you mean "table="?`},
	{`pgcache_rule='hot: hint=x ttl=1m'`, `pgcache_rule="hot: hint=x ttl=1m": hint takes no value; did you mean "hint"?`},
	{`pgcache_rule='hot: table= ttl=1m'`, `pgcache_rule="hot: table= ttl=1m": table= is empty`},
	{`pgcache_rule='hot: table=a,,b ttl=1m'`, `pgcache_rule="hot: table=a,,b ttl=1m": table has an empty name`},
	{`pgcache_rule='hot: table=a,b,a ttl=1m'`, `pgcache_rule="hot: table=a,b,a ttl=1m": table names a twice`},
	{`pgcache_rule='hot: table=* ttl=1m'`, `pgcache_rule="hot: table=* ttl=1m": table names no table; the matcher * alone takes every statement`},
	{`pgcache_rule='hot: table=*.a ttl=1m'`, `pgcache_rule="hot: table=*.a ttl=1m": table may have a * only in place of the table of a schema, as in sales.*`},
	{`pgcache_rule='hot: table=sales.ord* ttl=1m'`, `pgcache_rule="hot: table=sales.ord* ttl=1m": table may have a * only in place of the table of a schema, as in sales.*`},
	{`pgcache_rule='hot: table=a.b.c ttl=1m'`, `pgcache_rule="hot: table=a.b.c ttl=1m": table takes a name or schema.name, not more parts`},
	{`pgcache_rule='hot: table=a-b ttl=1m'`, `pgcache_rule="hot: table=a-b ttl=1m": table has '-' in a name; such a name stands in double quotes`},
	{`pgcache_rule='hot: table="a ttl=1m'`, "pgcache_rule=`hot: table=\"a ttl=1m`: table has a double quote without its closing one"},
	{`pgcache_rule='hot: table="" ttl=1m'`, "pgcache_rule=`hot: table=\"\" ttl=1m`: table has an empty name"},
	{`pgcache_rule='hot: sql~( ttl=1m'`, `pgcache_rule="hot: sql~( ttl=1m": sql is not a regular expression: missing closing )`},
	{`pgcache_rule='hot: sql~ ttl=1m'`, `pgcache_rule="hot: sql~ ttl=1m": sql~ is empty`},
	{`pgcache_rule='hot: sql~"a ttl=1m'`, "pgcache_rule=`hot: sql~\"a ttl=1m`: sql has a double quote without its closing one"},
	{`pgcache_rule='hot: sql~"a"b ttl=1m'`, "pgcache_rule=`hot: sql~\"a\"b ttl=1m`: sql has text right after the closing quote; a quote inside is written \\\""},
	{`pgcache_rule='hot: sql=a ttl=1m'`, `pgcache_rule="hot: sql=a ttl=1m": needs sql~ where it has sql=; did you mean "sql~"?`},
	{`pgcache_rule='hot: * ttl=1m max_rows=0'`, `pgcache_rule="hot: * ttl=1m max_rows=0": max_rows must be a whole number above zero`},
	{`pgcache_rule='hot: * ttl=1m max_rows=many'`, `pgcache_rule="hot: * ttl=1m max_rows=many": max_rows must be a whole number above zero`},
	{`pgcache_rule='hot: * ttl=1m max_bytes=0'`, `pgcache_rule="hot: * ttl=1m max_bytes=0": max_bytes must be more than zero`},
	{`pgcache_rule='hot: * ttl=1m max_bytes=1Mb/s'`, `pgcache_rule="hot: * ttl=1m max_bytes=1Mb/s": max_bytes must be a size, a whole number followed by B, kB, MB, GB, TB, KiB, MiB, GiB or TiB`},
	{`pgcache_rule='hot: * ttl=1m empty=yes'`, `pgcache_rule="hot: * ttl=1m empty=yes": empty must be cache or skip`},
	{`pgcache_rule='hot: * ttl=1m allow=now()'`, `pgcache_rule="hot: * ttl=1m allow=now()": allow takes names without parentheses`},
	{`pgcache_rule='hot: * ttl=1m allow=now,NOW'`, `pgcache_rule="hot: * ttl=1m allow=now,NOW": allow names now twice`},
	{`pgcache_rule='hot: * ttl=1m allow=app.*'`, `pgcache_rule="hot: * ttl=1m allow=app.*": allow needs each function's name; * is not allowed`},
	{`pgcache_rule='hot: * ttl=1m consistency=strickt'`, `pgcache_rule="hot: * ttl=1m consistency=strickt": consistency must be auto, ttl, tracked or strict; did you mean "consistency=strict"?`},
	{`pgcache_rule='hot: * ttl=1m refresh=late'`, `pgcache_rule="hot: * ttl=1m refresh=late": refresh must be early`},
	{`pgcache_rule='hot: * ttl=1m lock=-1s'`, `pgcache_rule="hot: * ttl=1m lock=-1s": lock must not be negative`},
	{`pgcache_rule='hot: * ttl=1m colour=red'`, `pgcache_rule="hot: * ttl=1m colour=red": word 3 after the name is neither a matcher (table=, any_table=, sql~, hint, *) nor an option`},
	{`pgcache_rule='hot: * ttl=1m # note'`, `pgcache_rule="hot: * ttl=1m # note": word 3 after the name is neither a matcher (table=, any_table=, sql~, hint, *) nor an option`},
	{`pgcache_rule='hot: * ttl=1m' pgcache_rule='hot: table=b ttl=2m'`, `pgcache_rule="hot: table=b ttl=2m": has a second rule named hot`},
	{`pgcache_rule='hot: * ttl=1m consistency=ttl' pgcache_consistency=strict`, `pgcache_consistency="strict": rule hot asks for consistency=ttl: a rule may only raise the level`},
	{`pgcache_rule='postgres://app:hunter2@db/prod'`, `pgcache_rule="postgres://app:xxxxx@db/prod": must start with the rule's name, a colon and a blank, as in hot: table=accounts ttl=10m`},
	{`host=db password=hunter2 pgcache_rule='hot: * ttl=1m`, `pgcache_rule: has a single quote without its closing one`},
	{`host=db password=hunter2 pgcache_rule='hot: sql~it''s ttl=1m'`, `pgcache_rule="hot: sql~it": has text right after the closing quote; a quote inside is written \'`},
	{`pgcache=off postgres://app:hunter2@db/prod`, `pgcache="off": stands before a URL or a registered name; write it behind`},
	{`pgcache_feed=none registeredConnConfig0`, `pgcache_feed="none": stands before a URL or a registered name; write it behind`},
	{`registeredConnConfig0 pgcache=off password=hunter2`, `password: can't follow the name of a registered configuration; only parameters of pgcache can`},
	{`registeredConnConfig0?sslmode=disable&pgcache=off`, `sslmode: can't follow the name of a registered configuration; only parameters of pgcache can`},
	{`pgcache://app:hunter2@db/prod?pgcache_feed=none`, `the scheme of a URL stays as it is for pgx; did you mean "postgres://..."?`},
	{`pgcache//app:hunter2@db/prod?pgcache_feed=none`, `pgcache...="none": unknown parameter`},
	{`postgres://app:hunter2@db/prod?pgcache_memory`, `pgcache_memory: has no = after it`},
	{`postgres://app:hunter2@db/prod?pgcache=o%ff`, `pgcache="o\xff": is not valid UTF-8`},
	{`postgres://app:hunter2@db/prod?pgcache=o%00ff`, `pgcache="o\x00ff": has a NUL byte`},
	{`postgres://app:hunter2@db/prod?pgcache=o%fz`, `pgcache="o%fz": has a malformed % escape; a % is written %25`},
	{`postgres://app:hunter2@db/prod&pgcache=off`, `pgcache: stands behind a &; the first parameter of a URL stands behind a ?`},
	{`postgres://db?pgcache_rule=hot: sql~a@b ttl=1m`, `pgcache_rule: stands before an @, as part of the user's name and password; write the @ as %40, or a / before the ?`},
	{`postgres://db?pgcache_rules_file=/etc/rules&options=a@b`, `pgcache_rules_file: stands before an @, which pgx would take for the end of the password; write the @ as %40`},
	{`postgres://app:hunter2@db/prod?pgcache_rule=hot: sql~a&b ttl=1m`, `pgcache_rule="hot: sql~a": rule hot has no ttl, as in ttl=10m; a & inside a value is written %26`},
	{`postgres://app:hunter2@db/prod?pgcache_rule=hot:table=a`, `pgcache_rule="hot:table=a": must start with the rule's name, a colon and a blank, as in hot: table=accounts ttl=10m`},
	{`postgres://app:hunter2@db/prod?pgcache_stroe=memory`, `pgcache_stroe="memory": unknown parameter; did you mean "pgcache_store"?`},
	{"pgcache_rule=o\x00ff", `pgcache_rule="o\x00ff": has a NUL byte`},
	{`pgcache_peer_tls=/c.pem`, `pgcache_peer_tls="/c.pem": unknown parameter; did you mean "pgcache_peer_tls_cert"?`},
	{`postgres://db/prod?pgcache_rule='hot: * ttl=1m'`, `pgcache_rule="'hot: * ttl=1m'": needs a name of letters, digits, _ and -, at most 63, that starts with a letter or _; in a URL a value has no quotes around it`},
	{`pgcache_rule='hot: * ttl=1m allow="now'`, "pgcache_rule=`hot: * ttl=1m allow=\"now`: allow has a double quote without its closing one"},
	{`pgcache_rule='hot: * ttl=1m stale=-1m'`, `pgcache_rule="hot: * ttl=1m stale=-1m": stale must not be negative`},
	{`pgcache_rule='hot: * ttl=1m emtpy=skip'`, `pgcache_rule="hot: * ttl=1m emtpy=skip": has an unknown word "emtpy="; did you mean "empty="?`},
	{`pgcache_rule='hot: * ttl=1m stale_on_error=1h'`, `pgcache_rule="hot: * ttl=1m stale_on_error=1h": has an unknown word "stale_on_error="; did you mean "stale_if_error="?`},
	{`pgcache_rule='hot: table=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa ttl=1m'`, `pgcache_rule="hot: table=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa ttl=1m": table has a name longer than PostgreSQL's 63 bytes`},
	{"pgcache_rule='hot: sql~a\xff ttl=1m'", `pgcache_rule="hot: sql~a\xff ttl=1m": is not valid UTF-8`},
	{`pgcache_namespace=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa`, `pgcache_namespace="aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa": must be at most 64 letters, digits, _, -, . and :`},
}

func TestMalformed(t *testing.T) {
	for _, tt := range malformed {
		t.Run(tt.dsn, func(t *testing.T) {
			c, err := Parse(tt.dsn)
			if err == nil {
				t.Fatalf("accepted as %s", c)
			}
			if want := "pgcache: " + tt.want; err.Error() != want {
				t.Errorf("\n got %s\nwant %s", err, want)
			}
			e, ok := errors.AsType[*Error](err)
			if !ok {
				t.Fatalf("a %T, not an *Error", err)
			}
			for _, field := range []string{e.Error(), e.Parameter, e.Value, e.Reason, e.Suggestion} {
				if strings.Contains(field, "hunter2") {
					t.Errorf("shows the password: %s", field)
				}
			}
		})
	}
}

// Two mistakes that read the same can't be told apart by whoever made them.
func TestMalformedSayWhich(t *testing.T) {
	seen := map[string]string{}
	for _, tt := range malformed {
		if other, found := seen[tt.want]; found {
			t.Errorf("%q and %q both give %s", other, tt.dsn, tt.want)
		}
		seen[tt.want] = tt.dsn
	}
	if len(malformed) < 60 {
		t.Errorf("only %d malformed strings", len(malformed))
	}
}

// A suggestion that is refused in its turn would send people in circles.
func TestSuggestionsAreAccepted(t *testing.T) {
	for _, tt := range malformed {
		_, err := Parse(tt.dsn)
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Suggestion == "" || strings.Contains(e.Suggestion, "://") {
			continue
		}
		switch {
		case strings.Contains(e.Reason, "unknown parameter"):
			if _, err := parameterNamed(e.Suggestion); err != nil {
				t.Errorf("%s: suggests %q: %v", tt.dsn, e.Suggestion, err)
			}
		case e.Parameter != ruleParameter:
			if _, err := Parse(e.Parameter + "=" + e.Suggestion); err != nil {
				t.Errorf("%s: suggests %q: %v", tt.dsn, e.Suggestion, err)
			}
		}
	}
}
