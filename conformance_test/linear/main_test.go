package linear_test

import (
	"flag"
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

func TestMain(m *testing.M) {
	if task := os.Getenv(taskVariable); task != "" {
		beReader(task)
		return
	}
	flag.Parse()
	if atOnce := flag.Lookup("test.parallel"); atOnce.Value.String() == atOnce.DefValue {
		_ = atOnce.Value.Set(strconv.Itoa(runtime.GOMAXPROCS(0) + 1)) // those that play at once wait most of the time
	}
	pgtest.Main(m)
}
