package metrics

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/upstream"
	"github.com/standpipe/standpipe/cmd/internal/certs"
)

func TestUpstreams(t *testing.T) {
	m := New("1", func() []Pool { return nil }, func() []certs.Info { return nil })
	m.Upstreams(func() []upstream.Info {
		return []upstream.Info{{Route: "/", Upstream: "http://a:1", State: "ejected", InFlight: 3, Requests: 7, Failures: map[upstream.Cause]int64{upstream.Timeout: 2}, Retries: map[upstream.Cause]int64{upstream.Connect: 1},
			Ejections: 4, Latency: 1500 * time.Millisecond, Check: &upstream.LastCheck{At: time.Unix(1000, 0), Err: "no"}}}
	})
	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	at := `{route="/",upstream="http://a:1"}`
	for _, want := range []string{
		`standpipe_upstream_state{route="/",state="ejected",upstream="http://a:1"} 1`, "standpipe_upstream_in_flight" + at + " 3", "standpipe_upstream_requests_total" + at + " 7",
		`standpipe_upstream_failures_total{cause="timeout",route="/",upstream="http://a:1"} 2`, `standpipe_upstream_retries_total{cause="connect",route="/",upstream="http://a:1"} 1`,
		"standpipe_upstream_ejections_total" + at + " 4", "standpipe_upstream_latency_seconds" + at + " 1.5", "standpipe_upstream_check_passed" + at + " 0", "standpipe_upstream_check_timestamp_seconds" + at + " 1000",
	} {
		if !strings.Contains(rec.Body.String(), "\n"+want+"\n") {
			t.Errorf("no %s", want)
		}
	}
}
