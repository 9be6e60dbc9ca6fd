// Package notify carries a relay's batches by NOTIFY on the server that is followed, where there is nothing else that all
// processes can reach.
//
// It costs what nothing else does. A notification is a transaction that writes WAL, so a batch moves the position that it
// tells of; therefore a leader tells of progress only when somebody waits for it, or four times a second, and never because
// of its own batches. And it takes a number, so that no two barriers see the same transactions, and each waits for a batch
// of its own: strict reads take milliseconds here.
//
// Whoever may connect to the database may notify. So batches carry a code made with a secret that the fleet shares; those with
// another are not taken. Without a secret every role of the database is trusted.
package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gopgcache/pgcache/internal/changefeed/relay"
	"github.com/gopgcache/pgcache/internal/changefeed/server"
)

const (
	// payload is how long PostgreSQL lets a notification be.
	payload = 7999
	// code is how many bytes of the code are sent.
	code = 16
	// spacing is the least time between two batches of one leader.
	spacing = 2 * time.Millisecond
)

// Transport is a relay.Transport by NOTIFY.
type Transport struct {
	config   *pgconn.Config
	down, up string
	secret   []byte

	mu sync.Mutex
	// conn is what is notified with; nil while there is none.
	conn *pgconn.PgConn
	// closed is set when there will be none.
	closed bool
}

var _ relay.Transport = (*Transport)(nil)

// New makes a transport of one fleet, which the name stands for: two channels are named after it. The configuration must
// lead to the server itself, not to a pooler. Close it when the feed has ended.
func New(config *pgconn.Config, name string, secret []byte) *Transport {
	c := server.PlainConfig(config, server.NewName())
	c.RuntimeParams["synchronous_commit"] = "off" // a notification that a crash takes is missed by number
	sum := sha256.Sum256([]byte(name))
	channel := "pgcache_" + hex.EncodeToString(sum[:12]) // names have their bound
	return &Transport{config: c, down: channel + "_commits", up: channel + "_requests", secret: secret}
}

// Traits implements relay.Transport.
func (t *Transport) Traits() relay.Traits {
	return relay.Traits{Limit: base64.RawStdEncoding.DecodedLen(payload) - code, Spacing: spacing}
}

// Publish implements relay.Transport.
func (t *Transport) Publish(ctx context.Context, batch []byte) error {
	return t.notify(ctx, t.down, batch)
}

// Ask implements relay.Transport.
func (t *Transport) Ask(ctx context.Context, request []byte) error {
	return t.notify(ctx, t.up, request)
}

var errClosed = errors.New("pgcache: the relay's transport is closed")

// notify sends one notification, on a connection that is kept.
func (t *Transport) notify(ctx context.Context, channel string, data []byte) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return errClosed
	}
	if t.conn == nil {
		conn, err := pgconn.ConnectConfig(ctx, t.config)
		if err != nil {
			return err
		}
		t.conn = conn
	}
	text := base64.RawStdEncoding.EncodeToString(append(t.sign(channel, data), data...))
	result := t.conn.ExecParams(ctx, "select pg_notify($1, $2)", [][]byte{[]byte(channel), []byte(text)}, nil, nil, nil).Read()
	if t.conn.IsClosed() {
		t.conn = nil
	}
	return result.Err
}

// Close ends the connection.
func (t *Transport) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	if t.conn == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return t.conn.Close(ctx)
}

// sign gives the code of what is sent on a channel.
func (t *Transport) sign(channel string, data []byte) []byte {
	mac := hmac.New(sha256.New, t.secret)
	mac.Write([]byte(channel))
	mac.Write([]byte{0})
	mac.Write(data)
	return mac.Sum(nil)[:code]
}

// open gives what was sent, if it is the fleet's.
func (t *Transport) open(channel, text string) ([]byte, bool) {
	data, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil || len(data) < code || !hmac.Equal(data[:code], t.sign(channel, data[code:])) {
		return nil, false
	}
	return data[code:], true
}

// Subscribe implements relay.Transport.
func (t *Transport) Subscribe(ctx context.Context) (relay.Subscription, error) {
	return t.listen(ctx, t.down)
}

// Listen implements relay.Transport.
func (t *Transport) Listen(ctx context.Context, take func([]byte)) error {
	s, err := t.listen(ctx, t.up)
	if err != nil {
		return err
	}
	defer s.Close()
	for {
		request, err := s.Receive(ctx)
		if err != nil {
			return err
		}
		take(request)
	}
}

// subscription listens to a channel.
type subscription struct {
	transport *Transport
	channel   string
	conn      *pgconn.PgConn
	queue     [][]byte
}

func (t *Transport) listen(ctx context.Context, channel string) (*subscription, error) {
	s := &subscription{transport: t, channel: channel}
	config := t.config.Copy()
	config.OnNotification = func(_ *pgconn.PgConn, n *pgconn.Notification) {
		if data, ours := t.open(n.Channel, n.Payload); ours && n.Channel == channel {
			s.queue = append(s.queue, data)
		}
	}
	dialing, cancel := context.WithTimeout(ctx, server.Patience)
	defer cancel()
	conn, err := pgconn.ConnectConfig(dialing, config)
	if err != nil {
		return nil, err
	}
	s.conn = conn
	if _, err := conn.Exec(dialing, "listen "+pgx.Identifier{channel}.Sanitize()).ReadAll(); err != nil {
		s.Close()
		return nil, fmt.Errorf("pgcache: listening to %s: %w", channel, err)
	}
	return s, nil
}

// Receive implements relay.Subscription.
func (s *subscription) Receive(ctx context.Context) ([]byte, error) {
	for len(s.queue) == 0 {
		if err := s.conn.WaitForNotification(ctx); err != nil {
			return nil, err
		}
	}
	data := s.queue[0]
	s.queue = s.queue[1:]
	return data, nil
}

// Close implements relay.Subscription.
func (s *subscription) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = s.conn.Close(ctx)
}
