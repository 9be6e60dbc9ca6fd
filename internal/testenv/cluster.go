package testenv

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// superuser is who initdb makes.
const superuser = "postgres"

// settings make a server that can be used for everything pgcache does, forgets
// everything in a crash of the machine, and is small.
var settings = map[string]string{
	"wal_level":                 "logical",
	"max_connections":           "300",
	"max_prepared_transactions": "50",
	"max_replication_slots":     "20",
	"max_wal_senders":           "20",
	"shared_buffers":            "64MB",
	"fsync":                     "off",
	"full_page_writes":          "off",
	"timezone":                  "UTC",
	"log_timezone":              "UTC",
	"lc_messages":               "C",
	"listen_addresses":          "127.0.0.1",
}

// cluster is a PostgreSQL data directory inside a daemon's directory.
type cluster struct {
	daemon   *daemon
	password string
}

func (c cluster) data() string { return filepath.Join(c.daemon.dir, "data") }

// init runs initdb.
func (c cluster) init(ctx context.Context) error {
	secret := filepath.Join(c.daemon.dir, "password")
	if err := c.daemon.writeFile(secret, c.password); err != nil {
		return err
	}
	initdb := c.daemon.command(filepath.Join(filepath.Dir(c.daemon.path), "initdb"),
		"--pgdata="+c.data(), "--username="+superuser, "--pwfile="+secret, "--auth=scram-sha-256",
		"--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions")
	out, err := combinedOutput(ctx, initdb)
	if err != nil {
		return fmt.Errorf("pgcache: initdb: %w; it said:\n%s", err, strings.TrimSpace(out))
	}
	return os.Remove(secret)
}

// configure writes the settings. initdb's own file stays the first to be read,
// so later settings win, and ALTER SYSTEM wins over both. socket is the
// directory of the Unix socket, if there is to be one.
func (c cluster) configure(port int, socket string, extra map[string]string) error {
	all := maps.Clone(settings)
	all["port"] = strconv.Itoa(port)
	all["unix_socket_directories"] = socket
	if library := "pg_stat_statements"; hasLibrary(filepath.Dir(c.daemon.path), library) {
		all["shared_preload_libraries"] = library
	}
	maps.Copy(all, extra)
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&text, "%s = '%s'\n", name, strings.ReplaceAll(all[name], "'", "''"))
	}
	if err := c.daemon.writeFile(filepath.Join(c.data(), "testenv.conf"), text.String()); err != nil {
		return err
	}
	return c.include("testenv.conf")
}

// include has the server read another file after its own, once.
func (c cluster) include(name string) error {
	path := filepath.Join(c.data(), "postgresql.conf")
	line := "include '" + name + "'\n"
	text, err := os.ReadFile(path)
	if err != nil || strings.HasSuffix(string(text), line) {
		return err
	}
	return c.daemon.writeFile(path, string(text)+line)
}

func (c cluster) dsn(port int) string {
	u := url.URL{
		Scheme: "postgres", Host: loopback(port), Path: "/postgres",
		User:     url.UserPassword(superuser, c.password),
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// combinedOutput runs the command to its end, or kills it when ctx ends first.
func combinedOutput(ctx context.Context, cmd *exec.Cmd) (string, error) {
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = drainDelay
	if err := cmd.Start(); err != nil {
		return "", err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		return out.String(), err
	case <-ctx.Done():
		err := errors.Join(ctx.Err(), cmd.Process.Kill(), <-done)
		return out.String(), err // nothing is written any more
	}
}
