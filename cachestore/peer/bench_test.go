package peer

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
)

// BenchmarkFetchHit asks a peer for what it has, beside bare HTTP that moves the same bytes.
func BenchmarkFetchHit(b *testing.B) {
	for _, size := range []int{100, 10_000, 1_000_000} {
		body := bytes.Repeat([]byte("x"), size)
		b.Run(fmt.Sprintf("peer/%d", size), func(b *testing.B) {
			fs, _ := fleets(b, 2, func(i int, c *Config) {
				c.CacheBytes = []int64{16 << 20, 0}[i] // nothing is kept at the asker
				c.Fill = func(context.Context, []byte) (Filled, error) { return Filled{Bytes: body, Keep: true}, nil }
			})
			call := Call{Key: keyOf(b, fs[0]), Request: []byte("select 1")}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if answer, err := fs[1].Fetch(b.Context(), call); err != nil || len(answer.Bytes) != size {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("http/%d", size), func(b *testing.B) {
			listener, _ := net.Listen("tcp", "127.0.0.1:0")
			server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				_, _ = w.Write(body)
			})}
			go func() { _ = server.Serve(listener) }()
			defer server.Close()
			client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
			defer client.CloseIdleConnections()
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				response, err := client.Post("http://"+listener.Addr().String(), "", bytes.NewReader([]byte("select 1")))
				if err != nil {
					b.Fatal(err)
				}
				got, _ := io.ReadAll(response.Body)
				_ = response.Body.Close()
				if len(got) != size {
					b.Fatal(len(got))
				}
			}
		})
	}
}

// BenchmarkResting is what a peer that failed costs.
func BenchmarkResting(b *testing.B) {
	fs, _ := fleets(b, 2, nil)
	call := Call{Key: keyOf(b, fs[0])}
	_ = fs[0].Close()
	_, _ = fs[1].Fetch(b.Context(), call)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = fs[1].Fetch(b.Context(), call)
	}
}
