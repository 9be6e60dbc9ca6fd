package setup

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// Why no feed can run. Neither goes away before somebody does something.
var (
	ErrNothingInstalled = errors.New("pgcache: there is nothing to follow changes by: CALL pgcache.install() sets it up")
	ErrNotReady         = errors.New("pgcache: changes can't be followed yet")
)

// Choose finds the kind of feed that can run with what is installed, and installs nothing.
func Choose(ctx context.Context, conn *pgconn.PgConn, publication string) (Kind, *State, error) {
	state, err := Inspect(ctx, conn, WAL|Touch, publication)
	switch {
	case err != nil:
		return 0, nil, err
	case state.ready(WAL):
		return WAL, state, nil
	case state.ready(Touch):
		return Touch, state, nil
	default:
		return 0, nil, unready(state)
	}
}

// Prepare sees to it that a feed of one kind can run: what is missing for it is installed.
func Prepare(ctx context.Context, conn *pgconn.PgConn, kind Kind, publication string) (*State, error) {
	state, err := Inspect(ctx, conn, kind, publication)
	if err != nil || state.ready(kind) {
		return state, err
	}
	report, err := Install(ctx, conn, kind, publication)
	if err != nil {
		return nil, err
	}
	if report.State.ready(kind) {
		return report.State, nil
	}
	return nil, notReady(report.Items)
}

// unready tells why no feed can run: nothing is installed, or something that lacks something else.
func unready(state *State) error {
	of := *state
	switch {
	case state.Publication != nil:
		of.Kind = WAL
	case state.hasLog():
		of.Kind = Touch
	default:
		return ErrNothingInstalled
	}
	return notReady(of.wants())
}

// notReady says what there is to do.
func notReady(items []Item) error {
	var todo []string
	for _, item := range items {
		if item.ToDo != "" {
			todo = append(todo, item.Name+": "+item.ToDo)
		}
	}
	return fmt.Errorf("%w: %s", ErrNotReady, strings.Join(todo, "; "))
}
