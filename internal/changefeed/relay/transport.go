package relay

import (
	"context"
	"time"
)

// Transport carries the batches of whoever leads to all who follow, and what they ask to whoever leads. It may lose batches
// and requests, and give some twice; it may not change them, nor let strangers write. Its methods are safe for concurrent use.
type Transport interface {
	// Traits says how the transport is to be used.
	Traits() Traits
	// Publish gives a batch to all who have subscribed. It is called by one goroutine, and only while this process leads.
	// A batch of which it said that it failed may have been given all the same, and comes again.
	Publish(ctx context.Context, batch []byte) error
	// Subscribe begins to receive. What is published once it has returned is received, or missing.
	Subscribe(ctx context.Context) (Subscription, error)
	// Ask gives a request to whoever leads, if anybody does.
	Ask(ctx context.Context, request []byte) error
	// Listen takes requests until the context ends, while this process leads. It gives the context's error then, or says
	// what went wrong.
	Listen(ctx context.Context, take func(request []byte)) error
}

// Subscription is what one follower receives. It is used by one goroutine.
type Subscription interface {
	// Receive waits for the next batch. When its context ends it may be called again with another; after any other error it
	// may not.
	Receive(ctx context.Context) ([]byte, error)
	// Close ends it.
	Close()
}

// Traits are the properties of a transport that matter to those who use it.
type Traits struct {
	// Limit is how many bytes a batch may have, and Spacing the least time between two. Large commits are told coarsely so
	// that they fit.
	Limit   int
	Spacing time.Duration
}
