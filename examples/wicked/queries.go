package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gopgcache/pgcache/fanout"
)

// queries are the six of a report: each reads all accounts. The first is the talk's; all are in order, so that their answers
// can be compared.
var queries = []fanout.Query[answer]{
	report("accounts by branch", `
		SELECT aid.bid, count(1) FROM pgbench_accounts aid
		GROUP BY aid.bid ORDER BY aid.bid LIMIT 5000`),
	report("balances by branch", `
		SELECT bid, sum(abalance), sum(aid) FROM pgbench_accounts
		GROUP BY bid ORDER BY bid`),
	report("first and last account", `
		SELECT bid, min(aid), max(aid), max(aid) - min(aid) + 1 FROM pgbench_accounts
		GROUP BY bid ORDER BY bid`),
	report("branches", `
		SELECT b.bid, b.bbalance, count(*), sum(a.abalance)
		FROM pgbench_branches b JOIN pgbench_accounts a ON a.bid = b.bid
		GROUP BY b.bid ORDER BY b.bid`),
	report("tellers", `
		SELECT t.tid, count(*), min(a.aid), max(a.aid)
		FROM pgbench_tellers t JOIN pgbench_accounts a ON a.bid = t.bid AND a.aid % 10 = t.tid % 10
		GROUP BY t.tid ORDER BY t.tid`),
	report("last three digits", `
		SELECT aid % 1000 AS digits, count(*), sum(abalance) FROM pgbench_accounts
		GROUP BY digits ORDER BY digits`),
}

// rule is all that the cache is told about them.
const rule = "report: table=pgbench_accounts,pgbench_branches,pgbench_tellers ttl=10m"

func report(name, text string) fanout.Query[answer] {
	text = strings.ReplaceAll(strings.TrimSpace(text), "\t", "")
	return fanout.Query[answer]{Name: name, SQL: text, Read: readAnswer}
}

// answer is a result, one text a row.
type answer []string

// readAnswer reads a result of any shape.
func readAnswer(_ context.Context, rows *sql.Rows) (answer, error) {
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	var a answer
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		a = append(a, fmt.Sprint(values))
	}
	return a, rows.Err()
}

// errDiffers is the one thing that must never happen.
var errDiffers = errors.New("an answer differs from the plain loop's")

// compare holds the answers of all queries against the right ones.
func compare(got, right []answer) error {
	for i, q := range queries {
		if slices.Equal(got[i], right[i]) {
			continue
		}
		n := 0
		for n < min(len(got[i]), len(right[i])) && got[i][n] == right[i][n] {
			n++
		}
		return fmt.Errorf("%w: %s has %d rows instead of %d, the first %d alike", errDiffers, q.Name, len(got[i]), len(right[i]), n)
	}
	return nil
}
