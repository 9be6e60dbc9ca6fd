package fleet

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// flag is what a program is started with to be one of a fleet. Nobody is meant to use it by hand.
const flag = "-one-of-a-fleet"

// IsOne reports whether this process was started to be one of a fleet. A program asks before it does anything else, and calls
// [Serve] if so.
func IsOne() bool { return len(os.Args) == 2 && os.Args[1] == flag }

// Serve does what comes on standard input until that ends, and so ends with the process that started it, however that ends.
// Ctrl-C reaches all processes of a terminal: the one that started us decides what it means.
func Serve() {
	signal.Ignore(os.Interrupt)
	if err := serve(context.Background(), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, in io.Reader, out io.Writer) error {
	var s service
	defer s.close()
	orders, reports := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var o order
		if err := orders.Decode(&o); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		var r report
		if err := s.do(ctx, &o, &r); err != nil {
			r = report{Error: err.Error()}
		}
		if err := reports.Encode(&r); err != nil {
			return err
		}
	}
}

// service is a program that uses pgcache: it has one pool, like any.
type service struct{ db *sql.DB }

func (s *service) close() {
	if s.db != nil {
		_ = s.db.Close()
	}
}

func (s *service) do(ctx context.Context, o *order, r *report) (err error) {
	switch {
	case o.Open != "":
		return s.open(ctx, o.Open)
	case o.Ask != nil:
		return s.ask(ctx, o.Ask, r)
	case o.Exec != "":
		_, err = s.db.ExecContext(ctx, o.Exec)
		return err
	default:
		r.Stats, err = s.stats(ctx)
		return err
	}
}

// mostConnections keeps a fleet below the server's max_connections.
const mostConnections = 25

// open opens the database, and connects before any clock runs.
func (s *service) open(ctx context.Context, dsn string) (err error) {
	if s.db, err = sql.Open("pgcache", dsn); err != nil {
		return err
	}
	s.db.SetMaxOpenConns(mostConnections)
	s.db.SetMaxIdleConns(mostConnections)
	return s.db.PingContext(ctx)
}

// ask has the goroutines start together.
func (s *service) ask(ctx context.Context, a *Ask, r *report) error {
	r.Answers = make([]map[string]int, len(a.Questions))
	for i := range r.Answers {
		r.Answers[i] = make(map[string]int)
	}
	var mu sync.Mutex
	note := func(question int, answer string, took time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		r.Answers[question][answer]++
		r.Times = append(r.Times, took)
	}
	errs := make([]error, a.Goroutines)
	start := make(chan struct{})
	var asking sync.WaitGroup
	for i := range errs {
		asking.Go(func() {
			<-start
			errs[i] = askAll(ctx, s.db, a, note)
		})
	}
	close(start)
	asking.Wait()
	return errors.Join(errs...)
}

func askAll(ctx context.Context, db *sql.DB, a *Ask, note func(question int, answer string, took time.Duration)) error {
	for range a.Times {
		for i, q := range a.Questions {
			began := time.Now()
			answer, err := q.answer(ctx, db)
			if err != nil {
				return err
			}
			note(i, answer, time.Since(began))
		}
	}
	return nil
}

// answer gives all rows as one text. They are put in order, since most questions leave that open.
func (q Question) answer(ctx context.Context, db *sql.DB) (string, error) {
	args := make([]any, len(q.Args))
	for i, arg := range q.Args {
		args[i] = arg
	}
	rows, err := db.QueryContext(ctx, q.SQL, args...)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return "", err
	}
	values, dest := make([]sql.NullString, len(columns)), make([]any, len(columns))
	for i := range values {
		dest[i] = &values[i]
	}
	var lines []string
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return "", err
		}
		lines = append(lines, lineOf(values))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n"), rows.Err()
}

func lineOf(values []sql.NullString) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = "NULL"
		if v.Valid {
			texts[i] = strconv.Quote(v.String)
		}
	}
	return strings.Join(texts, " ")
}

// stats gives those rows of SHOW pgcache.stats that are counts.
func (s *service) stats(ctx context.Context) (map[string]int64, error) {
	rows, err := s.db.QueryContext(ctx, "SHOW pgcache.stats")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	stats := make(map[string]int64)
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return nil, err
		}
		if n, err := strconv.ParseInt(value, 10, 64); err == nil {
			stats[name] = n
		}
	}
	return stats, rows.Err()
}
