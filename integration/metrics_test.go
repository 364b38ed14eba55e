package integration

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

var metricLine = regexp.MustCompile(`^([a-z0-9_]+)(?:\{(.*)\})? ([0-9.e+-]+|NaN|\+Inf)$`)

// metrics reads the page from an address; the key is the name with its labels as they are written. (That the form is
// right is tested where the official parser may be used: cmd/internal/metrics.)
func (s *server) metrics(network, address string) map[string]float64 {
	s.t.Helper()
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) {
		return net.DialTimeout(network, address, patience)
	}}}
	resp, err := c.Get("http://x/metrics")
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 {
		s.t.Fatalf("%d %v", resp.StatusCode, err)
	}
	m := map[string]float64{}
	for _, line := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := metricLine.FindStringSubmatch(line)
		if f == nil {
			if strings.HasPrefix(line, "standpipe_") {
				s.t.Errorf("what is %q?", line)
			}
			continue
		}
		m[f[1]+"{"+f[2]+"}"], _ = strconv.ParseFloat(f[3], 64)
	}
	return m
}

// Counters never fall, whatever becomes of workers; the states add up.
func TestMetrics(t *testing.T) {
	t.Parallel()
	s := start(t, opts{App: "app:app", Dir: steady(t), Args: []string{"-w", "2", "--metrics", "127.0.0.1:0"}})
	app := s.status().Apps[0].Name
	own := strings.TrimSuffix(strings.TrimPrefix(s.waitEvent("metrics").str("address"), "http://"), "/metrics")
	key := func(name, labels string) string { return fmt.Sprintf(`%s{app="%s"%s}`, name, app, labels) }
	var last map[string]float64
	look := func() map[string]float64 {
		t.Helper()
		m := s.metrics("tcp", own)
		sum := 0.0
		for k, v := range m {
			if strings.HasPrefix(k, "standpipe_workers{") {
				sum += v
			}
			if strings.Contains(k, "_total{") && strings.HasPrefix(k, "standpipe_") && v < last[k] {
				t.Errorf("%s has fallen from %v to %v", k, last[k], v)
			}
			if strings.HasPrefix(k, "standpipe_invariant_violated") && v != 0 {
				t.Errorf("%s", k)
			}
		}
		for k := range last {
			if _, ok := m[k]; !ok && strings.Contains(k, "_total{") {
				t.Errorf("%s is gone", k)
			}
		}
		if configured := m[key("standpipe_workers_configured", "")]; sum != configured || configured == 0 {
			t.Errorf("the states are %v together, configured are %v", sum, configured)
		}
		last = m
		return m
	}
	ok := key("standpipe_requests_total", `,class="2xx",source="app"`)
	for range 10 {
		s.want(200, "/version")
	}
	s.want(404, "/nothing")
	eventually(t, "all are counted", func() bool {
		m := look()
		all := m[ok] == 10 && m[key("standpipe_requests_total", `,class="4xx",source="app"`)] == 1 && m[key("standpipe_served_total", "")] == 11
		for _, phase := range []string{"waiting", "app", "sending"} {
			all = all && m[key("standpipe_request_seconds_count", `,phase="`+phase+`"`)] == 11
		}
		return all
	})
	// Workers that go take nothing with them.
	s.must("restart", app+"/1")
	look()
	s.must("reload")
	look()
	for _, pid := range s.status().pids() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	eventually(t, "both deaths are counted", func() bool {
		return look()[key("standpipe_worker_exits_total", `,cause="signal:9",reason="none"`)] == 2
	})
	eventually(t, "both are back", func() bool { return look()[key("standpipe_workers_ready", "")] == 2 })
	s.want(200, "/version")
	eventually(t, "it goes on", func() bool { return look()[ok] == 11 })
	m := look()
	if n := m[key("standpipe_worker_restarts_total", "")]; n != 5 {
		t.Errorf("%v restarts", n)
	}
	if n := m[key("standpipe_worker_exits_total", `,cause="exit:0",reason="reload"`)]; n != 2 {
		t.Errorf("%v ends for the reload", n)
	}
	// The same on the control socket; nothing else on the address of the metrics.
	if there := s.metrics("unix", s.controlSocket())[ok]; there != 11 {
		t.Errorf("%v on the control socket", there)
	}
	resp, err := http.Get("http://" + own + "/v1/status")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 404 {
		t.Errorf("/v1/status on the address of the metrics: %d", resp.StatusCode)
	}
}

// An address that is in use ends the start, as with --bind, and leaves nothing.
func TestMetricsAddressInUse(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	env, _ := runtimeFolder(t)
	r := run(t, steady(t), env, "serve", "app:app", "-b", "127.0.0.1:0", "--metrics", ln.Addr().String())
	if r.code != 4 || !strings.Contains(r.errout, ln.Addr().String()) {
		t.Errorf("%+v", r)
	}
}
