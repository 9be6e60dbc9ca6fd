package regress

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/gopgcache/pgcache/internal/testenv"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

// settings are those under which PostgreSQL runs its own tests. Statistics that are gathered at a time of the server's choice
// change plans, and with them the order of rows.
var settings = map[string]string{
	"timezone": "PST8PDT", "datestyle": "Postgres, MDY", "intervalstyle": "postgres_verbose",
	"shared_preload_libraries": "", "autovacuum": "off", "max_prepared_transactions": "2",
}

// database has the commands that make a database for the scripts.
var database = []string{
	"create database regression template template0",
	"alter database regression set lc_messages to 'C'",
	"alter database regression set lc_monetary to 'C'",
	"alter database regression set lc_numeric to 'C'",
	"alter database regression set lc_time to 'C'",
	"alter database regression set bytea_output to 'hex'",
	"alter database regression set timezone_abbreviations to 'Default'",
}

// TestPostgresRegressionSQL wants no difference between pgx and pgcache over all files of PostgreSQL's schedule.
func TestPostgresRegressionSQL(t *testing.T) { playSchedule(t, "as written", "cache_statement", nil) }

// TestPostgresRegressionSQLWithLastingTables wants the same where temporary tables are made permanent, so that much more of
// what is read may come from the cache, and where nothing is kept prepared, so that no plan is older than a change.
func TestPostgresRegressionSQLWithLastingTables(t *testing.T) {
	playSchedule(t, "with lasting tables", "simple_protocol", new(lasting))
}

func playSchedule(t *testing.T, name, mode string, edits *lasting) {
	t.Helper()
	mode = cmp.Or(os.Getenv("PGCACHE_REGRESS_MODE"), mode)
	dir := os.Getenv("PGCACHE_REGRESS_DIR")
	if dir == "" {
		t.Skip("absent: PGCACHE_REGRESS_DIR has to name the folder src/test/regress of PostgreSQL's sources, which are had" +
			" with apt-get source --download-only postgresql-15, for instance; the package's comment says more")
	}
	files, err := schedule(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	if only := os.Getenv("PGCACHE_REGRESS_ONLY"); only != "" {
		wanted := strings.Split(only, ",")
		files = slices.DeleteFunc(files, func(name string) bool { return !slices.Contains(wanted, name) })
	}
	three := &trio{
		plain: newSide(t, "pgx", mode, false), second: newSide(t, "another pgx", mode, false), cached: newSide(t, "pgcache", mode, true),
		shadow: edits != nil,
	}
	env := environment(t, dir)
	var reports []*fileReport
	for _, name := range files {
		t.Run(name, func(t *testing.T) {
			three.report, three.lasting = newFileReport(name), edits
			if name == "temp" {
				three.lasting = nil // temporary tables are what it is about
			}
			reports = append(reports, three.report)
			playFile(t, three, filepath.Join(dir, "sql", name+".sql"), env)
			for _, d := range three.report.Differences {
				t.Error(d)
			}
		})
	}
	publish(t, fmt.Sprintf("Scripts %s, %s\n%s", name, mode, report(reports)))
}

// publish shows a report, and adds it to the file that is named for it.
func publish(t *testing.T, text string) {
	t.Helper()
	t.Log("\n" + text)
	path := os.Getenv("PGCACHE_REGRESS_REPORT")
	if path == "" {
		return
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	_, err = file.WriteString(text + "\n")
	if err := errors.Join(err, file.Close()); err != nil {
		t.Error(err)
	}
}

// playFile plays one file in sessions of its own.
func playFile(t *testing.T, three *trio, path string, env map[string]string) {
	t.Helper()
	script, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := three.connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	vars := variables{"DBNAME": "regression", "USER": "postgres", "SERVER_VERSION_NUM": serverVersion(t, three)}
	p := &player{trio: three, env: env, vars: maps.Clone(vars)}
	if err := p.play(t.Context(), string(script)); err != nil {
		t.Fatal(err)
	}
	if err := three.tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func serverVersion(t *testing.T, three *trio) string {
	t.Helper()
	o := three.plain.query(t.Context(), "show server_version_num")
	if o.err != nil {
		t.Fatal(o.err)
	}
	return fmt.Sprint(o.first[0])
}

// newSide starts a server and opens its database.
func newSide(t *testing.T, name, mode string, cached bool) *side {
	t.Helper()
	server := pgtest.OwnWith(t, testenv.Options{Settings: settings})
	watcher, err := pgx.Connect(t.Context(), server.DSN(""))
	if err != nil {
		t.Fatal(err)
	}
	dsn := server.DSN("regression")
	if err := prepare(t.Context(), watcher, dsn); err != nil {
		t.Fatal(err)
	}
	s, err := openSide(name, dsn+"&default_query_exec_mode="+url.QueryEscape(mode), watcher, cached)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("closing %s: %v", name, err)
		}
	})
	return s
}

// prepare makes the database that the scripts run in. The schemas of temporary tables are made when first needed, and
// that would be at different times where the cache has a connection of its own, which would shift all oids from there on.
func prepare(ctx context.Context, conn *pgx.Conn, dsn string) error {
	for _, command := range database {
		if _, err := conn.Exec(ctx, command); err != nil {
			return fmt.Errorf("%s: %w", command, err)
		}
	}
	for range 10 {
		each, err := pgx.Connect(ctx, dsn)
		if err != nil {
			return err
		}
		defer each.Close(ctx)
		if _, err := each.Exec(ctx, "create temporary table a (b text)"); err != nil {
			return err
		}
	}
	return nil
}

// environment is what the scripts want to know of where they are. The servers write files into a folder made for that.
func environment(t *testing.T, dir string) map[string]string {
	t.Helper()
	dir, err := filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	build, err := os.MkdirTemp("", "pgcache-regress-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(build); err != nil {
			t.Error(err)
		}
	})
	results := filepath.Join(build, "results")
	if err := os.Mkdir(results, 0o777); err != nil {
		t.Fatal(err)
	}
	for path, mode := range map[string]os.FileMode{build: 0o755, results: 0o777} { // the servers run as somebody else
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	library := os.Getenv("PGCACHE_REGRESS_LIB")
	if library == "" {
		library = filepath.Join(build, "absent")
	}
	return map[string]string{
		"PG_ABS_SRCDIR": dir, "PG_ABS_BUILDDIR": build, "PG_LIBDIR": library, "PG_DLSUFFIX": ".so",
	}
}
