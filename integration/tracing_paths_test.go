package integration

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/standpipe/standpipe/integration/otlptest"
)

// The spans of a Flask app with OpenTelemetry's own instrumentation lie within the app span of its attempt.
func TestTraceOfFlask(t *testing.T) {
	t.Parallel()
	c := otlptest.New(t)
	dir := project(t, map[string]string{"shop.py": `
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from flask import Flask

provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
app = Flask(__name__)
FlaskInstrumentor().instrument_app(app)

@app.route("/cart/<int:id>")
def cart(id):
    with trace.get_tracer("shop").start_as_current_span("look up"):
        return "cart"
`})
	s := start(t, opts{Dir: dir, Python: python(t), Env: []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + c.URL}, Args: []string{"--trace-to", c.URL, "--trace-service", "front", "--app", "name=shop,module=shop:app,workers=1"}})
	r := s.want(200, "/cart/7")
	var flask, inner otlptest.Span
	c.Wait(func(list []otlptest.Span) bool {
		for _, s := range list {
			switch s.Name {
			case "GET /cart/<int:id>":
				flask = s
			case "look up":
				inner = s
			}
		}
		return flask.ID != "" && inner.ID != ""
	})
	tree := c.Of(requestID(t, r), 5) // waiting, app and sending; two of Flask's
	app := tree.Named("app shop")
	if len(app) != 1 || flask.Trace != tree.Root.Trace || flask.Parent != app[0].ID || inner.Parent != flask.ID || flask.Kind != otlptest.Server || flask.Resource["service.name"] != "shop" || tree.Root.Resource["service.name"] != "front" {
		t.Errorf("%s", otlptest.Format(append(tree.Spans, tree.Root)))
	}

	// What is not recorded here is not recorded there.
	unsampled := c.Spans()
	s.want(200, "/cart/8", "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")
	s.stop()
	if n := len(c.Spans()); n != len(unsampled) {
		t.Errorf("%d spans of a request that is not recorded", n-len(unsampled))
	}
}

// A request that runs again after its worker was killed has a span for each attempt, and each attempt another parent.
func TestTraceOfRetry(t *testing.T) {
	t.Parallel()
	c := otlptest.New(t)
	dir := project(t, map[string]string{"app.py": `
import os, time
def app(environ, start_response):
    open("seen", "a").write(environ["HTTP_TRACEPARENT"] + " " + str(environ.get("standpipe.attempt", 1)) + " " + str(os.getpid()) + "\n")
    while environ.get("standpipe.attempt") is None:
        time.sleep(0.01)
    start_response("200 OK", [])
    return [b"fine"]
`})
	s := start(t, opts{Dir: dir, Args: []string{"--trace-to", c.URL, "--queue-timeout", bootQueue, "--app", "name=shop,module=app:app,workers=1"}})
	seen := func() (lines [][]string) {
		b, _ := os.ReadFile(filepath.Join(dir, "seen"))
		for line := range strings.Lines(string(b)) {
			lines = append(lines, strings.Fields(line))
		}
		return lines
	}
	a := s.background("/")
	eventually(t, "the app runs", func() bool { return len(seen()) == 1 })
	pid, _ := strconv.Atoi(seen()[0][2])
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	r := a.wait(t)
	if r.Status != 200 {
		t.Fatal(r.Status, r.Body)
	}
	tree := c.Of(requestID(t, r), 5) // two of waiting and of the app, and sending
	apps, lines := tree.Named("app shop"), seen()
	if len(apps) != 2 || len(lines) != 2 || tree.Root.Code != otlptest.Unset || tree.Root.Number("standpipe.retries") != 1 {
		t.Fatal(otlptest.Format(append(tree.Spans, tree.Root)))
	}
	for i, app := range apps {
		_, span, _ := parentOf(t, lines[i][0])
		if app.Number("standpipe.attempt") != int64(i+1) || fmt.Sprint(app.Number("process.pid")) != lines[i][2] || app.ID != span || app.Parent != tree.Root.ID {
			t.Errorf("%d: %+v, %q", i, app, lines[i])
		}
	}
	if first, second := apps[0], apps[1]; first.Code != otlptest.Error || first.Text("error.type") != "worker_exited" || first.Text("standpipe.retry") == "" || second.Code != otlptest.Unset || second.Number("http.response.status_code") != 200 || second.Start.Before(first.End) {
		t.Errorf("%s", otlptest.Format(apps))
	}
	if r := s.waitEvent("request_retried"); r.str("trace_id") != tree.Root.Trace {
		t.Errorf("%v", r)
	}
}

// An exception, a timeout and a refused request: the spans say why.
func TestTraceOfFailures(t *testing.T) {
	t.Parallel()
	c := otlptest.New(t)
	dir := project(t, map[string]string{"app.py": `
import os, time
def app(environ, start_response):
    if environ["PATH_INFO"] == "/raise":
        raise KeyError("no such cart")
    while not os.path.exists("open"):
        time.sleep(0.01)
    start_response("200 OK", [])
    return [b"fine"]
`, "standpipe.toml": `
[trace]
trace_to = "` + c.URL + `"
[[limit]]
name = "api"
rate = "1/h"
path = "/limited"
[[app]]
name = "shop"
module = "app:app"
workers = 1
threads = 1
queue = 1
timeout = "10m"
queue_timeout = "10m"
[[app]]
name = "slow"
module = "app:app"
mount = "/slow"
workers = 1
timeout = "1s"
[[access]]
path = "/admin"
deny = ["all"]
`})
	s := start(t, opts{Dir: dir, Args: []string{"-c", "standpipe.toml"}, Apps: 2})
	raised := c.Of(requestID(t, s.want(500, "/raise")), 3)
	app := raised.Named("app shop")
	if raised.Root.Code != otlptest.Error || raised.Root.Text("error.type") != "500" || len(app) != 1 || app[0].Code != otlptest.Error || app[0].Text("error.type") != "KeyError" || len(app[0].Events) != 1 ||
		!strings.Contains(app[0].Events[0].Attributes["exception.stacktrace"].(string), "no such cart") {
		t.Errorf("%s", otlptest.Format(append(raised.Spans, raised.Root)))
	}
	if r := s.waitEvent("app_error"); r.str("trace_id") != raised.Root.Trace {
		t.Errorf("%v", r)
	}
	slow := c.Of(requestID(t, s.want(504, "/slow")), 3)
	if app := slow.Named("app slow"); len(app) != 1 || app[0].Text("error.type") != "timeout" || app[0].Took() < 900*time.Millisecond || slow.Root.Text("error.type") != "504" {
		t.Errorf("%s", otlptest.Format(append(slow.Spans, slow.Root)))
	}

	denied := c.Of(requestID(t, s.want(403, "/admin")), 1)
	if denied.Root.Text("standpipe.refused") != "access" || denied.Root.Code != otlptest.Unset {
		t.Errorf("%+v", denied.Root)
	}
	write(t, dir, map[string]string{"open": ""})
	s.want(200, "/limited")
	limited := c.Of(requestID(t, s.want(429, "/limited")), 1)
	if limited.Root.Text("standpipe.refused") != "limit api: rate" || limited.Root.Text("standpipe.source") != "server" {
		t.Errorf("%+v", limited.Root)
	}
	bad := c.Of(requestID(t, s.want(400, "/a/..%2fb")), 1)
	if bad.Root.Text("standpipe.refused") != "limits" {
		t.Errorf("%+v", bad.Root)
	}

	// One runs, one waits, all others are refused at once.
	if err := os.Remove(filepath.Join(dir, "open")); err != nil {
		t.Fatal(err)
	}
	var list []*async
	for range 4 {
		list = append(list, s.background("/"))
	}
	eventually(t, "two are refused", func() bool {
		n := 0
		for _, a := range list {
			if !a.running() {
				n++
			}
		}
		return n >= 2
	})
	write(t, dir, map[string]string{"open": ""})
	full := 0
	for _, a := range list {
		r := a.wait(t)
		if r.Status != 503 {
			continue
		}
		full++
		tree := c.Of(requestID(t, r), 2)
		if wait := tree.Named("waiting"); len(wait) != 1 || wait[0].Text("error.type") != "queue_full" || wait[0].Code != otlptest.Error || tree.Root.Code != otlptest.Error {
			t.Errorf("%s", otlptest.Format(append(tree.Spans, tree.Root)))
		}
	}
	if full == 0 {
		t.Error("none was refused")
	}
}

// A route: the upstream's span, its retry, and the server behind, which speaks HTTP or uwsgi, lie within.
func TestTraceOfRoute(t *testing.T) {
	t.Parallel()
	for _, protocol := range []string{"http", "uwsgi"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			c := otlptest.New(t)
			behind := "127.0.0.1:" + freePort(t)
			address := behind
			if protocol == "uwsgi" {
				address = "uwsgi://" + behind
			}
			back := start(t, opts{Dir: project(t, map[string]string{"app.py": echoTrace}), Listen: []string{address}, Args: []string{"--trace-to", c.URL, "--trace-service", "back", "--app", "name=shop,module=app:app,workers=1"}})
			refuses := "127.0.0.1:" + freePort(t)
			front := routed(t, fmt.Sprintf("[trace]\ntrace_to = %q\ntrace_service = \"front\"\n[[route]]\npath = \"/\"\nhandler = \"proxy\"\nbalance = \"round_robin\"\nupstreams = [\"%s://%s\", \"%s://%s\"]\n", c.URL, protocol, refuses, protocol, behind))
			r := front.want(200, "/", "tracestate: foo=1", "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "Connection: keep-alive, traceparent")
			var tree otlptest.Tree
			eventually(t, "all spans", func() bool {
				tree = otlptest.Tree{}
				for _, s := range c.Spans() {
					if s.Resource["service.name"] == "front" && s.Kind == otlptest.Server {
						tree.Root = s
					} else {
						tree.Spans = append(tree.Spans, s)
					}
				}
				return tree.Root.ID != "" && len(tree.Spans) == 7
			})
			calls := tree.Named("GET")
			calls = slices.DeleteFunc(calls, func(s otlptest.Span) bool { return s.Kind != otlptest.Client })
			servers := slices.DeleteFunc(tree.Named("GET"), func(s otlptest.Span) bool { return s.Kind != otlptest.Server })
			app := tree.Named("app shop")
			if len(calls) != 2 || len(servers) != 1 || len(app) != 1 {
				t.Fatal(otlptest.Format(append(tree.Spans, tree.Root)))
			}
			first, second := calls[0], calls[1]
			if first.Code != otlptest.Error || first.Text("error.type") != "connect" || fmt.Sprint("127.0.0.1:", first.Number("server.port")) != refuses || second.Code != otlptest.Unset || fmt.Sprint("127.0.0.1:", second.Number("server.port")) != behind ||
				second.Number("http.response.status_code") != 200 || second.Number("http.request.resend_count") != 1 || first.Parent != tree.Root.ID || second.Parent != tree.Root.ID {
				t.Errorf("%s", otlptest.Format(calls))
			}
			if server := servers[0]; server.Parent != second.ID || server.Trace != tree.Root.Trace || app[0].Parent != server.ID || server.State != "foo=1" || protocol == "uwsgi" && server.Text("network.protocol.name") != "uwsgi" {
				t.Errorf("%s", otlptest.Format(append(servers, app...)))
			}
			if got := strings.Split(r.Body, "|"); !strings.HasSuffix(got[0], app[0].ID+"-01") || got[1] != "foo=1" {
				t.Errorf("%q", r.Body)
			}
			if tree.Root.Text("standpipe.source") != "upstream" || front.waitEvent("upstream_retried").str("trace_id") != tree.Root.Trace {
				t.Errorf("%+v", tree.Root)
			}
			_ = back
		})
	}
}

// A script behind FastCGI sees the span of the request to it.
func TestTraceOfPHP(t *testing.T) {
	t.Parallel()
	c := otlptest.New(t)
	_, sock, _ := phpFPM(t)
	root := filepath.Join(project(t, nil), "www")
	write(t, root, map[string]string{"index.php": `<?php echo $_SERVER["HTTP_TRACEPARENT"], "|", $_SERVER["HTTP_TRACESTATE"];`})
	s := routed(t, fmt.Sprintf("[trace]\ntrace_to = %q\n[[route]]\npath = \"/\"\nupstreams = [\"fastcgi+unix:%s\"]\nroot = %q\n", c.URL, sock, root))
	r := s.want(200, "/", "tracestate: foo=1", "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	parent, state, _ := strings.Cut(r.Body, "|")
	trace, span, flags := parentOf(t, parent)
	if trace != "0af7651916cd43dd8448eb211c80319c" || flags != "01" || state != "foo=1" {
		t.Errorf("%q", r.Body)
	}
	eventually(t, "the span of the request to the script", func() bool {
		return slices.ContainsFunc(c.Spans(), func(x otlptest.Span) bool { return x.Kind == otlptest.Client && x.ID == span })
	})
}

// The HTTP cache: a fetch has a span of its own, a hit has no app, one that waits for the fetch of another one has a link to it, and what is
// fetched in the background lies within the request that has caused it.
func TestTraceOfCache(t *testing.T) {
	t.Parallel()
	c := otlptest.New(t)
	dir := project(t, map[string]string{"app.py": `
import os, time
def app(environ, start_response):
    open("calls", "a").write("x")
    while not os.path.exists("open"):
        time.sleep(0.01)
    control = "max-age=1, stale-while-revalidate=1000" if environ["PATH_INFO"] == "/stale" else "max-age=1000"
    start_response("200 OK", [("Cache-Control", control), ("Content-Length", "4")])
    return [b"fine"]
`, "standpipe.toml": "[trace]\ntrace_to = \"" + c.URL + "\"\nserver_timing = \"on\"\n[[limit]]\nname = \"all\"\nconcurrency = 100\n[[app]]\nname = \"shop\"\nmodule = \"app:app\"\nworkers = 2\ncache = \"on\"\n"})
	s := start(t, opts{Dir: dir, Args: []string{"-c", "standpipe.toml"}})
	calls := func() int {
		b, _ := os.ReadFile(filepath.Join(dir, "calls"))
		return len(b)
	}
	first := s.background("/a")
	eventually(t, "the app is asked", func() bool { return calls() == 1 })
	second := s.background("/a")
	eventually(t, "both requests are here", func() bool { return s.metrics("unix", s.controlSocket())[`standpipe_limit_running{limit="all"}`] == 2 })
	time.Sleep(500 * time.Millisecond) // from there to the cache: nothing tells that the second one waits
	write(t, dir, map[string]string{"open": ""})
	led, followed := first.wait(t), second.wait(t)
	miss := c.Of(requestID(t, led), 4) // sending, the fetch, and within it waiting and the app
	fetch, app := miss.Named("cache fetch"), miss.Named("app shop")
	if len(fetch) != 1 || len(app) != 1 || fetch[0].Parent != miss.Root.ID || app[0].Parent != fetch[0].ID || miss.Root.Text("standpipe.cache") != "miss" || fetch[0].Number("http.response.status_code") != 200 {
		t.Fatal(otlptest.Format(append(miss.Spans, miss.Root)))
	}
	collapsed := c.Of(requestID(t, followed), 1)
	if collapsed.Root.Text("standpipe.cache") != "collapsed" || len(collapsed.Root.Links) != 1 || collapsed.Root.Links[0] != fetch[0].Trace+"-"+fetch[0].ID {
		t.Errorf("%+v", collapsed.Root)
	}
	r := s.want(200, "/a")
	if hit := c.Of(requestID(t, r), 1); hit.Root.Text("standpipe.cache") != "hit" || hit.Root.Text("standpipe.source") != "cache" || hit.Spans[0].Name != "sending" {
		t.Errorf("%s", otlptest.Format(append(hit.Spans, hit.Root)))
	}
	if v := r.Header.Get("Server-Timing"); !strings.HasPrefix(v, "cache;desc=hit, total;dur=") {
		t.Error(v)
	}

	s.want(200, "/stale")
	time.Sleep(1100 * time.Millisecond) // max-age
	stale := c.Of(requestID(t, s.want(200, "/stale")), 4)
	fetch = stale.Named("cache fetch")
	if stale.Root.Text("standpipe.cache") != "stale" || len(fetch) != 1 || fetch[0].Parent != stale.Root.ID || len(stale.Named("app shop")) != 1 {
		t.Errorf("%s", otlptest.Format(append(stale.Spans, stale.Root)))
	}
}

// Every way in has traces: HTTP/1.1, HTTP/2, HTTP/3.
func TestTraceOfVersions(t *testing.T) {
	t.Parallel()
	c := otlptest.New(t)
	a := newAuthority(t, "test CA")
	s := secureServer(t, a, threeListen+"[trace]\ntrace_to = \""+c.URL+"\"\n", map[string]string{"app.py": echoTrace})
	for version, client := range map[string]*http.Client{"3": secureThree(t, a, nil), "2": secureTwo(t, a, nil), "1.1": secureClient(a, nil)} {
		resp, err := client.Get("https://localhost:" + port(s) + "/")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		tree := c.Of(resp.Header.Get("X-Request-Id"), 3)
		if tree.Root.Text("network.protocol.version") != version || tree.Root.Text("url.scheme") != "https" || tree.Root.Text("server.address") != "localhost" {
			t.Errorf("%s: %+v", version, tree.Root)
		}
	}
}
