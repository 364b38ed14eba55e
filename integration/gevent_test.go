package integration

import (
	"bufio"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

func gevented(t testing.TB, args ...string) *server {
	t.Helper()
	return start(t, opts{Dir: appDir(t, "gevented"), App: "app:app", Python: python(t), Args: append([]string{"-w", "1", "--queue-timeout", bootQueue}, args...)})
}

// eventStream is one client of a stream of events.
type eventStream struct {
	c  net.Conn
	br *bufio.Reader
}

func (s *server) listen(path string) *eventStream {
	s.t.Helper()
	c, err := s.dial()
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	if _, err := c.Write([]byte("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")); err != nil {
		s.t.Fatal(err)
	}
	return &eventStream{c, bufio.NewReader(c)}
}

// event is the next data line; "" at the end.
func (l *eventStream) event(t testing.TB, limit time.Duration) string {
	t.Helper()
	if err := l.c.SetReadDeadline(time.Now().Add(limit)); err != nil {
		t.Fatal(err)
	}
	for {
		line, err := l.br.ReadString('\n')
		if err != nil {
			return ""
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			return strings.TrimSpace(data)
		}
	}
}

// Hanging views under gevent: 504 from Go, the line in the record, the siblings
// answered, the worker replaced.
func TestGeventHangingViews(t *testing.T) {
	t.Parallel()
	for _, view := range []string{"sleep", "recv", "lock", "loop"} {
		t.Run(view, func(t *testing.T) {
			t.Parallel()
			s := gevented(t, "--gevent", "100", "--timeout", "9")
			old := s.want(200, "/pid").Body
			g := newGate(t)
			hanging := s.background("/" + view)
			var siblings []*async
			if view != "loop" { // a loop holds the siblings too
				time.Sleep(6 * time.Second) // so that the siblings' own time is over long after the gate is open
				for range 3 {
					siblings = append(siblings, s.background("/gate?path="+g.path))
				}
				eventually(t, "the siblings run", func() bool { return strings.Count(strings.Join(s.output(), "\n"), "at the gate") == 3 })
			}
			if r := hanging.wait(t); r.Status != 504 {
				t.Errorf("%d %q", r.Status, r.Body)
			}
			g.open(t)
			for _, a := range siblings {
				if r := a.wait(t); r.Status != 200 {
					t.Errorf("a sibling: %d %q", r.Status, r.Body)
				}
			}
			r := s.waitEvent("request_timeout")
			if !strings.HasSuffix(fileOf(placeOf(r)), "app.py") || !strings.Contains(placeOf(r), "in "+view) || view == "sleep" && r.str("stuck") == "" {
				t.Errorf("stuck at %q; %s", placeOf(r), r.str("stacks"))
			}
			x := s.waitEvent("worker_exit")
			if x.str("reason") != "request_timeout" || x.str("pid") != old || view != "loop" && x.str("cause") != "exit:0" {
				t.Errorf("%v", x)
			}
			if now := s.want(200, "/pid").Body; now == old {
				t.Errorf("worker %s was not replaced", old)
			}
		})
	}
}

// everybody opens n streams; each gets its first event before the gate opens and
// the shared one after it.
func everybody(t *testing.T, s *server, n int) {
	t.Helper()
	g := newGate(t)
	all := make([]*eventStream, n)
	for i := range all {
		all[i] = s.listen("/events?path=" + g.path)
	}
	for i, l := range all {
		if e := l.event(t, bootPatience); e != "first" {
			t.Fatalf("client %d of %d: %q", i, n, e)
		}
	}
	g.open(t)
	for i, l := range all {
		if e := l.event(t, bootPatience); e != "shared" {
			t.Fatalf("client %d of %d, after the gate: %q", i, n, e)
		}
		if e := l.event(t, bootPatience); e != "" {
			t.Fatalf("client %d of %d, after the end: %q", i, n, e)
		}
	}
}

func TestManyStreamsOnThreads(t *testing.T) {
	t.Parallel()
	everybody(t, gevented(t, "--threads", "16"), 10)
}

func TestManyStreamsOnGevent(t *testing.T) {
	t.Parallel()
	s := gevented(t, "-k", "gevent", "--worker-connections", "600")
	before := s.want(200, "/threads").Body
	everybody(t, s, 500)
	// The control thread, the main one, and at most gevent's pool, which these views do not use.
	if now := s.want(200, "/threads").Body; now != before {
		t.Errorf("%s threads, %s before", now, before)
	}
	if n, err := strconv.Atoi(before); err != nil || n > 4 {
		t.Errorf("%q threads", before)
	}
}

// A stream with an event every 8 s lives for 24 s, although an answer has to begin within 6 s.
func TestAStreamOutlivesTheTimeout(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"sync": nil, "threads": {"--threads", "4"}, "gevent": {"--gevent", "10"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := gevented(t, append(args, "--timeout", "6", "--stream-timeout", "0")...)
			l := s.listen("/seconds?count=4&every=8")
			for i := range 4 {
				if e := l.event(t, patience); e != strconv.Itoa(i) {
					t.Fatalf("event %d: %q", i, e)
				}
			}
			if e := l.event(t, patience); e != "" {
				t.Errorf("after the last: %q", e)
			}
			if e := s.events("request_timeout"); len(e) > 0 {
				t.Errorf("%v", e)
			}
		})
	}
}

func TestGeventIsMissing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"app.py":    "app = lambda environ, start_response: []\n",
		"gevent.py": "raise ModuleNotFoundError('No module named gevent', name='gevent')\n", // as on a Python that has none
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r := run(t, dir, nil, "check", "--load", "app:app", "--gevent", "10", "--python", python(t))
	if r.code != 3 || !r.names("--gevent", "-m pip install --upgrade gevent") {
		t.Errorf("exit %d\n%s%s", r.code, r.out, r.errout)
	}
}

func TestFlaskOnGevent(t *testing.T) {
	t.Parallel()
	s := start(t, opts{Dir: appDir(t, "flask_site"), Python: python(t), Args: []string{"-w", "1", "--gevent", "50"}})
	var all []*async
	for range 50 {
		all = append(all, s.background("/"))
	}
	for _, a := range all {
		if r := a.wait(t); r.Status != 200 {
			t.Errorf("%d %q", r.Status, r.Body)
		}
	}
	if e := append(s.events("app_error"), s.events("worker_exit")...); len(e) > 0 {
		t.Errorf("%v", e)
	}
}
