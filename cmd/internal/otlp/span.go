package otlp

import (
	"errors"
	"strconv"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/trace"
	"github.com/standpipe/standpipe/bridge/upstream"
	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
)

// The kinds of spans.
const (
	internal = 1
	server   = 2
	client   = 3
)

// The bits of a span's flags, beside those of the trace.
const (
	knowsRemote = 1 << 8 // the next one has a meaning
	isRemote    = 1 << 9 // the parent is of another process
)

// writer writes the spans of one trace, each as an element of ScopeSpans.spans.
type writer struct {
	b     []byte
	n     int // spans
	t     *trace.Request
	base  time.Time // of all times, so that a change of the clock does not show
	nanos int64     // base since 1970
	at    int       // the span that is open
}

func (w *writer) time(t time.Time) uint64 { return uint64(w.nanos + int64(t.Sub(w.base))) }

// begin opens a span.
func (w *writer) begin(id, parent trace.SpanID, name string, kind int, start, end time.Time, remote bool) {
	w.n++
	b := w.b
	b, w.at = open(b, 2)
	b = appendSized(b, 1, w.t.Trace[:])
	b = appendSized(b, 2, id[:])
	if w.t.State != "" {
		b = appendSized(b, 3, text(w.t.State, len(w.t.State)))
	}
	flags := uint32(w.t.Flags) | knowsRemote
	if parent != (trace.SpanID{}) {
		b = appendSized(b, 4, parent[:])
		if remote {
			flags |= isRemote
		}
	}
	b = appendSized(b, 5, name)
	b = appendUint(b, 6, uint64(kind))
	if end.Before(start) {
		end = start
	}
	b = appendFixed64(b, 7, w.time(start))
	b = appendFixed64(b, 8, w.time(end))
	w.b = appendFixed32(b, 16, flags)
}

func (w *writer) end() { w.b = closed(w.b, w.at) }

func (w *writer) text(key, value string)      { w.b = appendText(w.b, ofSpan, key, value, shortText) }
func (w *writer) long(key, value string)      { w.b = appendText(w.b, ofSpan, key, value, longText) }
func (w *writer) number(key string, v int64)  { w.b = appendInt(w.b, ofSpan, key, v) }
func (w *writer) status(key string, code int) { w.number(key, int64(code)) }

// failed sets the status of a span to error.
func (w *writer) failed(kind, message string) {
	w.text("error.type", kind)
	b, at := open(w.b, 15)
	if message != "" {
		b = appendSized(b, 2, text(message, longText))
	}
	w.b = closed(appendUint(b, 3, 2), at)
}

// link adds a link to another span.
func (w *writer) link(c trace.Context) {
	b, at := open(w.b, 13)
	b = appendSized(b, 1, c.Trace[:])
	b = appendSized(b, 2, c.Span[:])
	w.b = closed(appendFixed32(b, 6, uint32(c.Flags)), at)
}

// exception adds what the app has raised.
func (w *writer) exception(e *wire.AppError, now time.Time) {
	b, at := open(w.b, 11)
	b = appendFixed64(b, 1, w.time(now))
	b = appendSized(b, 2, "exception")
	b = appendText(b, ofException, "exception.type", e.Type, shortText)
	b = appendText(b, ofException, "exception.message", e.Message, longText)
	b = appendText(b, ofException, "exception.stacktrace", e.Traceback, traceText)
	w.b = closed(b, at)
}

// phases are the names of spans, and their kinds. Those who answer are other processes.
var phases = [...]struct {
	name string
	kind int
}{
	trace.Receiving: {"receiving", internal},
	trace.Waiting:   {"waiting", internal},
	trace.App:       {"app ", client}, // and its name
	trace.Upstream:  {"", client},     // the method
	trace.Sending:   {"sending", internal},
	trace.Fetching:  {"cache fetch", internal},
}

// span writes a phase of a request.
func (w *writer) span(s *trace.Span, parent trace.SpanID, method string) {
	p := phases[s.Phase]
	name := p.name
	switch s.Phase {
	case trace.App:
		name += text(s.App, shortText)
	case trace.Upstream:
		name = spanName(method)
	}
	w.begin(s.ID, parent, name, p.kind, s.Start, s.End, false)
	w.text("standpipe.app", s.App)
	switch s.Phase {
	case trace.Upstream:
		w.ofUpstream(s, method)
	case trace.App, trace.Waiting:
		w.text("standpipe.worker", s.Worker)
	}
	if s.Phase == trace.App {
		w.number("standpipe.generation", int64(s.Generation))
		w.number("process.pid", int64(s.PID))
		w.number("standpipe.attempt", int64(s.Attempt))
	}
	w.text("standpipe.retry", s.Why)
	if s.Status != 0 {
		w.status("http.response.status_code", s.Status)
	}
	w.outcome(s)
	w.end()
}

// outcome says how a phase has ended.
func (w *writer) outcome(s *trace.Span) {
	if s.Err != nil {
		var raised *wire.AppError
		switch {
		case errors.As(s.Err, &raised):
			w.exception(raised, s.End)
			w.failed(raised.Type, raised.Error())
		case errors.Is(s.Err, httpx.ErrClientGone):
			w.text("error.type", "client_disconnected")
		default:
			w.failed(kindOf(s.Err), s.Err.Error())
		}
		return
	}
	if s.Status >= 500 || s.Status >= 400 && s.Phase == trace.Upstream { // by the conventions for clients
		w.failed(strconv.Itoa(s.Status), "")
	}
}

// kindOf is a word for an error.
func kindOf(err error) string {
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, shim.ErrQueueFull):
		return "queue_full"
	case errors.Is(err, shim.ErrQueueTimeout):
		return "queue_timeout"
	case errors.Is(err, shim.ErrNoWorkers):
		return "no_workers"
	case errors.Is(err, shim.ErrStopping):
		return "stopping"
	case errors.Is(err, shim.ErrWorkerGone), errors.Is(err, shim.ErrNotStarted):
		return "worker_exited"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	case upstream.NotTaken(err):
		return "connect"
	case upstream.Broken(err):
		return "connection_lost"
	}
	return "_OTHER"
}
