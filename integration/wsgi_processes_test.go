package integration

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// TestWSGIProcesses: the children that views start work as in any program, and never answer for the worker.
func TestWSGIProcesses(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-w", "1"}, {"-w", "1", "--threads", "2"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			s := serveWSGI(t, "wsgi_behaviours", append(args, "--timeout", "5m")...) // some views start many interpreters
			pid := s.want(200, "/process/pid").Body
			same := func(t *testing.T) {
				t.Helper()
				if now := s.want(200, "/process/pid").Body; now != pid {
					t.Errorf("the worker was replaced: pid %s, now %s", pid, now)
				}
			}
			for path, want := range map[string]string{"run": "out", "shell": "7", "fork_exit": "9"} {
				t.Run(path, func(t *testing.T) {
					for range 3 {
						if r := s.want(200, "/process/"+path); r.Body != want {
							t.Errorf("%q, want %q", r.Body, want)
						}
					}
					same(t)
				})
			}
			for _, path := range []string{"fork_return", "fork_raise"} {
				t.Run(path, func(t *testing.T) {
					before := s.recorded("child 70")
					w := dialWire(t, s.server)
					w.send("GET /process/" + path + " HTTP/1.1\r\nHost: a\r\n\r\n")
					if a := w.recv("GET"); a.Status != 200 || a.Body != "the parent answered" {
						t.Errorf("%+v", a)
					}
					w.usable() // a second answer would stand here
					if n := s.recorded("child 70") - before; n != 1 {
						t.Errorf("the child did not end with 70: %q", s.recordedLines())
					}
					same(t)
					if path == "fork_return" {
						s.waitLog(func(r record) bool { return r.str("stream") == "output" && strings.Contains(r.str("message"), "fork") }, "a line about the forked child")
					}
				})
			}
			for _, path := range []string{"fork", "spawn", "forkserver"} {
				t.Run(path, func(t *testing.T) {
					for range 2 {
						r := s.want(200, "/process/"+path)
						var got struct {
							Own, Child, Value, Exitcode int
							Squares                     []int
						}
						if err := json.Unmarshal([]byte(r.Body), &got); err != nil {
							t.Fatal(err)
						}
						if got.Own == got.Child || got.Value != 144 || got.Exitcode != 0 || len(got.Squares) != 10 || got.Squares[9] != 81 {
							t.Errorf("%+v", got)
						}
					}
					same(t)
				})
			}
			t.Run("descriptors", func(t *testing.T) {
				var got struct {
					Private []string
					Seen    map[string]struct {
						All     int
						Private []string
					}
				}
				if err := json.Unmarshal([]byte(s.want(200, "/process/descriptors").Body), &got); err != nil {
					t.Fatal(err)
				}
				slices.Sort(got.Private)
				if n := len(slices.Compact(slices.Clone(got.Private))); n != 5 { // two of frames, control, life, stacks (twice: faulthandler's own)
					t.Errorf("the worker talks through %v", got.Private)
				}
				if len(got.Seen) != 8 {
					t.Errorf("%v", got.Seen)
				}
				for kind, c := range got.Seen {
					if len(c.Private) > 0 || c.All < 3 {
						t.Errorf("a child by %s sees %v of %d", kind, c.Private, c.All)
					}
				}
				same(t)
			})
			t.Run("breakpoint", func(t *testing.T) {
				s.want(500, "/error/set_trace")
				r := s.waitLog(s.failureOf("/error/set_trace"), "the failure of breakpoint()")
				if !r.names("breakpoint()") {
					t.Errorf("%v", r)
				}
				same(t)
			})
			if n := len(s.events("worker_exit")); n != 0 {
				t.Errorf("%d worker_exit records", n)
			}
		})
	}
}
