package chain

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/trace"
)

// TraceOptions are the settings of the stage Trace.
type TraceOptions struct {
	// Part is the part of the traces that begin here that is recorded, from 0 to 1. The traceparent of each says whether it is.
	Part float64
	// TrustedOnly: a traceparent counts only if a trusted proxy sends it. Any other one is a link of the trace that begins here.
	TrustedOnly bool
	// Sink takes what was recorded beside requests.
	Sink trace.Sink
}

// Trace is the stage that continues the trace of a request, or begins one, by W3C Trace Context: those who answer get a
// traceparent whose parent is a span of this server. It comes behind Peer.
func Trace(o TraceOptions) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return &tracing{o, trace.NewSampler(o.Part), next} }
}

type tracing struct {
	o       TraceOptions
	sampler trace.Sampler
	next    http.Handler
}

func (s *tracing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec := w.(*httpx.Writer)
	if r.Header == nil {
		r.Header = make(http.Header, 1)
	}
	c, from, state := s.position(&rec.Info, r.Header)
	if c.Flags&trace.Sampled != 0 {
		parent, link := from.Span, trace.Context{}
		if c.Trace != from.Trace {
			parent, link = trace.SpanID{}, from
		}
		rec.Info.Trace = trace.NewRequest(c, parent, state, s.o.Sink)
		rec.Info.Trace.Link = link
	}
	s.next.ServeHTTP(rec, r)
}

// position decides where in which trace the request is, and tells those who answer. from is what the client says.
func (s *tracing) position(n *httpx.RequestInfo, h http.Header) (c, from trace.Context, state string) {
	values := h["Traceparent"]
	continues := false
	if len(values) == 1 { // several are none: which one counts is not known
		from, continues = trace.Parse(values[0])
	}
	if continues = continues && (n.Trusted || !s.o.TrustedOnly); continues {
		c = from
		c.Span = trace.NewSpanID()
	} else {
		c = trace.NewContext()
		if s.sampler.Takes(c.Trace) {
			c.Flags |= trace.Sampled
		}
	}
	if had, ok := h["Tracestate"]; ok {
		if continues {
			state = trace.State(had)
		}
		switch {
		case state == "":
			delete(h, "Tracestate")
		case len(had) > 1:
			h["Tracestate"] = []string{state}
		}
	}
	if len(values) == 1 {
		values[0] = c.String()
	} else {
		h["Traceparent"] = []string{c.String()}
	}
	return c, from, state
}

// ServerTiming is the stage that has each response say where the time went.
func ServerTiming() func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return &serverTiming{next} }
}

type serverTiming struct{ next http.Handler }

func (s *serverTiming) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.(*httpx.Writer).Timed = true
	s.next.ServeHTTP(w, r)
}

// RequestStart is the stage that tells apps and upstreams when the request came, in the form of nginx's "t=${msec}": monitors in
// the app subtract it from the time at which they begin. That of a trusted proxy, where the wait has begun, stays. It comes behind
// Peer.
func RequestStart() func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return &requestStart{next} }
}

type requestStart struct{ next http.Handler }

func (s *requestStart) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := &w.(*httpx.Writer).Info
	if r.Header == nil {
		r.Header = make(http.Header, 1)
	}
	if had := r.Header["X-Request-Start"]; !n.Trusted || len(had) != 1 || strings.TrimSpace(had[0]) == "" {
		r.Header["X-Request-Start"] = []string{startText(n.Start.UnixMilli())}
	}
	s.next.ServeHTTP(w, r)
}

func startText(ms int64) string {
	b := strconv.AppendInt(append(make([]byte, 0, 24), "t="...), ms/1000, 10)
	ms %= 1000
	return string(append(b, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10)))
}
