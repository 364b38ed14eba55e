package otlp

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/trace"
)

var writers = sync.Pool{New: func() any { return new(writer) }}

// mostKept is the memory that a writer keeps, in bytes.
const mostKept = 64 << 10

// newWriter returns a writer for the spans of t.
func newWriter(t *trace.Request, base time.Time) *writer {
	w := writers.Get().(*writer)
	*w = writer{b: w.b[:0], t: t, base: base, nanos: base.UnixNano()}
	return w
}

func (w *writer) free() {
	if cap(w.b) <= mostKept {
		w.t = nil
		writers.Put(w)
	}
}

// Observe takes a request that is answered (chain.Observer).
func (x *Exporter) Observe(rec *httpx.Writer, r *http.Request, now time.Time) {
	n := &rec.Info
	t := n.Trace
	if !t.Recording() {
		return
	}
	spans := t.Spans()
	if !x.queue.hasRoom() { // it is not even written
		x.queue.drop(1 + len(spans))
		return
	}
	w := newWriter(t, n.Start)
	defer w.free()
	w.request(rec, r, now)
	if n.Receive > 0 {
		w.span(&trace.Span{Phase: trace.Receiving, ID: trace.NewSpanID(), Start: n.Start, End: n.Start.Add(n.Receive)}, t.Span, "")
	}
	for i := range spans {
		w.span(&spans[i], t.Span, r.Method)
	}
	if !t.Head.IsZero() {
		w.span(&trace.Span{Phase: trace.Sending, ID: trace.NewSpanID(), Start: t.Head, End: now}, t.Span, "")
	}
	x.queue.add(w.b, w.n)
}

// Apart takes work that was recorded beside a request (trace.Sink): a fetch of the HTTP cache, which is always a GET.
func (x *Exporter) Apart(t *trace.Request) {
	spans := t.Spans()
	if len(spans) == 0 {
		return
	}
	if !x.queue.hasRoom() {
		x.queue.drop(len(spans))
		return
	}
	w := newWriter(t, spans[len(spans)-1].Start)
	defer w.free()
	for i := range spans {
		s := &spans[i]
		parent := t.Span
		if s.ID == t.Span {
			parent = t.Parent
		}
		w.span(s, parent, http.MethodGet)
	}
	x.queue.add(w.b, w.n)
}

// spanName is the name of a span that is about a request. The conventions want no path in it, of which there are too many.
func spanName(method string) string {
	if known(method) {
		return method
	}
	return "HTTP"
}

func known(method string) bool {
	switch method {
	case "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY":
		return true
	}
	return false
}

func (w *writer) method(method string) {
	if known(method) {
		w.text("http.request.method", method)
		return
	}
	w.text("http.request.method", "_OTHER")
	w.text("http.request.method_original", method)
}

// request writes the span of the request itself, by the semantic conventions for servers
// (https://opentelemetry.io/docs/specs/semconv/http/http-spans/). The query is left out: it may hold what is not for others.
func (w *writer) request(rec *httpx.Writer, r *http.Request, now time.Time) {
	n, t := &rec.Info, w.t
	w.begin(t.Span, t.Parent, spanName(r.Method), server, n.Start, now, true)
	w.method(r.Method)
	w.long("url.path", pathOf(r))
	w.text("url.scheme", n.Scheme)
	w.host(r.Host, n.ServerPort)
	w.text("client.address", n.RemoteAddr)
	if n.Peer.IsValid() {
		w.text("network.peer.address", n.Peer.Addr().String())
	}
	w.text("network.protocol.version", versionOf(r))
	if n.Relayed {
		w.text("network.protocol.name", "uwsgi")
	}
	if v := r.Header["User-Agent"]; len(v) > 0 {
		w.text("user_agent.original", v[0])
	}
	if n.Received > 0 {
		w.number("http.request.body.size", n.Received)
	}
	w.number("http.response.body.size", rec.Bytes())
	w.text("standpipe.request_id", n.ID)
	w.text("standpipe.app", n.App)
	w.text("standpipe.source", n.Source)
	w.text("standpipe.worker", n.Worker)
	w.text("standpipe.upstream", n.Upstream)
	w.text("standpipe.cache", n.Cache)
	w.text("standpipe.refused", n.Refused)
	if n.Retries > 0 {
		w.number("standpipe.retries", int64(n.Retries))
	}
	if t.Link.Valid() {
		w.link(t.Link)
	}
	if t.Lost > 0 {
		w.number("standpipe.spans_left_out", int64(t.Lost))
	}
	w.response(rec)
	w.end()
}

// response says what the client got.
func (w *writer) response(rec *httpx.Writer) {
	n := &rec.Info
	status := httpx.LoggedStatus(rec)
	message := n.Refused
	if n.Err != nil {
		message = n.Err.Error()
	}
	gone := errors.Is(n.Err, httpx.ErrClientGone)
	if !gone || rec.Status() != 0 {
		w.status("http.response.status_code", status)
	}
	switch {
	case gone:
		w.text("error.type", "client_disconnected")
	case status >= 500:
		w.failed(strconv.Itoa(status), message)
	case n.Aborted || rec.Aborted():
		w.failed("response_cut", message)
	case n.Err != nil:
		w.long("standpipe.error", message)
	}
}

// pathOf is the path as the client has sent it.
func pathOf(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		path, _, _ := strings.Cut(r.RequestURI, "?")
		return path
	}
	if r.URL == nil { // a request that could not be read
		return ""
	}
	return r.URL.Path
}

// host writes a host and its port, which is ours where the client names none.
func (w *writer) host(host, port string) {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && strings.IndexByte(host[i:], ']') < 0 {
		host, port = host[:i], host[i+1:]
	}
	w.text("server.address", strings.Trim(host, "[]"))
	if n, err := strconv.ParseUint(port, 10, 16); err == nil && n > 0 {
		w.number("server.port", int64(n))
	}
}

// ofUpstream writes what is about a request to an upstream.
func (w *writer) ofUpstream(s *trace.Span, method string) {
	w.method(method)
	w.text("standpipe.upstream", s.Worker)
	address := s.Worker
	if _, after, ok := strings.Cut(address, "://"); ok {
		address = after
	}
	if strings.HasPrefix(s.Worker, "unix:") || strings.HasPrefix(address, "/") {
		w.text("server.address", address)
	} else {
		address, _, _ = strings.Cut(address, "/")
		w.host(address, "")
	}
	if s.Attempt > 1 {
		w.number("http.request.resend_count", int64(s.Attempt-1))
	}
}

func versionOf(r *http.Request) string {
	switch {
	case r.ProtoMajor == 1 && r.ProtoMinor == 1:
		return "1.1"
	case r.ProtoMajor == 1:
		return "1.0"
	case r.ProtoMajor == 2:
		return "2"
	case r.ProtoMajor == 3:
		return "3"
	}
	return ""
}
