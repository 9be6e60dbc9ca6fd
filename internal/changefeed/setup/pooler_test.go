package setup

import (
	"context"
	"io"
	"net"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// testPooler gives a way to connect that leads through something that says other process numbers than the server, as poolers
// do. The number stands in a message of 13 bytes: K, the length, the process, a secret.
func testPooler(t *testing.T, config *pgconn.Config) *pgconn.Config {
	t.Helper()
	pooled := config.Copy()
	pooled.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := config.DialFunc(ctx, network, address)
		return &otherNumbers{Conn: conn}, err
	}
	return pooled
}

// otherNumbers changes the process number that a server gives.
type otherNumbers struct {
	net.Conn

	message []byte // what is left of the message that is being handed on
	ready   bool
}

func (o *otherNumbers) Read(p []byte) (int, error) {
	if o.ready && len(o.message) == 0 {
		return o.Conn.Read(p)
	}
	if len(o.message) == 0 {
		if err := o.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, o.message)
	o.message = o.message[n:]
	return n, nil
}

// next reads one message, until the first query may come.
func (o *otherNumbers) next() error {
	header := make([]byte, 5)
	if _, err := io.ReadFull(o.Conn, header); err != nil {
		return err
	}
	length := int(header[1])<<24 | int(header[2])<<16 | int(header[3])<<8 | int(header[4])
	o.message = make([]byte, 1+length)
	copy(o.message, header)
	if _, err := io.ReadFull(o.Conn, o.message[5:]); err != nil {
		return err
	}
	switch header[0] {
	case 'K':
		o.message[8]++
	case 'Z':
		o.ready = true
	}
	return nil
}
