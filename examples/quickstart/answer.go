package main

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"
)

// group is one row of the answer: a branch, and how many accounts it has.
type group struct{ branch, accounts int64 }

// answer is a set of groups: they are in order of the branch, whatever the order they came in.
type answer []group

// ask asks the question and reads the answer to its end.
func ask(ctx context.Context, db *sql.DB) (answer, error) {
	rows, err := db.QueryContext(ctx, question)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var a answer
	for rows.Next() {
		var g group
		if err := rows.Scan(&g.branch, &g.accounts); err != nil {
			return nil, err
		}
		a = append(a, g)
	}
	slices.SortFunc(a, func(x, y group) int {
		return cmp.Or(cmp.Compare(x.branch, y.branch), cmp.Compare(x.accounts, y.accounts))
	})
	return a, rows.Err()
}

// timed asks with a watch in hand.
func timed(ctx context.Context, db *sql.DB) (answer, time.Duration, error) {
	began := time.Now()
	a, err := ask(ctx, db)
	return a, time.Since(began), err
}

// times asks several times, and gives all answers and the median time.
func times(ctx context.Context, db *sql.DB, runs int) ([]answer, time.Duration, error) {
	answers := make([]answer, runs)
	took := make([]time.Duration, runs)
	for i := range runs {
		var err error
		if answers[i], took[i], err = timed(ctx, db); err != nil {
			return nil, 0, err
		}
	}
	slices.Sort(took)
	return answers, took[runs/2], nil
}

// errDiffers is the one thing that must never happen.
var errDiffers = errors.New("the answer differs from plain pgx's")

// agree reports the first difference between answers and the right one.
func agree(answers []answer, right answer) error {
	for _, a := range answers {
		if err := a.differs(right); err != nil {
			return err
		}
	}
	return nil
}

func (a answer) differs(right answer) error {
	if len(a) != len(right) {
		return fmt.Errorf("%w: it has %d rows instead of %d", errDiffers, len(a), len(right))
	}
	for i := range a {
		if a[i] != right[i] {
			return fmt.Errorf("%w: it has branch %d with %d accounts instead of branch %d with %d",
				errDiffers, a[i].branch, a[i].accounts, right[i].branch, right[i].accounts)
		}
	}
	return nil
}
