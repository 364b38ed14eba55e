package compose

import (
	"context"
	"net/http"
	"reflect"
	"sync"

	"github.com/standpipe/standpipe/bridge/chain"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/logfile"
	"github.com/standpipe/standpipe/cmd/internal/otlp"
)

// Traces are the spans that are sent to a collector.
type Traces struct {
	log     *logfile.Log
	version string

	mu  sync.Mutex
	now *exporting // in force; nil: traces are off
}

// exporting is an exporter, with what it was made of.
type exporting struct {
	*otlp.Exporter
	o otlp.Options
}

// Stats are the numbers of the spans; false: traces are off.
func (t *Traces) Stats() (otlp.Stats, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.now == nil {
		return otlp.Stats{}, false
	}
	return t.now.Exporter.Stats(), true
}

// of returns what a configuration wants: the exporter that is in force, if that will do. One that is made is not started.
func (t *Traces) of(c *config.Tracing) *exporting {
	if t == nil || c.To == "" {
		return nil
	}
	u, err := c.Endpoint()
	if err != nil { // the configuration was checked
		return nil
	}
	o := otlp.Options{URL: u, Fields: c.Fields, Service: c.Service, Attributes: c.Attributes, Version: t.version, Log: t.log}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.now != nil && reflect.DeepEqual(t.now.o, o) {
		return t.now
	}
	return &exporting{otlp.New(o), o}
}

// use puts an exporter in force, which may be nil. It returns the end of the one before it, which takes up to two seconds; nil:
// there is none.
func (t *Traces) use(next *exporting) (end func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	old := t.now
	if t.now = next; next != nil {
		next.Start()
	}
	if old == nil || old == next {
		return nil
	}
	return func() { old.Close(context.Background()) }
}

// close sends what waits, and ends the exporter in force. It counts and shows on.
func (t *Traces) close(ctx context.Context) {
	t.mu.Lock()
	now := t.now
	t.mu.Unlock()
	if now != nil {
		now.Close(ctx)
	}
}

// beside is the list with the observer of traces.
func (x *exporting) beside(list []chain.Observer) []chain.Observer {
	if x != nil {
		list = append(list[:len(list):len(list)], x.Observe)
	}
	return list
}

// stage is the stage of traces; nil: they are off.
func (x *exporting) stage(c *config.Tracing) func(http.Handler) http.Handler {
	if x == nil {
		return nil
	}
	return chain.Trace(chain.TraceOptions{Part: c.Sample, TrustedOnly: c.Parents == "trusted", Sink: x})
}
