package otlp

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/bridgetest"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/trace"
	"github.com/standpipe/standpipe/integration/otlptest"
	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
)

// rig is an exporter with a collector.
type rig struct {
	t   testing.TB
	c   *otlptest.Collector
	x   *Exporter
	log *bridgetest.Log
}

func newRig(t testing.TB) *rig {
	c := otlptest.New(t)
	g := &rig{t: t, c: c, log: new(bridgetest.Log)}
	g.x = New(g.options(c.URL))
	g.x.last = time.Minute // a busy machine
	t.Cleanup(func() { g.x.Close(context.Background()) })
	return g
}

func (g *rig) options(address string) Options {
	u, err := url.Parse(address + "/v1/traces")
	if err != nil {
		g.t.Fatal(err)
	}
	return Options{URL: u, Service: "test", Version: "1", Log: hclog.New(&hclog.LoggerOptions{Output: g.log, JSONFormat: true}), Fields: []string{"X-Api-Key", "secret"}, Attributes: []string{"deployment.environment.name", "test"}}
}

// request is one that was recorded.
func (g *rig) request(path string, change func(rec *httpx.Writer, r *http.Request)) {
	rec := new(httpx.Writer)
	rec.Reset(httptest.NewRecorder())
	r := httptest.NewRequest("GET", "/", nil)
	r.RequestURI = path
	c := trace.NewContext()
	c.Flags |= trace.Sampled
	rec.Info = httpx.RequestInfo{ID: path, Start: time.Now().Add(-time.Second), Scheme: "http", RemoteAddr: "192.0.2.1", ServerPort: "80", Peer: netip.MustParseAddrPort("192.0.2.1:5"),
		Trace: trace.NewRequest(c, trace.SpanID{}, "", g.x)}
	if change != nil {
		change(rec, r)
	}
	g.x.Observe(rec, r, time.Now())
}

// flush sends what waits, and returns the spans by name.
func (g *rig) flush() map[string][]otlptest.Span {
	g.x.Start()
	g.x.Close(context.Background())
	m := map[string][]otlptest.Span{}
	for _, s := range g.c.Spans() {
		m[s.Name] = append(m[s.Name], s)
	}
	return m
}

func TestSpans(t *testing.T) {
	g := newRig(t)
	raised := &wire.AppError{Type: "ValueError", Message: "boom", File: "a.py", Line: 3, Traceback: strings.Repeat("line\n", 10000)}
	link := trace.NewContext()
	g.request("/a?q=1", func(rec *httpx.Writer, r *http.Request) {
		n, t := &rec.Info, rec.Info.Trace
		at := n.Start
		n.App, n.Worker, n.Source, n.Cache, n.Retries, n.Receive, n.Received = "shop", "shop/2", "app", "miss", 1, 10*time.Millisecond, 7
		t.Parent, t.State, t.Link, t.Lost = trace.SpanID{7}, "foo=1", link, 2
		t.Add(trace.Span{Phase: trace.Waiting, ID: trace.NewSpanID(), Start: at, End: at.Add(time.Millisecond), App: "shop", Worker: "shop/1"})
		t.Add(trace.Span{Phase: trace.App, ID: trace.NewSpanID(), Start: at, End: at.Add(2 * time.Millisecond), App: "shop", Worker: "shop/1", Generation: 3, PID: 9, Attempt: 1, Err: fmt.Errorf("shop/1: %w", shim.ErrWorkerGone), Why: "killed"})
		t.Add(trace.Span{Phase: trace.App, ID: trace.NewSpanID(), Start: at.Add(time.Millisecond), End: at, App: "shop", Worker: "shop/2", Attempt: 2, Err: raised})
		t.Add(trace.Span{Phase: trace.Upstream, ID: trace.NewSpanID(), Start: at, End: at, Worker: "https://10.0.0.1:8443", Attempt: 2, Status: 404})
		t.Add(trace.Span{Phase: trace.Upstream, ID: trace.NewSpanID(), Start: at, End: at, Worker: "uwsgi+unix:/run/a.sock", Attempt: 1, Status: 200})
		r.Method, r.Host = "BREW", "[2001:db8::1]:8443"
		r.Header.Set("User-Agent", "a\x00b\xff"+strings.Repeat("ä", 200))
		n.Err = raised
		rec.WriteHeader(500)
	})
	got := g.flush()
	root := got["HTTP"]
	if len(root) != 3 { // the request and two upstreams
		t.Fatalf("%v", got)
	}
	var request otlptest.Span
	for _, s := range root {
		if s.Kind == otlptest.Server {
			request = s
		}
	}
	a := request.Attributes
	for key, want := range map[string]any{
		"http.request.method": "_OTHER", "http.request.method_original": "BREW", "url.path": "/a", "server.address": "2001:db8::1", "server.port": int64(8443), "standpipe.cache": "miss",
		"http.response.status_code": int64(500), "error.type": "500", "standpipe.retries": int64(1), "http.request.body.size": int64(7), "network.peer.address": "192.0.2.1", "standpipe.spans_left_out": int64(2),
	} {
		if a[key] != want {
			t.Errorf("%s: %v, want %v", key, a[key], want)
		}
	}
	if agent := request.Text("user_agent.original"); !strings.HasPrefix(agent, "a\uFFFDb\uFFFDä") || len(agent) > shortText+4 {
		t.Errorf("%q", agent)
	}
	if request.Code != otlptest.Error || !strings.Contains(request.Message, "boom") || request.Parent != "0700000000000000" || request.Flags != 0x303 || request.State != "foo=1" ||
		len(request.Links) != 1 || request.Links[0] != link.Trace.String()+"-"+link.Span.String() {
		t.Errorf("%+v", request)
	}
	if request.Resource["service.name"] != "test" || request.Resource["deployment.environment.name"] != "test" || request.Scope != scopeName {
		t.Errorf("%v %s", request.Resource, request.Scope)
	}
	apps := got["app shop"]
	if len(apps) != 2 || apps[0].Code != otlptest.Error || apps[0].Text("error.type") != "worker_exited" || apps[0].Text("standpipe.retry") != "killed" || apps[0].Number("standpipe.generation") != 3 ||
		apps[1].Text("error.type") != "ValueError" || len(apps[1].Events) != 1 || apps[1].Took() != 0 {
		t.Fatalf("%+v", apps)
	}
	if e := apps[1].Events[0]; e.Name != "exception" || e.Attributes["exception.type"] != "ValueError" || e.Attributes["exception.message"] != "boom" || len(e.Attributes["exception.stacktrace"].(string)) != traceText {
		t.Errorf("%v", e.Name)
	}
	for _, s := range root {
		switch s.Number("http.response.status_code") {
		case 404:
			if s.Code != otlptest.Error || s.Text("server.address") != "10.0.0.1" || s.Number("server.port") != 8443 || s.Number("http.request.resend_count") != 1 {
				t.Errorf("%+v", s)
			}
		case 200:
			if s.Code != otlptest.Unset || s.Attributes["http.request.resend_count"] != nil {
				t.Errorf("%+v", s)
			}
		}
	}
	if len(got["receiving"]) != 1 || len(got["waiting"]) != 1 || len(got["sending"]) != 1 {
		t.Error(got)
	}
	if _, header := g.c.Posts(); header.Get("X-Api-Key") != "secret" || header.Get("Content-Encoding") != "gzip" || header.Get("User-Agent") != "standpipe/1" {
		t.Error(header)
	}
}

// How a request ends, and what its span says of that.
func TestOutcome(t *testing.T) {
	for name, c := range map[string]struct {
		change func(rec *httpx.Writer)
		code   int
		kind   string
		status int64
	}{
		"answered":     {func(rec *httpx.Writer) { rec.WriteHeader(200) }, otlptest.Unset, "", 200},
		"not found":    {func(rec *httpx.Writer) { rec.WriteHeader(404) }, otlptest.Unset, "", 404},
		"unavailable":  {func(rec *httpx.Writer) { rec.Info.Err = shim.ErrQueueTimeout; rec.WriteHeader(503) }, otlptest.Error, "503", 503},
		"refused":      {func(rec *httpx.Writer) { rec.Info.Refused = "limit api: rate"; rec.WriteHeader(429) }, otlptest.Unset, "", 429},
		"left":         {func(rec *httpx.Writer) { rec.Info.Err = httpx.ErrClientGone; rec.Info.Status = 499; rec.Abort() }, otlptest.Unset, "client_disconnected", 0},
		"left within":  {func(rec *httpx.Writer) { rec.WriteHeader(200); rec.Info.Err = httpx.ErrClientGone; rec.Abort() }, otlptest.Unset, "client_disconnected", 200},
		"cut":          {func(rec *httpx.Writer) { rec.WriteHeader(200); rec.Info.Err = errors.New("short"); rec.Abort() }, otlptest.Error, "response_cut", 200},
		"stale answer": {func(rec *httpx.Writer) { rec.WriteHeader(200); rec.Info.Err = errors.New("the app is down") }, otlptest.Unset, "", 200},
	} {
		g := newRig(t)
		g.request("/", func(rec *httpx.Writer, _ *http.Request) { c.change(rec) })
		list := g.flush()["GET"]
		if len(list) != 1 || list[0].Code != c.code || list[0].Text("error.type") != c.kind || list[0].Number("http.response.status_code") != c.status {
			t.Errorf("%s: %s", name, otlptest.Format(list))
		}
	}
}

// A fetch of the cache is a child of its request, and what it asks lies within.
func TestApart(t *testing.T) {
	g := newRig(t)
	c := trace.NewContext()
	c.Flags |= trace.Sampled
	parent := trace.NewRequest(c, trace.SpanID{}, "", g.x)
	f := parent.Fork()
	now := time.Now()
	f.Add(trace.Span{Phase: trace.Waiting, ID: trace.NewSpanID(), Start: now, End: now})
	f.EndFork(now, now.Add(time.Second), 503, nil)
	got := g.flush()
	fetch, wait := got["cache fetch"], got["waiting"]
	if len(fetch) != 1 || len(wait) != 1 || fetch[0].Parent != c.Span.String() || wait[0].Parent != fetch[0].ID || fetch[0].Code != otlptest.Error || fetch[0].Took() != time.Second {
		t.Errorf("%v", got)
	}
	g.x.Apart(parent.Fork()) // nothing was recorded
}

// Batches are bounded, and so is what waits.
func TestQueueBounds(t *testing.T) {
	g := newRig(t)
	for range queueSpans + 100 {
		g.request("/", nil)
	}
	if st := g.x.Stats(); st.Waiting != queueSpans || st.Dropped != 100 || g.x.queue.hasRoom() {
		t.Errorf("%+v", st)
	}
	g.request("/", func(rec *httpx.Writer, _ *http.Request) {
		for range 5 {
			rec.Info.Trace.Add(trace.Span{ID: trace.NewSpanID()})
		}
	})
	if st := g.x.Stats(); st.Dropped != 106 {
		t.Errorf("%+v", st)
	}
	if n := len(g.flush()["GET"]); n != queueSpans {
		t.Errorf("%d spans", n)
	}
	if n, _ := g.c.Posts(); n != queueSpans/batchSpans {
		t.Errorf("%d messages", n)
	}
	if st := g.x.Stats(); st.Sent != queueSpans || st.Waiting != 0 || st.Rejected != 0 {
		t.Errorf("%+v", st)
	}
	g.request("/", nil) // after the end
	if st := g.x.Stats(); st.Waiting != 0 || st.Dropped != 107 {
		t.Errorf("%+v", st)
	}
}

func TestQueueBytes(t *testing.T) {
	q := newQueue()
	big := make([]byte, batchBytes)
	for range 4 {
		q.add(big, 1)
	}
	q.add([]byte{1}, 1)
	if q.hasRoom() || q.dropped.Load() != 1 || q.waiting() != 4 {
		t.Error(q.hasRoom(), q.dropped.Load(), q.waiting())
	}
	if b := q.take(false); b == nil || b.n != 1 || !q.hasRoom() {
		t.Error(b)
	}
}

// What the answers of collectors mean.
func TestJudge(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		status  int
		kind    string
		body    []byte
		after   string
		want    answer
		message string
	}{
		"taken":        {200, "application/x-protobuf", nil, "", answer{verdict: taken}, ""},
		"accepted":     {202, "", nil, "", answer{verdict: taken}, ""},
		"partly":       {200, "application/x-protobuf", otlptest.Partial(3, "too old"), "", answer{verdict: taken, rejected: 3}, "too old"},
		"a warning":    {200, "application/x-protobuf", otlptest.Partial(0, "hm"), "", answer{verdict: taken}, "hm"},
		"below none":   {200, "application/x-protobuf", otlptest.Partial(-3, ""), "", answer{verdict: taken}, ""},
		"nonsense":     {200, "application/x-protobuf", []byte{0xff}, "", answer{verdict: taken}, errAnswer.Error()},
		"a web server": {200, "text/html; charset=utf-8", []byte("<p>"), "", answer{verdict: taken}, "its answer is a web page: this is no collector"},
		"a redirect":   {307, "", nil, "", answer{verdict: refused}, "redirects are not followed: /x"},
		"a bad key":    {401, "text/plain", []byte("no\x00key"), "", answer{verdict: refused}, "no\uFFFDkey"},
		"bad data":     {400, "application/x-protobuf", []byte{8, 3, 0x12, 2, 'n', 'o'}, "", answer{verdict: refused}, "no"},
		"a fault":      {500, "", nil, "", answer{verdict: refused}, "it answered 500 Internal Server Error"},
		"busy":         {429, "", nil, "7", answer{verdict: again, after: 7 * time.Second}, ""},
		"away":         {503, "", nil, now.Add(90 * time.Second).UTC().Format(http.TimeFormat), answer{verdict: again, after: 90 * time.Second}, ""},
		"away, soon":   {502, "", nil, "soon", answer{verdict: again}, ""},
		"away, past":   {504, "", nil, "Mon, 02 Jan 2006 15:04:05 GMT", answer{verdict: again}, ""},
	} {
		resp := &http.Response{StatusCode: c.status, Status: fmt.Sprint(c.status, " ", http.StatusText(c.status)), Header: http.Header{"Content-Type": {c.kind}, "Retry-After": {c.after}, "Location": {"/x"}}}
		got := judge(resp, c.body, nil, now)
		if got.verdict != c.want.verdict || got.rejected != c.want.rejected || (got.after-c.want.after).Abs() > time.Second || got.message != c.message || got.verdict == again && got.err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// A collector that is away, and comes back: one record of each, and nothing is lost that has room.
func TestAway(t *testing.T) {
	g := newRig(t)
	var tries int
	g.c.Answer = func(w http.ResponseWriter, r *http.Request) {
		if tries++; tries <= 2 {
			w.WriteHeader(503)
			return
		}
		if err := g.c.Take(r); err != nil {
			t.Error(err)
		}
	}
	for range batchSpans {
		g.request("/", nil)
	}
	g.x.Start()
	g.c.Wait(func(list []otlptest.Span) bool { return len(list) == batchSpans })
	g.x.Close(context.Background())
	if st := g.x.Stats(); st.Sent != batchSpans || st.Dropped != 0 || st.Away {
		t.Errorf("%+v", st)
	}
	text := g.log.String()
	if strings.Count(text, "trace_away") != 1 || strings.Count(text, "trace_back") != 1 || strings.Contains(text, "secret") {
		t.Error(text)
	}
}

// A collector that takes nothing of a message is told of once, and not asked again.
func TestRejected(t *testing.T) {
	g := newRig(t)
	g.c.Answer = func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no such key", http.StatusUnauthorized) }
	g.x.Start()
	for range 2 {
		for range batchSpans {
			g.request("/", nil)
		}
	}
	g.flush()
	if st := g.x.Stats(); st.Rejected != 2*batchSpans || st.Sent != 0 {
		t.Errorf("%+v", st)
	}
	if n, _ := g.c.Posts(); n != 2 || strings.Count(g.log.String(), "trace_rejected") != 1 || !strings.Contains(g.log.String(), "no such key") {
		t.Error(n, g.log)
	}
}

// Close is bounded, whatever the collector does, and the API key goes to no other server.
func TestCloseIsBounded(t *testing.T) {
	g := newRig(t)
	hang := make(chan struct{})
	defer close(hang)
	g.c.Answer = func(http.ResponseWriter, *http.Request) { <-hang }
	g.request("/", nil)
	g.x.last = flushTime
	g.x.Start()
	begun := time.Now()
	g.x.Close(context.Background())
	if took := time.Since(begun); took > time.Minute {
		t.Errorf("it took %v", took)
	}
	if st := g.x.Stats(); st.Dropped != 1 {
		t.Errorf("%+v", st)
	}
	New(g.options(g.c.URL)).Close(context.Background()) // was never started

	other := otlptest.New(t)
	g = newRig(t)
	g.c.Answer = func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+"/v1/traces", http.StatusTemporaryRedirect)
	}
	g.request("/", nil)
	g.flush()
	if n, _ := other.Posts(); n != 0 || g.x.Stats().Rejected != 1 {
		t.Error(n, g.x.Stats())
	}
}

func TestText(t *testing.T) {
	for _, c := range []struct {
		in    string
		limit int
		want  string
	}{
		{"abc", 3, "abc"}, {"abcd", 3, "abc"}, {"aä", 2, "a"}, {"aä", 3, "aä"}, {"a€", 2, "a"}, {"a€", 3, "a"}, {"a\U0001F600", 4, "a"}, {"\xff", 9, "\uFFFD"}, {"a\x00", 9, "a\uFFFD"}, {"", 0, ""}, {"ä", 1, ""}, {"\xff\xff", 1, "\uFFFD"},
	} {
		if got := text(c.in, c.limit); got != c.want {
			t.Errorf("%q, %d: %q", c.in, c.limit, got)
		}
	}
}

// message decodes what an exporter would send of some spans.
func message(t testing.TB, x *Exporter, b []byte, n int) ([]otlptest.Span, error) {
	z, err := gzip.NewReader(bytes.NewReader(x.message(&batch{b, n})))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return otlptest.Decode(plain)
}

// Whatever clients and apps say, the message is one that every decoder takes.
func FuzzSpans(f *testing.F) {
	f.Add("GET", "/a", "shop.example.org:80", "agent", "boom", "shop", "foo=1", uint16(200))
	f.Add("\x00", "\xff", "[::1", strings.Repeat("ä", 300), strings.Repeat("\x00", 1025), "", "", uint16(599))
	g := &rig{t: f, log: new(bridgetest.Log)}
	g.x = New(g.options("http://127.0.0.1:1"))
	f.Fuzz(func(t *testing.T, method, path, host, agent, message1, app, state string, status uint16) {
		rec := new(httpx.Writer)
		rec.Reset(httptest.NewRecorder())
		r := &http.Request{Method: method, RequestURI: path, URL: &url.URL{Path: path}, Host: host, Header: http.Header{"User-Agent": {agent}}, ProtoMajor: int(status % 4)}
		c := trace.NewContext()
		c.Flags |= trace.Sampled
		at := time.Now()
		tr := trace.NewRequest(c, trace.SpanID{}, trace.State([]string{state}), g.x)
		rec.Info = httpx.RequestInfo{ID: host, Start: at, App: app, RemoteAddr: agent, Err: errors.New(message1), Trace: tr}
		tr.Add(trace.Span{Phase: trace.App, ID: trace.NewSpanID(), Start: at, End: at, App: app, Worker: app, Err: &wire.AppError{Type: method, Message: message1, Traceback: message1}})
		tr.Add(trace.Span{Phase: trace.Upstream, ID: trace.NewSpanID(), Start: at, End: at, Worker: host, Status: int(status)})
		if status >= 200 && status < 600 {
			rec.WriteHeader(int(status))
		}
		w := newWriter(tr, at)
		defer w.free()
		w.request(rec, r, at)
		for i := range tr.Spans() {
			w.span(&tr.Spans()[i], tr.Span, method)
		}
		list, err := message(t, g.x, w.b, w.n)
		if err != nil || len(list) != 3 || w.n != 3 {
			t.Fatalf("%d spans, %v", len(list), err)
		}
	})
}

func FuzzAnswer(f *testing.F) {
	f.Add(otlptest.Partial(3, "too old"))
	f.Add([]byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, b []byte) {
		n, message, err := partial(b)
		if n < 0 || len(message) > len(b) {
			t.Error(n, message, err)
		}
		if len(complaint(b)) > len(b) {
			t.Error("the complaint is longer than the answer")
		}
	})
}

func BenchmarkObserve(b *testing.B) {
	g := &rig{t: b, log: new(bridgetest.Log)}
	g.x = New(g.options("http://127.0.0.1:1"))
	rec := new(httpx.Writer)
	rec.Reset(httptest.NewRecorder())
	r := httptest.NewRequest("GET", "/some/path", nil)
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	c := trace.NewContext()
	c.Flags |= trace.Sampled
	rec.WriteHeader(200)
	b.ReportAllocs()
	for i := range b.N {
		if i%1000 == 0 {
			for x := g.x.queue.take(true); x != nil; x = g.x.queue.take(true) {
				g.x.queue.again(x)
			}
		}
		at := time.Now()
		t := trace.NewRequest(c, trace.SpanID{}, "", g.x)
		t.Answered(at)
		rec.Info = httpx.RequestInfo{ID: "01M8NDRKZ2K7RPV2QC98RCHTQY", Start: at, Scheme: "http", RemoteAddr: "192.0.2.1", App: "shop", Worker: "shop/1", Source: "app", Trace: t}
		t.Add(trace.Span{Phase: trace.Waiting, ID: trace.NewSpanID(), Start: at, End: at, App: "shop", Worker: "shop/1"})
		t.Add(trace.Span{Phase: trace.App, ID: trace.NewSpanID(), Start: at, End: at, App: "shop", Worker: "shop/1", Generation: 1, PID: 12345, Attempt: 1, Status: 200})
		g.x.Observe(rec, r, at)
	}
}
