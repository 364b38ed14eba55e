package integration

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWSGIErrorPages: small pages, HTML or JSON by Accept, with the request's id and nothing of the inside.
func TestWSGIErrorPages(t *testing.T) {
	t.Parallel()
	dir := appDir(t, "wsgi_behaviours")
	s := serveBehaviours(t, opts{Dir: t.TempDir(), Args: []string{
		"--app", "name=m,module=app:application,mount=/m,dir=" + dir, "--app", "name=slow,module=app:application,mount=/slow,timeout=5s,dir=" + dir,
		"-w", "1", "--queue", "1", "--max-body", "1000",
	}})
	page := func(t *testing.T, method, path, body, accept string, status int) *wireAnswer {
		t.Helper()
		w := dialWire(t, s.server)
		fields := ""
		if accept != "" {
			fields = "Accept: " + accept + "\r\n"
		}
		if method == "POST" {
			fields += "Content-Length: 1001\r\n"
		}
		w.send(method + " " + path + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + fields + "\r\n" + body)
		a := w.recv(method)
		if a.Status != status {
			t.Fatalf("status %d, want %d", a.Status, status)
		}
		id := a.field("X-Request-ID")
		if len(id) != 26 || method != "HEAD" && !strings.Contains(a.Body, id) {
			t.Errorf("X-Request-ID %q is not in the page: %.300q", id, a.Body)
		}
		for _, inside := range []string{"Traceback", ".py", dir, "ValueError", "failed on purpose", "m/1", "python", "goroutine", ".go:"} {
			if strings.Contains(a.Body, inside) {
				t.Errorf("the page tells %q: %.300q", inside, a.Body)
			}
		}
		return a
	}
	check := func(t *testing.T, method, path, body string, status int) {
		t.Helper()
		for _, accept := range []string{"text/html,application/xhtml+xml,*/*;q=0.8", "application/json", ""} {
			a := page(t, method, path, body, accept, status)
			kind := a.field("Content-Type")
			if accept == "application/json" {
				var v map[string]any
				if err := json.Unmarshal([]byte(a.Body), &v); err != nil || !strings.HasPrefix(kind, "application/json") {
					t.Errorf("not JSON: %v, %s: %.200q", err, kind, a.Body)
				}
			} else if accept != "" && (!strings.HasPrefix(kind, "text/html") || !strings.Contains(a.Body, "<html")) {
				t.Errorf("not HTML: %s: %.200q", kind, a.Body)
			}
			if status == 503 && a.field("Retry-After") == "" {
				t.Error("503 without Retry-After")
			}
		}
	}
	t.Run("404", func(t *testing.T) {
		check(t, "GET", "/nowhere", "", 404)
		a := page(t, "HEAD", "/nowhere", "", "text/html", 404)
		if a.field("Content-Length") == "" {
			t.Error("HEAD without Content-Length")
		}
		s.waitLog(func(r record) bool {
			return r.event() == "no_route" && strings.Contains(r.str("path")+r.str("target")+r.str("message")+r.str("url"), "/nowhere")
		}, "no_route for /nowhere")
	})
	t.Run("413", func(t *testing.T) { check(t, "POST", "/m/input/none", "", 413) })
	t.Run("500", func(t *testing.T) { check(t, "GET", "/m/error/fail", "", 500) })
	t.Run("500 of a bad head", func(t *testing.T) { check(t, "GET", "/m/head/status?status=abc", "", 500) })
	t.Run("502", func(t *testing.T) {
		check(t, "GET", "/m/error/die", "", 502)
		s.settleMounted("/m/process/pid")
	})
	t.Run("503", func(t *testing.T) {
		gate, id := s.newGate(), newID()
		waiting := s.background("/m/error/hold?gate=" + gate + "&id=" + id)
		eventually(t, "the worker is held", func() bool { return s.recorded("hold "+id) == 1 })
		// One of the two is refused; the other stays in the queue and keeps it full.
		one, two := s.background("/m/echo?one"), s.background("/m/echo?two")
		eventually(t, "the queue is full", func() bool { return !one.running() || !two.running() })
		check(t, "GET", "/m/echo?three", "", 503)
		s.openGate(gate)
		for _, a := range []*async{waiting, one, two} {
			<-a.done
		}
		r := s.waitEvent("queue_full")
		if r.str("app") != "m" {
			t.Errorf("%v", r)
		}
	})
	t.Run("504", func(t *testing.T) {
		a := page(t, "GET", "/slow/error/slow?id="+newID(), "", "text/html", 504)
		r := s.waitEvent("request_timeout")
		if r.str("id") != a.field("X-Request-ID") || r.str("app") != "slow" || !strings.Contains(r.str("target"), "/error/slow") {
			t.Errorf("the record does not name the request: %v", r)
		}
		if text := marshal(r); !strings.Contains(text, "errors.py") || !strings.Contains(text, "slow") {
			t.Errorf("the record does not say where the view hangs: %s", text)
		}
		s.settleMounted("/slow/process/pid")
	})
}

func marshal(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func TestWSGIErrorPageFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{"404.html": "<p>Our own four-oh-four</p>", "500.html": "<p>Our own five hundred</p>"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s := serveBehaviours(t, opts{Dir: dir, Args: []string{
		"--app", "name=m,module=app:application,mount=/m,dir=" + appDir(t, "wsgi_behaviours"),
		"--error-page", "404=404.html", "--error-page", "500=" + filepath.Join(dir, "500.html"),
	}})
	if a := s.ask(t, "/nowhere"); a.Status != 404 || !strings.Contains(a.Body, "Our own four-oh-four") {
		t.Errorf("%+v", a)
	}
	if a := s.ask(t, "/m/error/fail"); a.Status != 500 || !strings.Contains(a.Body, "Our own five hundred") {
		t.Errorf("%+v", a)
	}
	// The app's own answers with these statuses are the app's.
	if a := s.ask(t, "/m/head/status?status=404+Not+Found"); a.Status != 404 || a.Body != "x" {
		t.Errorf("%+v", a)
	}
}

// TestWSGIWorkerDeath: before the head 502, after it a cut answer; one worker_exit record per death.
func TestWSGIWorkerDeath(t *testing.T) {
	t.Parallel()
	s := serveWSGI(t, "wsgi_behaviours")
	exits := func(cause string) int {
		n := 0
		for _, r := range s.events("worker_exit") {
			if r.str("cause") == cause {
				n++
			}
		}
		return n
	}
	s.settle()
	t.Run("before the head", func(t *testing.T) {
		id := newID()
		a := s.ask(t, "/error/die?id="+id)
		if a.Status != 502 {
			t.Errorf("status %d, want 502", a.Status)
		}
		s.settleMounted("/process/pid")
		r := s.waitLog(func(r record) bool { return r.event() == "worker_exit" && r.str("cause") == "exit:3" }, "worker_exit with cause exit:3")
		if text := marshal(r); !strings.Contains(text, a.field("X-Request-ID")) || !strings.Contains(text, "/error/die") || r.str("worker") == "" {
			t.Errorf("the record does not name the request under way: %s", text)
		}
		if n := s.recorded("die " + id); n != 1 {
			t.Errorf("the view ran %d times: a worker's own exit is never retried", n)
		}
	})
	t.Run("a POST", func(t *testing.T) {
		id := newID()
		if r := s.post("/error/die?code=5&id="+id, "text/plain", "abc"); r.Status != 502 {
			t.Errorf("status %d, want 502", r.Status)
		}
		s.settleMounted("/process/pid")
		if n := s.recorded("die " + id); n != 1 {
			t.Errorf("the view ran %d times", n)
		}
	})
	t.Run("after the head", func(t *testing.T) {
		gate := s.newGate()
		w := dialWire(t, s.server)
		w.send("GET /error/die_after?gate=" + gate + " HTTP/1.1\r\nHost: a\r\n\r\n")
		a, err := w.head()
		if err != nil || a.Status != 200 {
			t.Fatalf("%+v, %v", a, err)
		}
		if _, err := w.br.Peek(1); err != nil { // the first chunk is here
			t.Fatal(err)
		}
		s.openGate(gate)
		w.chunkedEnd(t)
		s.settleMounted("/process/pid")
	})
	t.Run("one record each", func(t *testing.T) {
		s.waitLog(func(r record) bool { return r.event() == "worker_exit" && r.str("cause") == "exit:4" }, "worker_exit with cause exit:4")
		for _, cause := range []string{"exit:3", "exit:5", "exit:4"} {
			if n := exits(cause); n != 1 {
				t.Errorf("%d worker_exit records with cause %s, want 1", n, cause)
			}
		}
		if n := len(s.events("worker_exit")); n != 3 {
			t.Errorf("%d worker_exit records, want 3", n)
		}
	})
}

// TestWSGIGarbledPipe: something in the worker writes on the pipe of the frames. The worker is lost, and the log says why;
// the server, and the next worker, are not.
func TestWSGIGarbledPipe(t *testing.T) {
	t.Parallel()
	s := serveWSGI(t, "wsgi_behaviours")
	s.settle()
	if a, err := s.exchange(t, "/process/garble"); err == nil && a.Status != 502 {
		t.Errorf("%+v, want 502", a)
	}
	s.settleMounted("/process/pid")
	r := s.waitEvent("worker_exit")
	if r.str("reason") != "protocol_error" {
		t.Errorf("the record does not say protocol_error: %v", r)
	}
	if text := strings.Join(s.err.all(), "\n"); !strings.Contains(text, "no frame") {
		t.Errorf("the log does not show what stood there instead of a frame: %s", text)
	}
	if n := len(s.events("worker_exit")); n != 1 {
		t.Errorf("%d worker_exit records, want 1", n)
	}
}

// chunkedEnd reads to the end of the connection and fails if the body had its proper last chunk.
func (w *wire) chunkedEnd(t testing.TB) {
	t.Helper()
	var all strings.Builder
	for {
		line, err := w.br.ReadString('\n')
		all.WriteString(line)
		if err != nil {
			break
		}
	}
	if strings.HasSuffix(all.String(), "0\r\n\r\n") {
		t.Errorf("the cut answer was ended politely: %q", all.String())
	}
}

// TestWSGIAppErrors: whatever a view raises is 500, one record with the traceback, and the worker lives on.
func TestWSGIAppErrors(t *testing.T) {
	t.Parallel()
	s := serveWSGI(t, "wsgi_behaviours")
	pid := s.want(200, "/process/pid").Body
	for _, c := range []struct{ path, kind string }{
		{"fail", "ValueError"}, {"sys_exit", "SystemExit"}, {"keyboard", "KeyboardInterrupt"}, {"generator_exit", "GeneratorExit"},
		{"deep", "RecursionError"}, {"wide_message", "ValueError"},
	} {
		t.Run(c.path, func(t *testing.T) {
			target := "/error/" + c.path + "?" + newID()
			w := dialWire(t, s.server)
			w.send("GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n")
			if a := w.recv("GET"); a.Status != 500 {
				t.Errorf("status %d", a.Status)
			}
			w.usable()
			r := s.waitLog(s.failureOf(target), "the failure of "+target)
			if r.event() != "app_error" || r.str("app") == "" || r.str("method") != "GET" || r.str("worker") == "" || r.str("id") == "" {
				t.Errorf("the record lacks a key: %v", r)
			}
			if !strings.Contains(r.str("error")+r.str("type"), c.kind) || !strings.Contains(r.str("traceback"), "errors.py") {
				t.Errorf("the record does not tell %s and where: %v", c.kind, r)
			}
			n := 0
			for _, r := range s.log() {
				if strings.Contains(marshal(r), target) {
					n++
				}
			}
			if n != 1 {
				t.Errorf("%d records name the request, want 1", n)
			}
			if now := s.want(200, "/process/pid").Body; now != pid {
				t.Errorf("the worker was replaced: pid %s, now %s", pid, now)
			}
		})
	}
	t.Run("breakpoint", func(t *testing.T) {
		if a := s.ask(t, "/error/set_trace"); a.Status != 500 {
			t.Errorf("status %d", a.Status)
		}
		r := s.waitLog(s.failureOf("/error/set_trace"), "the failure of breakpoint()")
		if !r.names("breakpoint()") {
			t.Errorf("the error does not say what to do instead: %v", r)
		}
	})
	t.Run("input", func(t *testing.T) {
		if r := s.want(200, "/error/ask"); r.Body != "EOF" {
			t.Errorf("input() got %q", r.Body)
		}
	})
	if now := s.want(200, "/process/pid").Body; now != pid {
		t.Errorf("the worker was replaced: pid %s, now %s", pid, now)
	}
	if n := len(s.events("worker_exit")); n != 0 {
		t.Errorf("%d worker_exit records", n)
	}
}
