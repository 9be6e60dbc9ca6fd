package wal

import "context"

// Barrier implements changefeed.Feed.
func (f *Feed) Barrier(context.Context) error { return ErrNoStream }
