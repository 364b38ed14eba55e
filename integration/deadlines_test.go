package integration

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

func deadlines(t testing.TB, args ...string) *server {
	t.Helper()
	return start(t, opts{Dir: appDir(t, "deadlines"), App: "app:app", Args: append([]string{"-w", "1", "--queue-timeout", bootQueue}, args...)})
}

// A view that hangs: Go answers 504, the record names the line, the worker is
// replaced; the other requests of a worker with threads are answered.
func TestHangingViews(t *testing.T) {
	t.Parallel()
	for _, threads := range []int{1, 4} {
		for _, view := range []string{"sleep", "recv", "lock", "loop", "c"} {
			t.Run(view+" threads "+strconv.Itoa(threads), func(t *testing.T) {
				t.Parallel()
				s := deadlines(t, "--threads", strconv.Itoa(threads), "--timeout", "6")
				old := s.want(200, "/pid").Body
				g := newGate(t)
				var hanging *async
				var siblings []*async
				// C code that holds the GIL holds its siblings too; there the 504 of all is what can be had.
				if threads > 1 && view != "c" {
					hanging = s.background("/" + view)
					time.Sleep(4 * time.Second) // so that the siblings' own time is over after the gate is open
					for range 3 {
						siblings = append(siblings, s.background("/gate?path="+g.path))
					}
					eventually(t, "the siblings run", func() bool { return strings.Count(strings.Join(s.output(), "\n"), "at the gate") == 3 })
				} else {
					hanging = s.background("/" + view)
				}
				if r := hanging.wait(t); r.Status != 504 {
					t.Errorf("%d %q", r.Status, r.Body)
				}
				for _, a := range siblings {
					if !a.running() {
						t.Error("a sibling was answered before the gate opened")
					}
				}
				g.open(t)
				for _, a := range siblings {
					if r := a.wait(t); r.Status != 200 {
						t.Errorf("a sibling: %d %q", r.Status, r.Body)
					}
				}
				r := s.waitEvent("request_timeout")
				if !strings.HasSuffix(fileOf(placeOf(r)), "app.py") || !strings.Contains(placeOf(r), "in "+view) || view == "sleep" && r.str("stuck") == "" {
					t.Errorf("stuck at %q", placeOf(r))
				}
				if r.str("target") != "/"+view || !holds(r.str("stacks"), view) || !holds(r.str("message"), "504") {
					t.Errorf("%v", r)
				}
				if x := s.waitEvent("worker_exit"); x.str("reason") != "request_timeout" || x.str("pid") != old {
					t.Errorf("%v", x)
				}
				if now := s.want(200, "/pid").Body; now == old {
					t.Errorf("worker %s was not replaced", old)
				}
				if e := s.events("app_error"); len(e) > 0 {
					t.Errorf("%v", e)
				}
			})
		}
	}
}

// placeOf is where a request was when its time was over: a loop of several lines is not stuck in one.
func placeOf(r record) string {
	if s := r.str("stuck"); s != "" {
		return s
	}
	return r.str("at")
}

// fileOf is the file of "app.py:12 in sleep: ...".
func fileOf(place string) string {
	file, _, _ := strings.Cut(place, ":")
	return file
}

// The interrupt passes `except Exception`, runs finally, and the worker goes
// although it worked. One that is caught all the same ends by the ladder.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	s := deadlines(t, "--timeout", "4")
	s.want(504, "/swallow")
	s.printed("finally")
	if x := s.waitEvent("worker_exit"); x.str("cause") != "exit:0" {
		t.Errorf("%v", x)
	}
	s.want(200, "/pid")
	s.want(504, "/stubborn")
	eventually(t, "a second worker is gone", func() bool { return len(s.events("worker_exit")) == 2 })
	s.want(200, "/pid")
	out := strings.Join(s.output(), "\n")
	if strings.Contains(out, "swallowed") || !strings.Contains(out, "caught") {
		t.Errorf("%s", out)
	}
}

// leave sends a request and closes the connection once the view runs.
func (s *server) leave(path string) {
	s.t.Helper()
	c, err := s.dial()
	if err != nil {
		s.t.Fatal(err)
	}
	defer disconnect(c)
	if _, err := c.Write([]byte("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
		s.t.Fatal(err)
	}
	s.printed("waiting")
}

func TestClientLeaves(t *testing.T) {
	t.Parallel()
	t.Run("cancel", func(t *testing.T) {
		t.Parallel()
		s := deadlines(t, "--on-disconnect", "cancel")
		old := s.want(200, "/pid").Body
		s.leave("/gone")
		s.printed("raised standpipe_shim ClientGone")
		if x := s.waitEvent("worker_exit"); x.str("reason") != "client_gone" || x.str("cause") != "exit:0" || x.str("level") != "info" {
			t.Errorf("%v", x)
		}
		if now := s.want(200, "/pid").Body; now == old {
			t.Error("the worker was not replaced")
		}
		s.waitAccess(`"GET /gone ` + s.proto() + `" 499 `)
		if strings.Contains(s.stderrText(), "Traceback") {
			t.Error(s.stderrText())
		}
	})
	t.Run("finish", func(t *testing.T) {
		t.Parallel()
		s := deadlines(t)
		old := s.want(200, "/pid").Body
		s.leave("/cancelled")
		s.printed("told")
		s.printed("noticed")
		if now := s.want(200, "/pid").Body; now != old {
			t.Error("the worker was replaced")
		}
		if strings.Contains(s.stderrText(), "Traceback") {
			t.Error(s.stderrText())
		}
	})
}

func TestDeadlineInEnviron(t *testing.T) {
	t.Parallel()
	s := deadlines(t, "--timeout", "100")
	left, err := strconv.ParseFloat(s.want(200, "/deadline").Body, 64)
	if err != nil || left <= 50 || left > 100 {
		t.Errorf("%v left of 100 s: %v", left, err)
	}
}

// What is to run after the answer runs after it, and the worker is busy until then.
func TestAfterResponse(t *testing.T) {
	t.Parallel()
	s := deadlines(t)
	g := newGate(t)
	s.want(200, "/after?path="+g.path)
	s.printed("at the gate")
	next := s.background("/pid")
	time.Sleep(200 * time.Millisecond) // long enough for an answer that must not come
	if !next.running() {
		t.Error("the worker was not busy")
	}
	g.open(t)
	if r := next.wait(t); r.Status != 200 {
		t.Errorf("%d", r.Status)
	}
	s.printed("after")
}

// Once the answer has begun, only silence within it counts.
func TestStreamTimeout(t *testing.T) {
	t.Parallel()
	s := deadlines(t, "--timeout", "4", "--stream-timeout", "4")
	if r := s.want(200, "/ticks"); strings.Count(r.Body, "tick") != 6 { // takes 4.8 s
		t.Errorf("%q", r.Body)
	}
	if _, err := s.try(s.request("GET", "/silent", nil)); err == nil {
		t.Error("an answer that fell silent ended properly")
	}
	if r := s.waitEvent("request_timeout"); r.str("target") != "/silent" || !holds(r.str("message"), "4s") {
		t.Errorf("%v", r)
	}
	s.want(200, "/pid")
}
