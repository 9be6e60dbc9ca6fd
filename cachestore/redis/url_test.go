package redis

import (
	"encoding/base64"
	"reflect"
	"strings"
	"testing"
)

func TestParseURL(t *testing.T) {
	for text, want := range map[string]target{
		"redis://h":                     {hosts: []string{"h:6379"}},
		"redis://h:1/3":                 {hosts: []string{"h:1"}, database: 3},
		"redis://h?db=3":                {hosts: []string{"h:6379"}, database: 3},
		"redis://[::1]:7":               {hosts: []string{"[::1]:7"}},
		"redis://[::1]":                 {hosts: []string{"[::1]:6379"}},
		"redis://:p%2Fw@h":              {hosts: []string{"h:6379"}, password: "p/w"},
		"redis://user:p@w:x@h":          {hosts: []string{"h:6379"}, username: "user", password: "p@w:x"},
		"redis://user@h":                {hosts: []string{"h:6379"}, username: "user"},
		"rediss://h":                    {hosts: []string{"h:6379"}, secure: true},
		"redis://a,b:2":                 {hosts: []string{"a:6379", "b:2"}, cluster: true},
		"redis://a?cluster=true":        {hosts: []string{"a:6379"}, cluster: true},
		"redis://a,b:2/1?master=m":      {hosts: []string{"a:26379", "b:2"}, master: "m", database: 1},
		"unix:///run/redis.sock":        {hosts: []string{"/run/redis.sock"}, socket: true},
		"unix://u:p/w@/run/r.sock?db=2": {hosts: []string{"/run/r.sock"}, socket: true, username: "u", password: "p/w", database: 2},
		"rediss://h?server_name=n":      {hosts: []string{"h:6379"}, secure: true, serverName: "n"},
		"redis://h?master=m&sentinel_user=a&sentinel_password=b": {
			hosts: []string{"h:26379"}, master: "m", sentinelUser: "a", sentinelPassword: "b",
		},
	} {
		got, err := parseURL(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if !reflect.DeepEqual(*got, want) {
			t.Errorf("%s: got %+v, want %+v", text, *got, want)
		}
	}
}

func TestOpenRefusesWhatItDoesNotUnderstand(t *testing.T) {
	for text, says := range map[string]string{
		"":                                           "must start with",
		"http://:geheim@h":                           "must start with",
		"redis://":                                   "empty host",
		"redis://:geheim@a,,b":                       "empty host",
		"redis://:geheim@h/x":                        "number of a database",
		"redis://:geheim@h?db=-1":                    "negative",
		"redis://:geheim@h?db=x":                     "db",
		"redis://:geheim%zz@h":                       "malformed % escape",
		"redis://:geheim@h?colour=blue":              "colour",
		"redis://:geheim@h?master=":                  "master",
		"redis://:geheim@a,b/1":                      "database 0",
		"redis://:geheim@a?cluster=1&master=m":       "both",
		"redis://:geheim@h?ca_file=x":                "rediss://",
		"rediss://:geheim@h?ca_file=/no/such/file":   "ca_file",
		"rediss://:geheim@h?cert_file=/no/such/file": "cert_file",
		"unix://:geheim@run/redis.sock":              "absolute path",
		"unix:///run/redis.sock?master=m":            "socket",
	} {
		s, err := Open(Config{URL: text})
		if err == nil {
			t.Errorf("%s: opened", text)
			s.Close()
		} else if !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "geheim") || !strings.HasPrefix(err.Error(), "pgcache: ") {
			t.Errorf("%s: %v; want it to say %q", text, err, says)
		}
	}
}

func TestKeyFile(t *testing.T) {
	key := strings.Repeat("\x5a", 32)
	for name, c := range map[string]struct {
		content string
		valid   bool
	}{
		"raw":             {key, true},
		"hex":             {strings.Repeat("5a", 32) + "\n", true},
		"base64":          {base64.StdEncoding.EncodeToString([]byte(key)) + "\n", true},
		"url base64":      {base64.RawURLEncoding.EncodeToString([]byte(key)), true},
		"empty":           {"", false},
		"short":           {"geheim", false},
		"a byte too long": {key + "xx", false},
		"short hex":       {strings.Repeat("5a", 31), false},
	} {
		got, err := readKey(keyFile(t, c.content))
		if (err == nil) != c.valid || c.valid && string(got) != key {
			t.Errorf("%s: key %x, error %v", name, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: the error shows the file: %v", name, err)
		}
	}
	if _, err := Open(Config{URL: "redis://h", KeyFile: "/no/such/file"}); err == nil {
		t.Error("opened without its key")
	}
}

// Whatever a namespace holds, it neither changes the hash tag nor becomes another namespace's.
func TestNamespacesAreApart(t *testing.T) {
	seen := map[string]string{}
	for _, namespace := range []string{"", "a", "a:", "{a}", "a{", "%7B", "pgcache:1.1", "a b", "ä"} {
		n := newNames(namespace, "")
		name := n.entry(keyOf(1)).value
		if other, taken := seen[name]; taken {
			t.Errorf("%q and %q share the key %s", namespace, other, name)
		}
		seen[name] = namespace
		if open := strings.IndexByte(name, '{'); name[open:open+5] != "{"+bucketName(int(keyOf(1)[0])<<2|int(keyOf(1)[1])>>6)+"}" {
			t.Errorf("%q: the hash tag in %s is another one", namespace, name)
		}
	}
}
