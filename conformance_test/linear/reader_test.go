package linear_test

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gopgcache/pgcache/driver"
)

// taskVariable makes this test binary a reader: a process that reads registers through a cache of its own until its standard
// input ends. It holds the task as JSON.
const taskVariable = "PGCACHE_LINEAR_TASK"

// task is what a reader is to do.
type task struct {
	DSN        string
	Goroutines int
	Seed       uint64
	// Enough is how many reads are wanted at least.
	Enough int64
	// File is where the reads are written to.
	File string
}

// report is what a reader says at its end, as a line of JSON.
type report struct {
	Reads, Hits, Misses, Coalesced, Bypassed, Rejected int64
	Errors                                             int64
	FirstError                                         string
}

func (r *report) add(other report) {
	r.Reads += other.Reads
	r.Hits += other.Hits
	r.Misses += other.Misses
	r.Coalesced += other.Coalesced
	r.Bypassed += other.Bypassed
	r.Rejected += other.Rejected
	r.Errors += other.Errors
	if r.FirstError == "" {
		r.FirstError = other.FirstError
	}
}

// hitRatio is the share of the queries that were answered from memory.
func (r *report) hitRatio() float64 {
	return float64(r.Hits) / float64(max(1, r.Hits+r.Misses+r.Coalesced+r.Bypassed))
}

// beReader is the reader's program. It says "ready" when its cache follows the server, and reads from then on. When it has read
// enough it says so, and goes on.
func beReader(text string) {
	var t task
	fail(json.Unmarshal([]byte(text), &t))
	connector, err := driver.NewConnector(t.DSN)
	fail(err)
	db := sql.OpenDB(connector)
	db.SetMaxIdleConns(t.Goroutines)
	fail(awaitFeed(context.Background(), db, connector))
	fmt.Println("ready")
	readers := startReaders(db, connector, t.Goroutines, t.Seed, t.Enough)
	<-readers.enough
	fmt.Println("enough")
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	reads, r := readers.stop()
	fail(db.Close())
	fail(save(t.File, reads))
	fail(json.NewEncoder(os.Stdout).Encode(r))
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "reader:", err)
		os.Exit(1)
	}
}

// awaitFeed reads until the cache follows the server and answers from memory.
func awaitFeed(ctx context.Context, db *sql.DB, connector *driver.Connector) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for connector.Stats().Hits == 0 {
		if _, err := look(ctx, db, 0, 1, nil); err != nil {
			return fmt.Errorf("no hit: %w; %+v", err, connector.Stats())
		}
		runtime.Gosched()
	}
	return nil
}

// readers are goroutines that read registers at random.
type readers struct {
	connector *driver.Connector
	before    driver.Stats
	wanted    int64
	enough    chan struct{} // closed when so many were read
	stopped   chan struct{}
	ending    sync.Once
	running   sync.WaitGroup
	// count is how many reads there were so far.
	count  atomic.Int64
	errors atomic.Int64
	first  atomic.Pointer[error]

	mu    sync.Mutex
	reads []read
}

func startReaders(db *sql.DB, connector *driver.Connector, n int, seed uint64, enough int64) *readers {
	rs := &readers{connector: connector, before: connector.Stats(), wanted: enough, enough: make(chan struct{}), stopped: make(chan struct{})}
	for i := range n {
		rs.running.Go(func() { rs.read(db, rand.New(rand.NewPCG(seed, uint64(i)))) })
	}
	return rs
}

func (rs *readers) read(db *sql.DB, dice *rand.Rand) {
	var mine []read
	total := 0
	for _, l := range lookups {
		total += l.weight
	}
	for {
		select {
		case <-rs.stopped:
			rs.mu.Lock()
			defer rs.mu.Unlock()
			rs.reads = append(rs.reads, mine...)
			return
		default:
		}
		var err error
		mine, err = look(context.Background(), db, pick(dice.IntN(total)), 1+dice.Int32N(cells), mine)
		if err != nil {
			rs.errors.Add(1)
			rs.first.CompareAndSwap(nil, &err)
			continue
		}
		if rs.count.Add(1) == max(1, rs.wanted) {
			close(rs.enough)
		}
	}
}

// pick gives a lookup by its weight.
func pick(n int) int {
	for i := range lookups {
		if n -= lookups[i].weight; n < 0 {
			return i
		}
	}
	panic("unreachable")
}

// stop ends the reading and gives what was read.
func (rs *readers) stop() ([]read, report) {
	rs.ending.Do(func() { close(rs.stopped) })
	rs.running.Wait()
	return rs.reads, rs.report()
}

func (rs *readers) report() report {
	s, b := rs.connector.Stats(), rs.before
	r := report{
		Reads: rs.count.Load(), Hits: s.Hits - b.Hits, Misses: s.Misses - b.Misses, Coalesced: s.Coalesced - b.Coalesced,
		Bypassed: s.Bypassed - b.Bypassed, Rejected: s.RejectedFills - b.RejectedFills, Errors: rs.errors.Load(),
	}
	if err := rs.first.Load(); err != nil {
		r.FirstError = (*err).Error()
	}
	return r
}

func save(name string, reads []read) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	if err := binary.Write(w, binary.LittleEndian, reads); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

func load(t *testing.T, name string) []read {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	reads := make([]read, len(data)/binary.Size(read{}))
	if _, err := binary.Decode(data, binary.LittleEndian, reads); err != nil {
		t.Fatal(err)
	}
	return reads
}

// process is a reader in a process of its own.
type process struct {
	cmd  *exec.Cmd
	in   interface{ Close() error }
	out  *bufio.Reader
	file string
}

// startProcess starts a program as a reader, and waits until it reads.
func startProcess(t *testing.T, program string, task task) *process {
	t.Helper()
	task.File = filepath.Join(t.TempDir(), "reads")
	text, err := json.Marshal(task)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), taskVariable+"="+string(text))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: cmd, in: in, out: bufio.NewReader(out), file: task.File}
	t.Cleanup(func() { _ = p.cmd.Process.Kill(); _ = p.cmd.Wait() })
	p.await(t, "ready")
	return p
}

// await waits for the reader to say a word.
func (p *process) await(t *testing.T, word string) {
	t.Helper()
	if line, err := p.out.ReadString('\n'); err != nil || line != word+"\n" {
		t.Fatalf("a reader did not say %q but %q, %v", word, line, err)
	}
}

// stop ends the reading and gives what was read.
func (p *process) stop(t *testing.T) ([]read, report) {
	t.Helper()
	var r report
	if err := p.in.Close(); err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(p.out).Decode(&r); err != nil {
		t.Fatal("a reader said nothing at its end: ", err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	return load(t, p.file), r
}
