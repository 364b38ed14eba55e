package integration

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

// everything is a configuration that has each metric that the operators' files use.
const everything = `bind = ["127.0.0.1:0", "https://127.0.0.1:0"]
control = "control.sock"
metrics = "127.0.0.1:0"
[acme]
https = ["app.localhost"]
[[app]]
name = "shop"
module = "app:app"
workers = 2
threads = 4
cache = "on"
[[limit]]
name = "few"
path = "/few"
rate = "1/m"
burst = 1
[[route]]
path = "/away"
handler = "proxy"
upstreams = ["http://127.0.0.1:1"]
`

// families are the metrics of a scrape, each with its labels.
func families(page string) map[string]map[string]bool {
	list := map[string]map[string]bool{}
	for line := range strings.Lines(page) {
		m := regexp.MustCompile(`^([a-z_][a-zA-Z0-9_]*)(?:\{(.*)\})? `).FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if list[m[1]] == nil {
			list[m[1]] = map[string]bool{}
		}
		for _, l := range regexp.MustCompile(`([a-z_]+)="`).FindAllStringSubmatch(m[2], -1) {
			list[m[1]][l[1]] = true
		}
	}
	return list
}

// used checks that each metric of an expression is in the scrape, with each label that a selector names.
func used(t *testing.T, where, expr string, list map[string]map[string]bool) {
	t.Helper()
	found := 0
	for _, m := range regexp.MustCompile(`\b((?:standpipe|process)_[a-z0-9_]+)(?:\{([^}]*)\})?`).FindAllStringSubmatch(expr, -1) {
		found++
		labels, ok := list[m[1]]
		if !ok {
			t.Errorf("%s: there is no %s in a scrape", where, m[1])
			continue
		}
		for _, l := range regexp.MustCompile(`([a-z_]+)\s*(?:=~|!=|=)`).FindAllStringSubmatch(m[2], -1) {
			if l[1] != "instance" && l[1] != "job" && !labels[l[1]] {
				t.Errorf("%s: %s has no label %s", where, m[1], l[1])
			}
		}
	}
	if found == 0 && !strings.Contains(expr, "up{") {
		t.Errorf("%s: no metric in %s", where, expr)
	}
	// Labels that are grouped by are those of a metric of the expression.
	for _, m := range regexp.MustCompile(`\b(?:by|ignoring|on) \(([^)]*)\)`).FindAllStringSubmatch(expr, -1) {
		for l := range strings.SplitSeq(m[1], ",") {
			l = strings.TrimSpace(l)
			known := l == "instance" || l == "le"
			for name, labels := range list {
				known = known || strings.Contains(expr, name) && labels[l]
			}
			if !known {
				t.Errorf("%s: no metric has the label %s", where, l)
			}
		}
	}
}

// The dashboard for Grafana and the rules for Prometheus use only metrics and labels that a server has; the metrics follow Prometheus'
// own rules for names.
func TestOperatorsFilesUseRealMetrics(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": "def app(environ, start_response):\n    if environ['PATH_INFO'] == '/odd':\n        start_response('299 Odd', [])\n        return [b'x']\n    start_response('200 OK', [])\n    return [b'x']\n", "standpipe.toml": everything})
	s := start(t, opts{Dir: dir, Bare: true, NoWait: true, Env: []string{"HOME=" + t.TempDir()}})
	s.waitReady(opts{})
	for _, path := range []string{"/", "/few", "/few", "/few", "/away", "/odd"} {
		s.get(path)
	}
	s.raw("GET / HTTP/1.1\r\nHost: a b\r\n\r\n") // refused: there is no such host
	control := func(args ...string) {
		run(t, dir, nil, append(args, "--control", filepath.Join(dir, "control.sock"))...)
	}
	control("reload")
	write(t, dir, map[string]string{"app.py": "def\n"})
	control("reload")
	metrics := s.waitEvent("metrics").str("address")
	read := func() string {
		resp, err := http.Get(metrics)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	var page string
	for _, line := range []string{
		`standpipe_reloads_total{app="shop",result="done"} 1`, `standpipe_reloads_total{app="shop",result="failed"} 1`, `standpipe_invariant_violated{`,
		`standpipe_responses_total{app="shop",code="200"}`, `standpipe_responses_total{app="shop",code="other"} 1`, `standpipe_places{app="shop"} 8`, `standpipe_places_busy{app="shop"} 0`,
		`standpipe_request_duration_seconds_count{app="shop"}`, `standpipe_connections `, `standpipe_budget_limit_bytes{budget="spool_total"}`, `standpipe_worker_cpu_seconds_total{app="shop",worker="shop/1"}`,
		`standpipe_reload_timestamp_seconds{app="shop",result="failed"} 1.`,
	} {
		eventually(t, "the page has "+line, func() bool {
			page = read()
			return strings.Contains(page, "\n"+line)
		})
	}
	list := families(page)

	problems, err := promlint.New(strings.NewReader(page)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "standpipe_") && p.Metric != "standpipe_certificate_days_left" { // in days, which people set alerts in
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}

	rules, err := os.ReadFile("../packaging/prometheus/standpipe.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	alerts := regexp.MustCompile(`(?s)- alert: (\w+)\n\s+expr: (.*?)\n\s+(?:for|labels):`).FindAllStringSubmatch(string(rules), -1)
	if len(alerts) < 10 || len(alerts) != strings.Count(string(rules), "- alert:") {
		t.Errorf("%d alerts", len(alerts))
	}
	for _, a := range alerts {
		used(t, a[1], a[2], list)
	}

	text, err := os.ReadFile("../packaging/grafana/standpipe.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Title  string
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
		Templating struct {
			List []struct{ Name, Query string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil || board.Title == "" || len(board.Panels) < 10 {
		t.Fatalf("%v: %+v", err, board)
	}
	for _, p := range board.Panels {
		if len(p.Targets) == 0 {
			t.Errorf("%s shows nothing", p.Title)
		}
		for i, target := range p.Targets {
			used(t, fmt.Sprintf("%s, %d", p.Title, i), target.Expr, list)
		}
	}
}
