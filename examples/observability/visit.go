package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"
)

// visit has a visitor come now and then until the context ends. One who gets an error goes away, and the next comes all the same:
// the service is to be watched in bad times, too.
func visit(ctx context.Context, url string, every time.Duration) {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	beat := time.NewTicker(every)
	defer beat.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
		}
		// A few products are looked at often, and most hardly ever.
		product := fmt.Sprintf("%s/products/%d", url, 1+int(20*rand.ExpFloat64())%products)
		switch {
		case n%100 == 0:
			ask(ctx, client, http.MethodPost, product)
		case n%4 == 0:
			ask(ctx, client, http.MethodGet, url+"/")
		default:
			ask(ctx, client, http.MethodGet, product)
		}
	}
}

// ask reads a page to its end, so that the connection can be used again.
func ask(ctx context.Context, client *http.Client, method, url string) {
	request, err := http.NewRequestWithContext(ctx, method, url, http.NoBody)
	if err != nil {
		return
	}
	response, err := client.Do(request)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
}
