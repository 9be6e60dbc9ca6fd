package testenv

import (
	"strings"
	"testing"
)

func TestServerOnASocket(t *testing.T) {
	s := startPostgres(t, Options{Socket: true})
	dsn := s.SocketDSN("postgres")
	if dsn == "" {
		t.Skipf("no socket can be in %s", s.daemon.dir)
	}
	const over = "select coalesce(host(inet_server_addr()), 'socket')"
	for how, dsn := range map[string]string{"127.0.0.1": s.DSN(""), "socket": dsn} {
		if got := ask(t, dsn, over); got != how {
			t.Errorf("connected over %s, want %s", got, how)
		}
	}
	// What a crash leaves behind is no hindrance.
	if err := s.Stop(t.Context(), Crash); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, dsn, over); got != "socket" {
		t.Errorf("after a crash connected over %s", got)
	}
}

func TestServerWithoutASocket(t *testing.T) {
	if got := (&Server{dsn: "postgres://a@b/c"}).SocketDSN(""); got != "" {
		t.Errorf("a server that was given has the socket %s", got)
	}
	if socketFits("/" + strings.Repeat("long", 23)) {
		t.Error("a socket's path can't be 107 bytes long everywhere")
	}
}
