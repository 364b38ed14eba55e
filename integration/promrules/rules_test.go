// Package promrules checks packaging/prometheus with Prometheus' own code. It is a module of its own: `make test-all` runs it, because
// Prometheus takes minutes to build.
package promrules

import (
	"context"
	"log/slog"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
)

const file = "../../packaging/prometheus/standpipe.rules.yml"

// well are the series of a server that is well.
const well = `
up{job="standpipe",instance="a"} 1x60
standpipe_responses_total{instance="a",app="shop",code="200"} 0+600x60
standpipe_responses_total{instance="a",app="shop",code="500"} 0+1x60
standpipe_request_duration_seconds_bucket{instance="a",app="shop",le="0.1"} 0+600x60
standpipe_request_duration_seconds_bucket{instance="a",app="shop",le="10"} 0+601x60
standpipe_request_duration_seconds_bucket{instance="a",app="shop",le="+Inf"} 0+601x60
standpipe_queue_refused_total{instance="a",app="shop",reason="full"} 5x60
standpipe_queue_oldest_seconds{instance="a",app="shop"} 0.1x60
standpipe_places{instance="a",app="shop"} 8x60
standpipe_places_busy{instance="a",app="shop"} 3x60
standpipe_workers_ready{instance="a",app="shop"} 4x60
standpipe_workers_ready{instance="a",app="asleep"} 0x60
standpipe_worker_exits_total{instance="a",app="shop",cause="signal:9",reason="none"} 2x60
standpipe_boot_failures_total{instance="a",app="shop"} 1x60
standpipe_boot_failures_total{instance="a",app="asleep"} 0x60
standpipe_reload_timestamp_seconds{instance="a",app="shop",result="failed"} 100x60
standpipe_reload_timestamp_seconds{instance="a",app="shop",result="done"} 200x60
standpipe_upstream_state{instance="a",route="/api",upstream="http://b",state="available"} 1x60
standpipe_certificate_days_left{instance="a",certificate="shop.example",source="file"} 60x60
standpipe_connections{instance="a"} 10x60
standpipe_connections_limit{instance="a"} 1000x60
standpipe_budget_used_bytes{instance="a",budget="spool_total"} 10x60
standpipe_budget_limit_bytes{instance="a",budget="spool_total"} 1000x60
standpipe_budget_used_bytes{instance="a",budget="answer_total"} 10x60
standpipe_budget_limit_bytes{instance="a",budget="answer_total"} 0x60
standpipe_release_gone{instance="a",app="shop"} 0x60
standpipe_invariant_violated{instance="a",app="shop",invariant="x"} 0x60
`

// ill are series with which an alert fires; they take the place of those of the same labels.
var ill = map[string]string{
	"StandpipeDown":               `up{job="standpipe",instance="a"} 0x60`,
	"StandpipeErrors":             `standpipe_responses_total{instance="a",app="shop",code="500"} 0+60x60`,
	"StandpipeSlow":               `standpipe_request_duration_seconds_bucket{instance="a",app="shop",le="0.1"} 0+500x60`,
	"StandpipeQueueRefuses":       `standpipe_queue_refused_total{instance="a",app="shop",reason="full"} 0+1x60`,
	"StandpipeQueueWaits":         `standpipe_queue_oldest_seconds{instance="a",app="shop"} 9x60`,
	"StandpipePlacesUsed":         `standpipe_places_busy{instance="a",app="shop"} 8x60`,
	"StandpipeNoWorker":           `standpipe_workers_ready{instance="a",app="shop"} 0x60`,
	"StandpipeWorkersDie":         `standpipe_worker_exits_total{instance="a",app="shop",cause="signal:9",reason="none"} 0+1x60`,
	"StandpipeBootsFail":          `standpipe_boot_failures_total{instance="a",app="shop"} 0+1x60`,
	"StandpipeReloadFailed":       `standpipe_reload_timestamp_seconds{instance="a",app="shop",result="failed"} 300x60`,
	"StandpipeUpstreamAway":       `standpipe_upstream_state{instance="a",route="/api",upstream="http://c",state="ejected"} 1x60`,
	"StandpipeCertificateExpires": `standpipe_certificate_days_left{instance="a",certificate="shop.example",source="file"} 3x60`,
	"StandpipeConnectionsUsed":    `standpipe_connections{instance="a"} 900x60`,
	"StandpipeBudgetUsed":         `standpipe_budget_used_bytes{instance="a",budget="spool_total"} 950x60`,
	"StandpipeReleaseGone":        `standpipe_release_gone{instance="a",app="shop"} 1x60`,
	"StandpipeFault":              `standpipe_invariant_violated{instance="a",app="shop",invariant="x"} 1x60`,
}

// Each rule is one that Prometheus accepts, is silent while all is well, and fires, after its time, when what it is for happens.
func TestRules(t *testing.T) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	groups, errs := rulefmt.Parse(text, false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.Default())
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	seen := map[string]bool{}
	for _, g := range groups.Groups {
		for _, r := range g.Rules {
			seen[r.Alert] = true
			if r.Annotations["summary"] == "" || r.Annotations["do"] == "" || r.Labels["severity"] == "" {
				t.Errorf("%s has no summary, no advice or no severity", r.Alert)
			}
			if got := holds(t, well, r.Expr, time.Duration(r.For)); got {
				t.Errorf("%s fires while all is well", r.Alert)
			}
			bad, ok := ill[r.Alert]
			if !ok {
				t.Errorf("%s: there is no case for it", r.Alert)
				continue
			}
			if !holds(t, replaced(well, bad), r.Expr, time.Duration(r.For)) {
				t.Errorf("%s does not fire", r.Alert)
			}
		}
	}
	for name := range ill {
		if !seen[name] {
			t.Errorf("there is no rule %s", name)
		}
	}
}

// replaced has a series in the place of the one with the same labels.
func replaced(all, series string) string {
	labels, _, _ := strings.Cut(series, "} ")
	var lines []string
	for line := range strings.Lines(all) {
		if !strings.HasPrefix(line, labels+"}") {
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
	}
	return strings.Join(append(lines, series), "\n")
}

// holds says whether an expression holds for so long, up to the fortieth minute.
func holds(t *testing.T, series, expr string, long time.Duration) bool {
	t.Helper()
	storage := promqltest.LoadedStorage(t, "load 1m\n  "+strings.ReplaceAll(strings.TrimSpace(series), "\n", "\n  "))
	defer storage.Close()
	engine := promqltest.NewTestEngine(t, false, 0, promqltest.DefaultMaxSamplesPerQuery)
	end := time.Unix(0, 0).UTC().Add(40 * time.Minute)
	q, err := engine.NewRangeQuery(context.Background(), storage, nil, expr, end.Add(-long), end, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	result := q.Exec(context.Background())
	matrix, err := result.Matrix()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range matrix {
		n := 0
		for _, p := range s.Floats {
			if !math.IsNaN(p.F) {
				n++
			}
		}
		if n == int(long/time.Minute)+1 {
			return true
		}
	}
	return false
}
