package integration

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/standpipe/standpipe/integration/otlptest"
)

// A collector that is away delays no request, and gets what has waited when it is there. One record tells of each.
func TestTraceCollectorAway(t *testing.T) {
	t.Parallel()
	c := otlptest.New(t)
	address := "127.0.0.1:" + freePort(t)
	s := start(t, opts{Dir: project(t, map[string]string{"app.py": echoTrace}), Args: []string{"--trace-to", "http://" + address, "--metrics", "127.0.0.1:0", "--app", "name=shop,module=app:app,workers=1"}})
	r := s.want(200, "/")
	s.waitEvent("trace_away")
	for range 20 {
		s.want(200, "/")
	}
	if up := s.scrape()[`standpipe_trace_collector_up{}`]; up != 0 {
		t.Errorf("up is %v", up)
	}
	ln, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(c)
	server.Listener.Close()
	server.Listener = ln
	server.Start()
	defer server.Close()
	c.Of(requestID(t, r), 3)
	c.Wait(func(list []otlptest.Span) bool { return len(list) == 21*4 })
	if back := s.waitEvent("trace_back"); back.str("dropped") != "0" || len(s.events("trace_away")) != 1 {
		t.Errorf("%v", back)
	}
	eventually(t, "all spans are counted", func() bool { // when the collector's answer is here
		m := s.scrape()
		return m[`standpipe_trace_spans_total{result="sent"}`] == 84 && m[`standpipe_trace_collector_up{}`] == 1 && m[`standpipe_trace_spans_waiting{}`] == 0
	})
}

// A collector that hangs delays neither requests nor the stop.
func TestTraceCollectorHangs(t *testing.T) {
	t.Parallel()
	c := otlptest.New(t)
	hang := make(chan struct{})
	var once sync.Once
	asked := make(chan struct{})
	c.Answer = func(http.ResponseWriter, *http.Request) { once.Do(func() { close(asked) }); <-hang }
	t.Cleanup(func() { close(hang) }) // before the collector ends, which waits for it
	s := start(t, opts{Dir: project(t, map[string]string{"app.py": echoTrace}), Args: []string{"--trace-to", c.URL, "--metrics", "127.0.0.1:0", "--app", "name=shop,module=app:app,workers=2"}})
	s.want(200, "/")
	<-asked
	for range 1300 { // 5200 spans: more than may wait
		s.want(200, "/")
	}
	if s.scrape()[`standpipe_trace_spans_total{result="dropped"}`] == 0 {
		t.Error("nothing was dropped")
	}
	if n := len(s.log()); n > 100 {
		t.Errorf("%d records", n)
	}
	begun := time.Now()
	if code := s.stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
	if took := time.Since(begun); took > time.Minute {
		t.Errorf("the stop took %v", took)
	}
}

// A stop sends what waits. A reload changes where spans go, and how many are recorded; what was recorded before goes to where it went.
func TestTraceReload(t *testing.T) {
	t.Parallel()
	first, second := otlptest.New(t), otlptest.New(t)
	config := func(trace string) string {
		return trace + "[[app]]\nname = \"shop\"\nmodule = \"app:app\"\nworkers = 1\n"
	}
	dir := project(t, map[string]string{"app.py": echoTrace, "standpipe.toml": config("[trace]\ntrace_to = \"" + first.URL + "\"\n")})
	s := start(t, opts{Dir: dir, Args: []string{"-c", "standpipe.toml"}})
	a := s.want(200, "/")
	write(t, dir, map[string]string{"standpipe.toml": config("[trace]\ntrace_to = \"" + second.URL + "\"\ntrace_service = \"other\"\ntrace_attributes = { zone = \"a\" }\ntrace_fields = { X-Api-Key = \"k\" }\n")})
	s.must("reload")
	b := s.want(200, "/")
	if tree := first.Of(requestID(t, a), 3); tree.Root.Resource["service.name"] != "standpipe" {
		t.Errorf("%+v", tree.Root)
	}
	write(t, dir, map[string]string{"standpipe.toml": config("[trace]\ntrace_to = \"" + second.URL + "\"\ntrace_service = \"other\"\ntrace_attributes = { zone = \"a\" }\ntrace_fields = { X-Api-Key = \"k\" }\ntrace_sample = 0\n")})
	s.must("reload")
	s.want(200, "/")
	write(t, dir, map[string]string{"standpipe.toml": config("")})
	s.must("reload")
	if r := s.want(200, "/"); !strings.HasPrefix(r.Body, "-|") {
		t.Errorf("traces are off: %q", r.Body)
	}
	if code := s.stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
	tree := second.Of(requestID(t, b), 3)
	if tree.Root.Resource["service.name"] != "other" || tree.Root.Resource["zone"] != "a" {
		t.Errorf("%v", tree.Root.Resource)
	}
	if _, h := second.Posts(); h.Get("X-Api-Key") != "k" {
		t.Error(h)
	}
	if n, m := len(first.Spans()), len(second.Spans()); n != 4 || m != 4 {
		t.Errorf("%d and %d spans", n, m)
	}

	s = start(t, opts{Dir: dir, Args: []string{"-c", "standpipe.toml", "--trace-to", first.URL}})
	last := requestID(t, s.want(200, "/"))
	s.stop()
	first.Of(last, 3)
}

// Both processes of an upgrade send their own spans.
func TestTraceUpgrade(t *testing.T) {
	t.Parallel()
	c := otlptest.New(t)
	s := start(t, opts{Dir: project(t, map[string]string{"app.py": echoTrace}), Args: []string{"--trace-to", c.URL, "--app", "name=shop,module=app:app,workers=1"}})
	before, old := requestID(t, s.want(200, "/")), s.Pid
	s.usr2()
	s.upgraded()
	s.oldEnded(bootPatience)
	after := requestID(t, s.want(200, "/"))
	one, two := c.Of(before, 3), c.Of(after, 3)
	if one.Root.Resource["process.pid"] != int64(old) || two.Root.Resource["process.pid"] != int64(s.Pid) || one.Root.Resource["service.instance.id"] == two.Root.Resource["service.instance.id"] {
		t.Errorf("%v\n%v", one.Root.Resource, two.Root.Resource)
	}
}

// A collector that refuses is told of, with what it says, and without the key.
func TestTraceRejected(t *testing.T) {
	t.Parallel()
	c := otlptest.New(t)
	c.Answer = func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Api-Key") == "wrong" {
			http.Error(w, "no such key", http.StatusUnauthorized)
			return
		}
		if err := c.Take(r); err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
		_, _ = w.Write(otlptest.Partial(2, "too many"))
	}
	for key, want := range map[string][]string{"wrong": {"401", "no such key", "4"}, "right": {"200", "too many", "2"}} {
		s := start(t, opts{Dir: project(t, map[string]string{"app.py": echoTrace}), Env: []string{"STANDPIPE_TRACE_FIELDS=X-Api-Key=" + key}, Args: []string{"--trace-to", c.URL, "--app", "name=shop,module=app:app,workers=1"}})
		s.want(200, "/")
		r := s.waitEvent("trace_rejected")
		s.stop()
		if r.str("status") != want[0] || !strings.Contains(r.str("error"), want[1]) || r.str("rejected") != want[2] || strings.Contains(s.stderrText(), "X-Api-Key") {
			t.Errorf("%s: %v", key, r)
		}
	}
}

// Server-Timing and X-Request-Start, with and without traces.
func TestTraceTimes(t *testing.T) {
	t.Parallel()
	s := start(t, opts{Dir: project(t, map[string]string{"app.py": echoTrace}), Args: []string{"--server-timing", "--request-start", "--trusted-proxies", "none", "--app", "name=shop,module=app:app,workers=1"}})
	r := s.want(200, "/", "X-Request-Start: t=1")
	var seconds float64
	if _, err := fmt.Sscanf(strings.Split(r.Body, "|")[2], "t=%f", &seconds); err != nil || time.Since(time.UnixMilli(int64(1000*seconds))).Abs() > time.Hour {
		t.Errorf("%q: %v", r.Body, err)
	}
	if v := r.Header.Get("Server-Timing"); !regexp.MustCompile(`^queue;dur=[0-9.]+, app;dur=[0-9.]+, total;dur=[0-9.]+$`).MatchString(v) {
		t.Errorf("%q", v)
	}
	trusting := start(t, opts{Dir: project(t, map[string]string{"app.py": echoTrace}), Args: []string{"--request-start", "--app", "name=shop,module=app:app,workers=1"}})
	if r := trusting.want(200, "/", "X-Request-Start: t=1"); strings.Split(r.Body, "|")[2] != "t=1" {
		t.Errorf("%q", r.Body)
	}
}

// Mistakes are found before the start, and secrets are not shown.
func TestTraceSettings(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": echoTrace})
	for name, args := range map[string][]string{
		"4317":         {"--trace-to", "http://127.0.0.1:4317"},
		"gopher":       {"--trace-to", "gopher://127.0.0.1:4318"},
		"trace_sample": {"--trace-to", "http://127.0.0.1:4318", "--trace-sample", "2"},
		"trace_to":     {"--trace-sample", "0.5"},
		"service.name": {"--trace-to", "http://127.0.0.1:4318", "--trace-attributes", "service.name=x"},
	} {
		if c, code := check(t, dir, append(args, "app:app")...); code != 2 || c.OK || !strings.Contains(fmt.Sprint(c.Problems), name) {
			t.Errorf("%s: %d, %+v", name, code, c)
		}
	}
	write(t, dir, map[string]string{"standpipe.toml": "[trace]\ntrace_to = \"http://user:hunter2@collector.example.org\"\ntrace_fields = { X-Api-Key = \"hunter3\" }\ntrace_sample = \"1%\"\n[[app]]\nname = \"shop\"\nmodule = \"app:app\"\n"})
	c, code := check(t, dir, "-c", "standpipe.toml")
	if code != 0 || !strings.Contains(fmt.Sprint(c.Warnings), "https://") {
		t.Errorf("%d, %+v", code, c)
	}
	r := run(t, dir, nil, "config", "-c", "standpipe.toml")
	if text := r.out + r.errout + fmt.Sprint(c); strings.Contains(text, "hunter") || !strings.Contains(r.out, "X-Api-Key") || !strings.Contains(r.out, "0.01") {
		t.Errorf("%s", text)
	}
}
