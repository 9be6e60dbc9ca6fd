package libraries_test

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
)

// order is a job: to add to what a customer has ordered.
type order struct {
	Customer string `json:"customer"`
	Amount   int    `json:"amount"`
}

func (order) Kind() string { return "order" }

// clerk works orders. An amount of 13 it refuses.
type clerk struct {
	river.WorkerDefaults[order]

	db *sql.DB
}

func (c *clerk) Work(ctx context.Context, job *river.Job[order]) error {
	if job.Args.Amount == 13 {
		return river.JobCancel(errors.New("bad luck"))
	}
	tx, err := c.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	const add = `INSERT INTO orders VALUES ($1, $2) ON CONFLICT (customer) DO UPDATE SET amount = orders.amount + excluded.amount`
	if _, err := tx.ExecContext(ctx, add, job.Args.Customer, job.Args.Amount); err != nil {
		return err
	}
	if _, err := river.JobCompleteTx[*riverdatabasesql.Driver](ctx, tx, job); err != nil {
		return err
	}
	return tx.Commit()
}

func TestRiver(t *testing.T) {
	onBoth(t, func(t *testing.T, at place, log *transcript) {
		db, ctx := at.open(t, log), t.Context()
		driver := riverdatabasesql.New(db)
		quiet := slog.New(slog.DiscardHandler)
		migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: quiet})
		log.runs("make a migrator", err)
		migrateRiver(ctx, migrator, log)
		_, err = db.ExecContext(ctx, "CREATE TABLE orders (customer text PRIMARY KEY, amount int)")
		log.runs("create a table", err)
		workers := river.NewWorkers()
		river.AddWorker(workers, &clerk{db: db})
		client, err := river.NewClient(driver, &river.Config{
			Queues:            map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 4}},
			Workers:           workers,
			Logger:            quiet,
			FetchCooldown:     10 * time.Millisecond,
			FetchPollInterval: 20 * time.Millisecond,
			ID:                "shop",
		})
		log.runs("make a client", err)
		insertRiver(ctx, db, client, log)
		ended, unsubscribe := client.Subscribe(river.EventKindJobCompleted, river.EventKindJobCancelled)
		defer unsubscribe()
		log.runs("start", client.Start(ctx))
		workRiver(ctx, t, ended, log)
		lookRiver(ctx, db, client, log)
		_, err = client.Insert(ctx, order{"Atro", 100}, nil)
		log.runs("insert while working", err)
		<-ended
		lookRiver(ctx, db, client, log)
		log.runs("stop", client.Stop(ctx))
	})
}

func migrateRiver(ctx context.Context, migrator *rivermigrate.Migrator[*sql.Tx], log *transcript) {
	versions := func(direction rivermigrate.Direction, o *rivermigrate.MigrateOpts) {
		log.does("migrate "+string(direction), func() (any, error) {
			result, err := migrator.Migrate(ctx, direction, o)
			if err != nil {
				return nil, err
			}
			var versions []int
			for _, version := range result.Versions {
				versions = append(versions, version.Version)
			}
			return versions, nil
		})
	}
	versions(rivermigrate.DirectionUp, nil)
	versions(rivermigrate.DirectionDown, &rivermigrate.MigrateOpts{MaxSteps: 1})
	versions(rivermigrate.DirectionUp, nil)
	log.does("validate", func() (any, error) {
		result, err := migrator.Validate(ctx, nil)
		if err != nil {
			return nil, err
		}
		return result.OK, nil
	})
}

// insertRiver inserts jobs in a transaction that commits, and in one that doesn't.
func insertRiver(ctx context.Context, db *sql.DB, client *river.Client[*sql.Tx], log *transcript) {
	for _, end := range []func(*sql.Tx) error{(*sql.Tx).Rollback, (*sql.Tx).Commit} {
		tx, err := db.BeginTx(ctx, nil)
		log.runs("begin", err)
		log.does("insert", func() (any, error) {
			result, err := client.InsertTx(ctx, tx, order{"Shevek", 3}, &river.InsertOpts{Tags: []string{"first"}, Priority: 2})
			if err != nil {
				return nil, err
			}
			return seenOf(result.Job), nil
		})
		log.does("insert many", func() (any, error) {
			results, err := client.InsertManyTx(ctx, tx, []river.InsertManyParams{{Args: order{"Takver", 4}}, {Args: order{"Shevek", 5}}, {Args: order{"Takver", 13}}})
			return len(results), err
		})
		log.runs("end", end(tx))
	}
}

func workRiver(ctx context.Context, t *testing.T, ended <-chan *river.Event, log *transcript) {
	t.Helper()
	var jobs []jobSeen
	for range 4 {
		select {
		case event := <-ended:
			jobs = append(jobs, seenOf(event.Job))
		case <-ctx.Done():
			t.Fatal("the jobs aren't worked")
		}
	}
	slices.SortFunc(jobs, func(a, b jobSeen) int { return cmp.Compare(a.ID, b.ID) })
	log.note("worked", describe(jobs))
}

func lookRiver(ctx context.Context, db *sql.DB, client *river.Client[*sql.Tx], log *transcript) {
	look := func(step string, read func() (any, error)) {
		// River's own work goes on at the same time: what of it hits is its own business.
		for range 3 {
			log.does(step, read)
		}
	}
	look("get", func() (any, error) {
		job, err := client.JobGet(ctx, 5)
		if err != nil {
			return nil, err
		}
		return seenOf(job), nil
	})
	look("list", func() (any, error) {
		result, err := client.JobList(ctx, river.NewJobListParams().OrderBy(river.JobListOrderByID, river.SortOrderAsc))
		if err != nil {
			return nil, err
		}
		var jobs []jobSeen
		for _, job := range result.Jobs {
			jobs = append(jobs, seenOf(job))
		}
		return jobs, nil
	})
	look("the orders", func() (any, error) {
		rows, err := db.QueryContext(ctx, "SELECT * FROM orders ORDER BY customer")
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		return scanAll(rows)
	})
	if log.cached && log.stats()["hits"] == 0 {
		log.t.Error("nothing is answered from the cache")
	}
}

// jobSeen is what two runs of a job have in common.
type jobSeen struct {
	ID       int64
	Args     string
	Attempt  int
	State    rivertype.JobState
	Priority int
	Tags     []string
	Errors   []string
}

func seenOf(job *rivertype.JobRow) jobSeen {
	seen := jobSeen{job.ID, string(job.EncodedArgs), job.Attempt, job.State, job.Priority, job.Tags, nil}
	for _, attempt := range job.Errors {
		seen.Errors = append(seen.Errors, attempt.Error)
	}
	return seen
}
