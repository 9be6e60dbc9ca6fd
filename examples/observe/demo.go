package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/gopgcache/pgcache/driver"
	"github.com/gopgcache/pgcache/dsn"
	"github.com/gopgcache/pgcache/examples/internal/figures"
	"github.com/gopgcache/pgcache/examples/internal/pgbench"
)

// demo runs the load twice.
type demo struct {
	database *pgbench.Database
	out      io.Writer
	load     load
}

// advice is what is printed of a row of SHOW pgcache.advice.
type advice struct {
	statement, cacheable, ttl, rule, reason string
	predicted, savedMillis                  float64
}

func (d *demo) play(ctx context.Context) error {
	fmt.Fprintf(d.out, "\n  1. %s queries with pgcache=observe: PostgreSQL answers all of them\n", figures.Grouped(d.load.queries))
	list, took, err := d.observe(ctx)
	if err != nil {
		return err
	}
	var rules []string
	fmt.Fprintf(d.out, "     %s. SHOW pgcache.advice says:\n\n", figures.Time(took))
	for _, a := range list {
		fmt.Fprintf(d.out, "     %s\n", a.statement)
		if a.rule == "" {
			fmt.Fprintf(d.out, "       no rule: %s\n", a.reason)
			continue
		}
		fmt.Fprintf(d.out, "       hit ratio %.3f, saves %.1f ms\n       %s\n", a.predicted, a.savedMillis, a.rule)
		rules = append(rules, a.rule)
	}
	fmt.Fprint(d.out, "\n  2. as many queries of the same kind with those rules\n")
	came, took, err := d.cache(ctx, rules)
	if err != nil {
		return err
	}
	fmt.Fprintf(d.out, "     %s\n\n     predicted   real\n", figures.Time(took))
	return d.compare(list, came)
}

// observe runs the load in observe mode and asks for advice.
func (d *demo) observe(ctx context.Context) (list []advice, took time.Duration, err error) {
	db, err := d.open(func(c *dsn.Config) { c.Mode, c.Rules = dsn.ModeObserve, nil })
	if err != nil {
		return nil, 0, err
	}
	defer db.Close()
	began := time.Now()
	if err := d.load.run(ctx, db, today); err != nil {
		return nil, 0, err
	}
	took = time.Since(began)
	rows, err := show(ctx, db, "SHOW pgcache.advice")
	for _, r := range rows {
		a := advice{statement: r["statement"], cacheable: r["cacheable"], ttl: r["ttl"], rule: r["rule"], reason: r["reason"]}
		a.predicted, _ = strconv.ParseFloat(r["predicted_hit_ratio"], 64)
		a.savedMillis, _ = strconv.ParseFloat(r["time_saved_ms"], 64)
		list = append(list, a)
	}
	return list, took, err
}

// cache runs the load with rules and gives the hit ratio of each statement.
func (d *demo) cache(ctx context.Context, rules []string) (map[string]float64, time.Duration, error) {
	seen := make(map[string]bool)
	var parsed []dsn.Rule
	for _, text := range rules {
		rule, err := dsn.ParseRule(text)
		if err != nil {
			return nil, 0, err
		}
		if !seen[text] { // statements over the same tables may have the same rule
			parsed = append(parsed, rule)
		}
		seen[text] = true
	}
	db, err := d.open(func(c *dsn.Config) { c.Rules = parsed })
	if err != nil {
		return nil, 0, err
	}
	defer db.Close()
	began := time.Now()
	if err := d.load.run(ctx, db, tomorrow); err != nil {
		return nil, 0, err
	}
	took := time.Since(began)
	rows, err := show(ctx, db, "SHOW pgcache.statements")
	ratios := make(map[string]float64)
	for _, r := range rows {
		hits, _ := strconv.ParseFloat(r["hits"], 64)
		calls, _ := strconv.ParseFloat(r["calls"], 64)
		ratios[r["statement"]] = hits / calls
	}
	return ratios, took, err
}

// tolerance is how far a prediction may be from what came.
const tolerance = 0.05

// compare holds what came against what was predicted.
func (d *demo) compare(list []advice, ratios map[string]float64) error {
	for _, a := range list {
		if a.rule == "" {
			continue
		}
		came := ratios[a.statement]
		fmt.Fprintf(d.out, "         %.3f  %.3f   %s\n", a.predicted, came, a.statement)
		if math.Abs(a.predicted-came) > tolerance {
			return fmt.Errorf("the hit ratio of %s is %.3f, and %.3f was predicted", a.statement, came, a.predicted)
		}
	}
	return nil
}

func (d *demo) open(more func(*dsn.Config)) (*sql.DB, error) {
	text, err := d.database.CacheDSN("all: * ttl=1h", more)
	if err != nil {
		return nil, err
	}
	return driver.OpenDB(text)
}

// show gives the rows of a SHOW, by column.
func show(ctx context.Context, db *sql.DB, query string) ([]map[string]string, error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var list []map[string]string
	for rows.Next() {
		values, into := make([]string, len(names)), make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		row := make(map[string]string, len(names))
		for i, name := range names {
			row[name] = values[i]
		}
		list = append(list, row)
	}
	return list, rows.Err()
}
