package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	collected "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// address is a writer that hands on the address that is written.
type address chan string

var printed = regexp.MustCompile(`http://127\.0\.0\.1:\d+/`)

func (a address) Write(p []byte) (int, error) {
	if url := printed.Find(p); url != nil {
		a <- string(url)
	}
	return len(p), nil
}

// What the service does under load is in its metrics, and the fills are in its traces, under the requests that needed them.
func TestRun(t *testing.T) {
	spans := collect(t)
	t.Setenv("DATABASE_URL", pgtest.Database(t)+"&pgcache_rule=shop: table=products,orders ttl=1m")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, ended := make(address, 1), make(chan error, 1)
	go func() { ended <- run(ctx, []string{"-listen", "127.0.0.1:0", "-visit", "1ms"}, out) }()
	select {
	case err := <-ended:
		t.Fatal(err)
	case url := <-out:
		for _, want := range []string{
			`pgcache_lookups_total\{db_name="shop",result="hit"\} [1-9]`,
			`pgcache_lookup_duration_seconds_count\{db_name="shop",result="miss"\} [1-9]`,
			`pgcache_invalidations_total\{db_name="shop",source="write"\} [1-9]`,
			`pgcache_feed_live\{db_name="shop"\} 1`,
			`go_sql_open_connections\{db_name="shop"\} `,
		} {
			wait(t, url+"metrics", want)
		}
		for path, want := range map[string]int{"products/7": 200, "products/0": 404, "products/seven": 404, "nothing": 404} {
			if status, body := get(t, url+path); status != want {
				t.Errorf("%s: %d %s", path, status, body)
			}
		}
	}
	cancel()
	if err := <-ended; err == nil || err.Error() != "context canceled" {
		t.Error(err)
	}
	http.DefaultClient.CloseIdleConnections()
	checkSpans(t, spans())
}

// checkSpans wants each fill to have a parent, and some to have a request for one. It may be that not all requests were sent: when
// the machine is slow, what makes them into batches drops some.
func checkSpans(t *testing.T, list []*trace.Span) {
	t.Helper()
	requests := make(map[string]bool)
	for _, span := range list {
		if span.Kind == trace.Span_SPAN_KIND_SERVER && strings.HasPrefix(span.Name, "GET /") {
			requests[string(span.SpanId)] = true
		}
	}
	var fills int
	for _, span := range list {
		switch {
		case span.Name != "pgcache.fill":
		case len(span.ParentSpanId) == 0:
			t.Errorf("nobody wanted the fill: %v", span)
		case requests[string(span.ParentSpanId)]:
			fills++
		}
	}
	if fills == 0 {
		t.Errorf("no fills under requests among %d spans", len(list))
	}
}

// collect is a collector of OpenTelemetry's as far as the service can tell. The function that it gives tells what was sent.
func collect(t *testing.T) func() []*trace.Span {
	t.Helper()
	sent := make(chan []*trace.Span, 1000)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var batch collected.ExportTraceServiceRequest
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = proto.Unmarshal(body, &batch)
		}
		if err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL.Path, err)
		}
		for _, resource := range batch.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				sent <- scope.Spans
			}
		}
	}))
	t.Cleanup(collector.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	return func() (list []*trace.Span) {
		collector.Close()
		close(sent)
		for spans := range sent {
			list = append(list, spans...)
		}
		return list
	}
}

// wait asks for a page until it shows what is bound to come.
func wait(t *testing.T, url, want string) {
	t.Helper()
	shown := regexp.MustCompile(want)
	for began := time.Now(); ; runtime.Gosched() {
		status, body := get(t, url)
		switch {
		case status != http.StatusOK:
			t.Fatalf("%s: %d\n%s", url, status, body)
		case shown.MatchString(body):
			return
		case time.Since(began) > time.Minute:
			t.Fatalf("%s never shows %s:\n%s", url, want, body)
		}
	}
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

func TestParse(t *testing.T) {
	for args, well := range map[string]bool{
		"": true, "-listen :0": true, "-visit 0": true, "-visit -1s": false, "-visit often": false, "more": false,
	} {
		if _, err := parse(strings.Fields(args), io.Discard); (err == nil) != well {
			t.Errorf("%q: %v", args, err)
		}
	}
}
