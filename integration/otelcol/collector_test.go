// Package otelcol sends standpipe's traces to the OpenTelemetry Collector: its service with the OTLP receiver and the processors that
// most have. It is a module of its own: `make test-all` runs it, because the Collector takes minutes to build.
package otelcol

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/yamlprovider"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/batchprocessor"
	"go.opentelemetry.io/collector/processor/memorylimiterprocessor"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/service/telemetry/otelconftelemetry"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// patience bounds each wait.
const patience = 2 * time.Minute

// span is one that has come out of the Collector.
type span struct {
	ptrace.Span
	resource map[string]any
	scope    string
}

func (s span) attribute(key string) any { return s.Attributes().AsRaw()[key] }

// collector is a running Collector, and what its exporter got.
type collector struct {
	t       *testing.T
	address string

	mu    sync.Mutex
	spans []span
	fail  func() error // what the exporter says of a batch; nil: it takes it
}

// newCollector starts one. processors are those of its pipeline; http is added to the configuration of its receiver.
func newCollector(t *testing.T, processors, http string) *collector {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &collector{t: t, address: ln.Addr().String()}
	ln.Close()
	config := fmt.Sprintf(`yaml:
receivers: {otlp: {protocols: {http: {endpoint: %q%s}}}}
processors:
  memory_limiter: {check_interval: 1s, limit_mib: 4000}
  batch: {timeout: 50ms}
exporters: {taken: {}}
service:
  telemetry: {metrics: {level: none}}
  pipelines: {traces: {receivers: [otlp], processors: [%s], exporters: [taken]}}
`, c.address, http, processors)
	col, err := otelcol.NewCollector(otelcol.CollectorSettings{
		Factories: c.factories, BuildInfo: component.NewDefaultBuildInfo(), DisableGracefulShutdown: true,
		ConfigProviderSettings: otelcol.ConfigProviderSettings{ResolverSettings: confmap.ResolverSettings{URIs: []string{config}, ProviderFactories: []confmap.ProviderFactory{yamlprovider.NewFactory()}}},
		LoggingOptions:         []zap.Option{zap.WrapCore(func(zapcore.Core) zapcore.Core { return zapcore.NewNopCore() })},
	})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { ended <- col.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	c.wait("the collector to start", func() bool {
		select {
		case err := <-ended:
			ended <- err
			t.Fatal(err)
		default:
		}
		conn, err := net.Dial("tcp", c.address)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return c
}

func (c *collector) factories() (otelcol.Factories, error) {
	kind := component.MustNewType("taken")
	taken := exporter.NewFactory(kind, func() component.Config { return &struct{}{} }, exporter.WithTraces(func(context.Context, exporter.Settings, component.Config) (exporter.Traces, error) {
		return sink{c}, nil
	}, component.StabilityLevelStable))
	rf, bf, mf := otlpreceiver.NewFactory(), batchprocessor.NewFactory(), memorylimiterprocessor.NewFactory()
	return otelcol.Factories{
		Receivers:  map[component.Type]receiver.Factory{rf.Type(): rf},
		Processors: map[component.Type]processor.Factory{bf.Type(): bf, mf.Type(): mf},
		Exporters:  map[component.Type]exporter.Factory{kind: taken},
		Telemetry:  otelconftelemetry.NewFactory(),
	}, nil
}

// sink is the Collector's exporter.
type sink struct{ c *collector }

func (sink) Start(context.Context, component.Host) error { return nil }
func (sink) Shutdown(context.Context) error              { return nil }
func (sink) Capabilities() consumer.Capabilities         { return consumer.Capabilities{} }

func (s sink) ConsumeTraces(_ context.Context, batch ptrace.Traces) error {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	if s.c.fail != nil {
		if err := s.c.fail(); err != nil {
			return err
		}
	}
	kept := ptrace.NewTraces()
	batch.CopyTo(kept)
	for _, r := range kept.ResourceSpans().All() {
		for _, scope := range r.ScopeSpans().All() {
			for _, one := range scope.Spans().All() {
				s.c.spans = append(s.c.spans, span{one, r.Resource().Attributes().AsRaw(), scope.Scope().Name()})
			}
		}
	}
	return nil
}

func (c *collector) taken() []span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.spans)
}

func (c *collector) wait(what string, f func() bool) {
	c.t.Helper()
	for end := time.Now().Add(patience); !f(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			var lines []string
			for _, s := range c.taken() {
				lines = append(lines, fmt.Sprint(s.Name(), " ", s.Attributes().AsRaw()))
			}
			c.t.Fatalf("waited in vain for %s; spans:\n%s", what, strings.Join(lines, "\n"))
		}
	}
}
