package pgbench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/gopgcache/pgcache/examples/internal/figures"
)

// AccountsPerBranch is pgbench's: the scale is the number of branches.
const AccountsPerBranch = 100_000

// Load fills pgbench's tables: with pgbench, or where PostgreSQL came without it, by hand.
func (d *Database) Load(ctx context.Context, scale int, out io.Writer) error {
	bar := newBar(out, fmt.Sprintf("loading %s accounts", figures.Grouped(scale*AccountsPerBranch)))
	defer bar.end()
	pgbench, err := d.server.Program("pgbench")
	if errors.Is(err, os.ErrNotExist) {
		return d.copyTables(ctx, scale, bar)
	}
	if err != nil {
		return err
	}
	return d.runPgbench(ctx, pgbench, scale, bar)
}

// runPgbench runs pgbench -i, and reads from what it says how far it is.
func (d *Database) runPgbench(ctx context.Context, path string, scale int, bar *bar) error {
	cmd := exec.CommandContext(ctx, path, "-i", "-s", strconv.Itoa(scale))
	cmd.WaitDelay = time.Second
	if err := d.connectBy(cmd); err != nil {
		return err
	}
	said, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	last := follow(said, bar)
	if err := cmd.Wait(); err != nil {
		return errors.Join(ctx.Err(), fmt.Errorf("pgbench -i: %w: %s", err, last))
	}
	return nil
}

// connectBy tells a program of PostgreSQL's where the database is. The password stays off its command line.
func (d *Database) connectBy(cmd *exec.Cmd) error {
	config, err := pgx.ParseConfig(d.DSN())
	if err != nil {
		return err
	}
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "LC_ALL=C",
		"PGHOST=" + config.Host, "PGPORT=" + strconv.Itoa(int(config.Port)), "PGDATABASE=" + config.Database,
		"PGUSER=" + config.User, "PGPASSWORD=" + config.Password,
	}
	return nil
}

// tuples is how pgbench tells its progress: "100000 of 3000000 tuples (3%) done".
var tuples = regexp.MustCompile(`^(\d+) of (\d+) tuples`)

// follow reads what pgbench says to its end, and returns the last line.
func follow(said io.Reader, bar *bar) (last string) {
	lines := bufio.NewScanner(said)
	lines.Split(splitLines)
	for lines.Scan() {
		last = lines.Text()
		switch m := tuples.FindStringSubmatch(last); {
		case m != nil:
			done, _ := strconv.Atoi(m[1]) // digits
			all, _ := strconv.Atoi(m[2])
			bar.show(done, all)
		case last == "vacuuming...", last == "creating primary keys...":
			bar.step(strings.TrimSuffix(last, "..."))
		}
	}
	return last
}

// splitLines splits at returns too, by which pgbench redraws its line.
func splitLines(data []byte, atEOF bool) (advance int, token []byte, err error) {
	if i := bytes.IndexAny(data, "\r\n"); i >= 0 {
		return i + 1, data[:i], nil
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}
