//go:build unix

package fleet_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/gopgcache/pgcache/internal/testenv"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

// patience bounds a wait for what is bound to come.
const patience = time.Minute

// fleet are some processes, the database that they use, and what they have in common.
type fleet struct {
	*testing.T
	*memory

	dsn     string
	control *pgx.Conn
	parties []*party
	seed    uint64
}

// party is a process of the fleet.
type party struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *json.Decoder
	enc *json.Encoder
}

// startFleet makes a database and starts processes, each with parameters of its own.
func startFleet(t *testing.T, params func(number int) []string) *fleet {
	t.Helper()
	f := &fleet{T: t, dsn: pgtest.Database(t), seed: rand.Uint64()}
	t.Logf("seed %d", f.seed)
	var path string
	f.memory, path = newMemory(t)
	var err error
	if f.control, err = pgx.Connect(t.Context(), f.dsn); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.control.Close(t.Context()) })
	for space := range spaces {
		f.execute(fmt.Sprintf(schema, space, rows))
	}
	f.execute("create table counted (id int primary key, v int not null); insert into counted select g, g from generate_series(1, 5000) g; analyze counted")
	for i := range members {
		f.parties = append(f.parties, f.start(&task{Number: i, DSN: f.dsn, Params: params(i), Memory: path}))
	}
	for i := range f.parties {
		f.hear(i) // it is ready
	}
	return f
}

func (f *fleet) execute(sql string) {
	f.Helper()
	if _, err := f.control.Exec(f.Context(), sql); err != nil {
		f.Fatalf("%s: %v", sql, err)
	}
}

func (f *fleet) start(task *task) *party {
	f.Helper()
	text, err := json.Marshal(task)
	if err != nil {
		f.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), taskVariable+"="+string(text))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		f.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		f.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		f.Fatal(err)
	}
	p := &party{cmd: cmd, in: in, out: json.NewDecoder(bufio.NewReader(out)), enc: json.NewEncoder(in)}
	f.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return p
}

// tell has a process do something, without waiting for it.
func (f *fleet) tell(number int, c command) {
	f.Helper()
	c.Seed = f.seed
	if err := f.parties[number].enc.Encode(c); err != nil {
		f.Fatalf("process %d: %v", number, err)
	}
}

// hear waits until the process has done it, and gives what has come of it.
func (f *fleet) hear(number int) *reply {
	f.Helper()
	r := new(reply)
	if err := f.parties[number].out.Decode(r); err != nil {
		f.Fatalf("process %d: %v", number, err)
	}
	return r
}

// all has all processes of a list do something at the same time.
func (f *fleet) all(which []int, c command) []*reply {
	f.Helper()
	replies := make([]*reply, len(f.parties))
	for _, i := range which {
		f.tell(i, c)
	}
	for _, i := range which {
		replies[i] = f.hear(i)
	}
	return replies
}

var everybody = []int{0, 1, 2}

func others(number int) (list []int) {
	for _, i := range everybody {
		if i != number {
			list = append(list, i)
		}
	}
	return list
}

// signal sends a signal to a process.
func (f *fleet) signal(number int, s syscall.Signal) {
	f.Helper()
	if err := f.parties[number].cmd.Process.Signal(s); err != nil {
		f.Fatal(err)
	}
}

// leave has processes end, and checks that they end well: without an error, and without a goroutine left.
func (f *fleet) leave(which []int) {
	f.Helper()
	var ending sync.WaitGroup
	for _, i := range which {
		p := f.parties[i]
		ending.Go(func() {
			p.in.Close()
			if err := p.cmd.Wait(); err != nil {
				f.Errorf("process %d: %v", i, err)
			}
		})
	}
	ending.Wait()
}

// eventually waits until a condition holds, of which nobody is told.
func (f *fleet) eventually(what string, holds func() bool) {
	f.Helper()
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	late := time.NewTimer(patience)
	defer late.Stop()
	for !holds() {
		select {
		case <-ticker.C:
		case <-late.C:
			f.Fatalf("never came: %s", what)
		case <-f.Context().Done():
			f.Fatalf("the end came before %s", what)
		}
	}
}

// onRedis are the parameters of processes that share a Redis.
func onRedis(url string, more ...string) func(int) []string {
	params := with([]string{"rule=all: * ttl=1h lock=10s", "store=redis", "redis=" + url, "timeout=1s"}, more...)
	return func(int) []string { return params }
}

// ownRedis starts a Redis for one test.
func ownRedis(t *testing.T) *testenv.Redis { return pgtest.OwnRedis(t) }

// amongPeers are the parameters of processes that ask each other.
func amongPeers(t *testing.T, more ...string) func(int) []string {
	t.Helper()
	secret := secretFile(t, "a secret among peers")
	var urls []string
	for range members {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() // all at once, so that no two are the same
		urls = append(urls, "http://"+l.Addr().String())
	}
	return func(number int) []string {
		return with([]string{
			"rule=all: * ttl=1h lock=10s", "store=peer", "peers=" + strings.Join(urls, ","), "peer_self=" + urls[number],
			"peer_secret_file=" + secret, "timeout=1s",
		}, more...)
	}
}

// with gives parameters, with others added or in their places.
func with(params []string, more ...string) []string {
	params = slices.Clone(params)
	for _, p := range more {
		name, _, _ := strings.Cut(p, "=")
		params = append(slices.DeleteFunc(params, func(old string) bool { return strings.HasPrefix(old, name+"=") }), p)
	}
	return params
}

func secretFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(strings.Repeat(text, 3)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
