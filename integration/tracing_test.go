package integration

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/integration/otlptest"
)

// requestID is the id of the request that a response answers.
func requestID(t testing.TB, r *response) string {
	t.Helper()
	id := r.Header.Get("X-Request-Id")
	if id == "" {
		t.Fatalf("no request id: %v", r.Header)
	}
	return id
}

// echoTrace is an app that answers with what it gets of traces.
const echoTrace = `
import os
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    names = ["HTTP_TRACEPARENT", "HTTP_TRACESTATE", "HTTP_X_REQUEST_START", "standpipe.attempt"]
    return ["|".join([environ.get(name, "-") for name in names] + [str(os.getpid())]).encode()]
`

// parentOf cuts a traceparent.
func parentOf(t testing.TB, s string) (trace, span, flags string) {
	t.Helper()
	p := strings.Split(s, "-")
	if len(p) != 4 || p[0] != "00" || len(p[1]) != 32 || len(p[2]) != 16 || len(p[3]) != 2 {
		t.Fatalf("%q is no traceparent", s)
	}
	return p[1], p[2], p[3]
}

// The spans of a request to an app: each has its place, its time and its attributes, and the app is told the app span's id.
func TestTraceOfRequest(t *testing.T) {
	t.Parallel()
	c := otlptest.New(t)
	s := start(t, opts{Dir: project(t, map[string]string{"app.py": echoTrace}), Args: []string{"--trace-to", c.URL, "--app", "name=app,module=app:app,workers=1"}})
	const trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	r := s.want(200, "/some/path?secret=1", "traceparent: 00-"+trace+"-"+parent+"-01", "tracestate: foo=1", "tracestate: bar=2", "User-Agent: tests/1")
	got := strings.Split(r.Body, "|")
	tree := c.Of(requestID(t, r), 3)
	root := tree.Root
	if root.Trace != trace || root.Parent != parent || root.Name != "GET" || root.Flags != 0x301 || root.Code != otlptest.Unset || root.State != "foo=1,bar=2" {
		t.Errorf("%+v", root)
	}
	for key, want := range map[string]any{
		"http.request.method": "GET", "url.path": "/some/path", "url.scheme": s.scheme(), "http.response.status_code": int64(200), "standpipe.app": "app", "standpipe.source": "app",
		"standpipe.worker": "app/1", "user_agent.original": "tests/1", "client.address": "127.0.0.1", "server.address": "127.0.0.1",
	} {
		if root.Attributes[key] != want {
			t.Errorf("%s is %v, want %v", key, root.Attributes[key], want)
		}
	}
	if strings.Contains(fmt.Sprint(root.Attributes), "secret") {
		t.Errorf("the query is told: %v", root.Attributes)
	}
	if root.Resource["service.name"] != "standpipe" || root.Resource["process.pid"] != int64(s.Pid) {
		t.Errorf("%v", root.Resource)
	}
	app := tree.Named("app app")
	if len(app) != 1 {
		t.Fatal(otlptest.Format(tree.Spans))
	}
	if app[0].Kind != otlptest.Client || app[0].Text("standpipe.worker") != "app/1" || app[0].Number("standpipe.generation") != 1 ||
		fmt.Sprint(app[0].Number("process.pid")) != got[4] || app[0].Number("standpipe.attempt") != 1 || app[0].Code != otlptest.Unset {
		t.Errorf("%+v", app)
	}
	theirs, span, flags := parentOf(t, got[0])
	if theirs != trace || span != app[0].ID || flags != "01" || got[1] != "foo=1,bar=2" {
		t.Errorf("the app got %q", r.Body)
	}
	for _, span := range tree.Spans {
		if span.Parent != root.ID || span.Start.Before(root.Start) || span.End.After(root.End) {
			t.Errorf("%s from %v to %v, parent %s, in %v to %v of %s", span.Name, span.Start, span.End, span.Parent, root.Start, root.End, root.ID)
		}
	}
	for _, name := range []string{"waiting", "sending"} {
		if len(tree.Named(name)) != 1 {
			t.Errorf("%d spans %s", len(tree.Named(name)), name)
		}
	}
	s.waitAccess(`id=` + requestID(t, r) + ` worker=app/1 trace=` + trace)
}

// A request that is not recorded has no spans and no trace in the log, and says so to the app; the trace goes on.
func TestTraceUnsampled(t *testing.T) {
	t.Parallel()
	c := otlptest.New(t)
	s := start(t, opts{App: "app:app", Dir: project(t, map[string]string{"app.py": echoTrace}), Args: []string{"--trace-to", c.URL, "--trace-sample", "0"}})
	const trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	for _, asked := range []string{"", "00-" + trace + "-" + parent + "-00", "00-" + trace + "-" + parent + "-02"} {
		var headers []string
		if asked != "" {
			headers = []string{"traceparent: " + asked}
		}
		r := s.want(200, "/", headers...)
		got, span, flags := parentOf(t, strings.Split(r.Body, "|")[0])
		switch {
		case asked == "" && flags != "02", asked != "" && (got != trace || span == parent || flags != asked[len(asked)-2:]):
			t.Errorf("%q became %q", asked, r.Body)
		}
	}
	r := s.want(200, "/", "traceparent: 00-"+trace+"-"+parent+"-01") // the caller decides
	if tree := c.Of(requestID(t, r), 3); tree.Root.Trace != trace {
		t.Errorf("%+v", tree.Root)
	}
	if n := len(c.Spans()); n != 4 {
		t.Errorf("%d spans:\n%s", n, otlptest.Format(c.Spans()))
	}
	eventually(t, "the access log has all requests", func() bool { return len(s.access()) == 4 })
	if strings.Count(strings.Join(s.access(), "\n"), "trace=") != 1 {
		t.Errorf("%q", s.access())
	}
}

// Without trace_to nothing is changed.
func TestTraceOff(t *testing.T) {
	t.Parallel()
	s := start(t, opts{App: "app:app", Dir: project(t, map[string]string{"app.py": echoTrace})})
	if r := s.want(200, "/"); !strings.HasPrefix(r.Body, "-|-|-|") || r.Header.Get("Server-Timing") != "" {
		t.Errorf("%q, %v", r.Body, r.Header)
	}
	if r := s.want(200, "/", "traceparent: anything", "tracestate: foo", "X-Request-Start: soon"); !strings.HasPrefix(r.Body, "anything|foo|soon|") {
		t.Errorf("%q", r.Body)
	}
	if r := s.do(s.request(http.MethodGet, "/", nil)); r.Status != 200 {
		t.Error(r.Status)
	}
}
