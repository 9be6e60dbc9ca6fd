package peer_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/gopgcache/pgcache/cachestore/peer"
)

// A fleet of one owns every key. With more processes in Peers, Fetch asks the owner of the key.
func Example() {
	fleet, err := peer.Open(peer.Config{
		Self:   "http://10.0.0.1:7700",
		Listen: "127.0.0.1:0", // leave it out to listen where Self says
		Peers:  []string{"http://10.0.0.1:7700"},
		Secret: []byte("32 bytes or more, from a file that all processes have"),
		Group:  "db.example.com/shop",
		Fill: func(_ context.Context, request []byte) (peer.Filled, error) {
			return peer.Filled{Bytes: append([]byte("the answer to "), request...), Keep: true}, nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer fleet.Close()

	ctx := context.Background()
	call := peer.Call{Key: "report, version 7", Request: []byte("select sum(amount) from sales")}
	answer, err := fleet.Fetch(ctx, call)
	switch {
	case errors.Is(err, peer.ErrOwn): // share a flight with those who ask from elsewhere
		answer, err = fleet.Own(ctx, call)
	case errors.Is(err, peer.ErrUnavailable): // do the work here
	}
	fmt.Println(string(answer.Bytes), err)
	// Output: the answer to select sum(amount) from sales <nil>
}
