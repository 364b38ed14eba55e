package otelcol

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// app is an app whose answers are of each kind that spans tell apart.
const app = `
def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/raise":
        raise KeyError("no such cart \N{SNOWMAN}")
    start_response("404 Not Found" if path == "/missing" else "200 OK", [("Content-Type", "text/plain")])
    return [environ.get("HTTP_TRACEPARENT", "-").encode()]
`

// standpipe is a running server.
type standpipe struct {
	t       *testing.T
	cmd     *exec.Cmd
	url     string
	records chan map[string]any // of its log
}

// built is the program under test.
var built string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "standpipe-otelcol-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	built = filepath.Join(dir, "standpipe")
	if out, err := exec.Command("go", "build", "-C", "../..", "-trimpath", "-o", built, "./cmd/standpipe").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// serve starts standpipe with the app above, and a route to an upstream that is not there.
func serve(t *testing.T, trace string) *standpipe {
	t.Helper()
	dir := t.TempDir()
	config := trace + `
[[app]]
name = "shop"
module = "app:app"
workers = 1
[[route]]
path = "/up"
[[route.upstream]]
address = "http://127.0.0.1:1"
`
	for name, text := range map[string]string{"app.py": app, "standpipe.toml": config} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := &standpipe{t: t, cmd: exec.Command(built, "serve", "-c", "standpipe.toml", "-b", "127.0.0.1:0", "--log-format", "json"), records: make(chan map[string]any, 100)}
	s.cmd.Dir = dir
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			record := map[string]any{}
			_ = json.Unmarshal(lines.Bytes(), &record)
			s.records <- record
		}
		close(s.records)
	}()
	t.Cleanup(s.stop)
	s.url, _ = s.record("listening")["address"].(string)
	s.record("app_ready")
	return s
}

// stop ends the server, which sends what waits, and reads its log to the end.
func (s *standpipe) stop() {
	if s.cmd.ProcessState != nil {
		return
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	for range s.records {
	}
	if err := s.cmd.Wait(); err != nil {
		s.t.Error(err)
	}
}

// record waits for a record of the log.
func (s *standpipe) record(event string) map[string]any {
	s.t.Helper()
	end := time.After(patience)
	for {
		select {
		case r, ok := <-s.records:
			if !ok {
				s.t.Fatalf("the log ended without %s", event)
			}
			if r["event"] == event {
				return r
			}
		case <-end:
			s.t.Fatalf("waited in vain for %s", event)
		}
	}
}

func (s *standpipe) get(path string, fields ...string) (status int, body string) {
	s.t.Helper()
	req, err := http.NewRequest(http.MethodGet, s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(fields); i += 2 {
		req.Header.Set(fields[i], fields[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

const traceID, parentID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"

// The Collector takes the spans of each kind of request, with all that they have.
func TestSpans(t *testing.T) {
	c := newCollector(t, "memory_limiter, batch", "")
	s := serve(t, fmt.Sprintf("[trace]\ntrace_to = %q\ntrace_service = \"front\"\ntrace_attributes = { \"deployment.environment.name\" = \"test\" }\n", "http://"+c.address))
	status, parent := s.get("/cart?secret=1", "traceparent", "00-"+traceID+"-"+parentID+"-01", "tracestate", "foo=1,bar=2")
	if status != http.StatusOK {
		t.Fatal(status, parent)
	}
	raised, _ := s.get("/raise")
	missing, _ := s.get("/missing")
	away, _ := s.get("/up")
	if raised != 500 || missing != 404 || away != 502 {
		t.Fatal(raised, missing, away)
	}
	c.wait("the spans", func() bool { return len(c.taken()) == 4+4+4+3 })

	root := c.root("/cart")
	if root.TraceID().String() != traceID || root.ParentSpanID().String() != parentID || root.Name() != "GET" || root.Kind() != ptrace.SpanKindServer ||
		root.TraceState().AsRaw() != "foo=1,bar=2" || root.Status().Code() != ptrace.StatusCodeUnset || root.scope != "github.com/standpipe/standpipe" ||
		root.attribute("http.response.status_code") != int64(200) || root.attribute("standpipe.app") != "shop" || root.attribute("standpipe.worker") != "shop/1" {
		t.Errorf("%s %v", root.Name(), root.Attributes().AsRaw())
	}
	if r := root.resource; r["service.name"] != "front" || r["process.pid"] != int64(s.cmd.Process.Pid) || r["deployment.environment.name"] != "test" || r["service.instance.id"] == nil {
		t.Errorf("%v", r)
	}
	for _, name := range []string{"waiting", "app shop", "sending"} {
		inner := c.within(root, name)
		if inner.StartTimestamp() < root.StartTimestamp() || inner.EndTimestamp() > root.EndTimestamp() || inner.StartTimestamp() > inner.EndTimestamp() {
			t.Errorf("%s from %v to %v", name, inner.StartTimestamp(), inner.EndTimestamp())
		}
	}
	if inner := c.within(root, "app shop"); parent != "00-"+traceID+"-"+inner.SpanID().String()+"-01" || inner.Kind() != ptrace.SpanKindClient || inner.attribute("standpipe.generation") != int64(1) {
		t.Errorf("%q, %v", parent, inner.Attributes().AsRaw())
	}

	failed := c.root("/raise")
	if failed.Status().Code() != ptrace.StatusCodeError || failed.attribute("error.type") != "500" || !failed.ParentSpanID().IsEmpty() {
		t.Errorf("%v %v", failed.Status().Code(), failed.Attributes().AsRaw())
	}
	inner := c.within(failed, "app shop")
	if inner.Status().Code() != ptrace.StatusCodeError || inner.Events().Len() != 1 || inner.Events().At(0).Name() != "exception" {
		t.Fatalf("%v, %d events", inner.Status().Code(), inner.Events().Len())
	}
	if a := inner.Events().At(0).Attributes().AsRaw(); a["exception.type"] != "KeyError" || !strings.Contains(fmt.Sprint(a["exception.stacktrace"]), "no such cart ☃") {
		t.Errorf("%v", a)
	}

	if root := c.root("/missing"); root.Status().Code() != ptrace.StatusCodeUnset || root.attribute("http.response.status_code") != int64(404) {
		t.Errorf("%v %v", root.Status().Code(), root.Attributes().AsRaw())
	}
	up := c.root("/up")
	if inner := c.within(up, "GET"); up.Status().Code() != ptrace.StatusCodeError || inner.Kind() != ptrace.SpanKindClient || inner.Status().Code() != ptrace.StatusCodeError || inner.attribute("server.port") != int64(1) {
		t.Errorf("%v %v", up.Attributes().AsRaw(), inner.Attributes().AsRaw())
	}
}

// A batch of thousands of spans arrives whole, through gzip; so does what waits at the stop.
func TestMany(t *testing.T) {
	c := newCollector(t, "memory_limiter, batch", "")
	s := serve(t, fmt.Sprintf("[trace]\ntrace_to = %q\n", "http://"+c.address))
	const requests = 500
	for i := range requests {
		s.get(fmt.Sprintf("/%d?%s", i, strings.Repeat("q", 1000)))
	}
	s.stop()
	c.wait("the spans", func() bool { return len(c.taken()) == 4*requests })
	seen := map[any]bool{}
	for _, span := range c.taken() {
		if span.Kind() == ptrace.SpanKindServer {
			seen[span.attribute("url.path")] = true
		}
	}
	if len(seen) != requests {
		t.Errorf("%d paths", len(seen))
	}
}

// A Collector that cannot take a batch now gets it again; what it says of one that it does not want is in the log.
func TestRefused(t *testing.T) {
	c := newCollector(t, "memory_limiter", "")
	tries := 0
	c.fail = func() error {
		if tries++; tries == 1 {
			return errors.New("the queue is full")
		}
		return nil
	}
	s := serve(t, fmt.Sprintf("[trace]\ntrace_to = %q\n", "http://"+c.address))
	s.get("/cart")
	if r := s.record("trace_away"); !strings.Contains(fmt.Sprint(r["error"]), "503") {
		t.Errorf("%v", r)
	}
	s.record("trace_back")
	c.wait("the spans", func() bool { return len(c.taken()) == 4 })

	c.mu.Lock()
	c.fail = func() error { return consumererror.NewPermanent(errors.New("spans of the future")) }
	c.mu.Unlock()
	s.get("/cart")
	if r := s.record("trace_rejected"); fmt.Sprint(r["rejected"]) != "4" || !strings.Contains(fmt.Sprint(r["error"]), "spans of the future") {
		t.Errorf("%v", r)
	}
}

// A message that is larger than the receiver allows is refused, and the log says so.
func TestTooLarge(t *testing.T) {
	c := newCollector(t, "", ", max_request_body_size: 100")
	s := serve(t, fmt.Sprintf("[trace]\ntrace_to = %q\n", "http://"+c.address))
	s.get("/cart")
	if r := s.record("trace_rejected"); !strings.Contains(fmt.Sprint(r["error"]), "too large") {
		t.Errorf("%v", r)
	}
}

// root is the span of the request for a path.
func (c *collector) root(path string) span {
	c.t.Helper()
	for _, s := range c.taken() {
		if s.Kind() == ptrace.SpanKindServer && s.attribute("url.path") == path {
			return s
		}
	}
	c.t.Fatalf("there is no span of %s", path)
	return span{}
}

// within is a span whose parent is root.
func (c *collector) within(root span, name string) span {
	c.t.Helper()
	for _, s := range c.taken() {
		if s.ParentSpanID() == root.SpanID() && s.TraceID() == root.TraceID() && s.Name() == name {
			return s
		}
	}
	c.t.Fatalf("there is no span %s in %v", name, root.Attributes().AsRaw())
	return span{}
}
