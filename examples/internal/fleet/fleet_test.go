package fleet

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/gopgcache/pgcache/dsn"
	"github.com/gopgcache/pgcache/examples/internal/pgbench"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

func TestMain(m *testing.M) {
	if IsOne() {
		Serve()
		return
	}
	pgtest.Main(m)
}

// newShow loads a small database, and starts processes that keep their answers for themselves.
func newShow(t *testing.T, size int) (*Show, []*Process) {
	t.Helper()
	database, err := pgbench.On(t.Context(), pgtest.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := database.Load(t.Context(), 1, io.Discard); err != nil {
		t.Fatal(err)
	}
	show, err := NewShow(t.Context(), database, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(show.Close)
	text, err := database.CacheDSN("all: * ttl=1h lock=1m", func(*dsn.Config) {})
	if err != nil {
		t.Fatal(err)
	}
	dsns := make([]string, size)
	for i := range dsns {
		dsns[i] = text
	}
	processes, err := StartAll(context.WithoutCancel(t.Context()), dsns)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := CloseAll(processes); err != nil {
			t.Error(err)
		}
	})
	return show, processes
}

var count = Question{SQL: "select count(*) from pgbench_accounts"}

// What processes of one memory each do is counted, and compared.
func TestAsk(t *testing.T) {
	show, processes := newShow(t, 2)
	r, err := show.Ask(t.Context(), "cold", processes, Herd(10, count))
	if err != nil {
		t.Fatal(err)
	}
	if r.Queries != 20 || r.Ran != 2 || len(r.Times) != 20 {
		t.Errorf("%d queries, %d run, %d times; want 20, 2 and 20", r.Queries, r.Ran, len(r.Times))
	}
	r, err = show.Ask(t.Context(), "warm", processes, Again(7, count))
	if err != nil || r.Queries != 14 || r.Ran != 0 {
		t.Errorf("%v: %d queries, %d run; want 14 and 0", err, r.Queries, r.Ran)
	}
	// Without pg_stat_statements the processes are asked.
	show.plain.Uncounted()
	many := Each(count, Question{SQL: "select sum(bid) from pgbench_accounts where aid < $1", Args: []int64{9}})
	if r, err = show.Ask(t.Context(), "another", processes, many); err != nil || r.Queries != 4 || r.Ran != 2 {
		t.Errorf("%v: %d queries, %d run; want 4 and 2", err, r.Queries, r.Ran)
	}
}

// A cache that lies is caught: without a feed and a shared store a write made elsewhere isn't seen before the ttl has passed.
func TestAWrongAnswerIsAnError(t *testing.T) {
	show, processes := newShow(t, 2)
	if _, err := show.Ask(t.Context(), "cold", processes, Herd(1, count)); err != nil {
		t.Fatal(err)
	}
	if err := processes[0].Exec("delete from pgbench_accounts where aid = 1"); err != nil {
		t.Fatal(err)
	}
	_, err := show.Ask(t.Context(), "after a write", processes, Herd(1, count))
	if !errors.Is(err, ErrDiffers) || !strings.Contains(err.Error(), `process B got "\"100000\"" instead of "\"99999\""`) {
		t.Errorf("got %v", err)
	}
}

// A process that fails, or dies, says so.
func TestProcessFails(t *testing.T) {
	_, processes := newShow(t, 1)
	if err := processes[0].Exec("nonsense"); err == nil || !strings.Contains(err.Error(), "process A: ERROR: syntax error") {
		t.Errorf("got %v", err)
	}
	processes[0].Kill()
	if err := processes[0].Exec("select 1"); err == nil || !strings.Contains(err.Error(), "process A: ") {
		t.Errorf("got %v", err)
	}
	if _, err := Start(t.Context(), "B", "postgres://127.0.0.1:1/none?pgcache_rule=all: * ttl=1h"); err == nil {
		t.Error("a process that can't connect is no error")
	}
}

// A process ends with the one that started it: when its standard input does.
func TestServeEndsWithItsInput(t *testing.T) {
	var out bytes.Buffer
	if err := serve(t.Context(), strings.NewReader(""), &out); err != nil || out.Len() > 0 {
		t.Errorf("%v, %q", err, &out)
	}
	if err := serve(t.Context(), strings.NewReader("nonsense"), &out); err == nil {
		t.Error("no error")
	}
}

func TestTimes(t *testing.T) {
	r := Row{Times: nil}
	r.Add(Row{Queries: 2, Ran: 1, Times: []time.Duration{3, 9, 6}})
	if median(r.Times) != 6 || slowest(r.Times) != 9 || median(nil) != 0 || slowest(nil) != 0 || r.Queries != 2 || r.Ran != 1 {
		t.Errorf("%+v", r)
	}
}
