package integration

import (
	"strings"
	"testing"
)

// plainBreakpoint is an app that any Python runs.
var plainBreakpoint = map[string]string{"app.py": `
def app(environ, start_response):
    x = 41
    if environ["PATH_INFO"] == "/stop":
        breakpoint()
        x += 1
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"x=%d" % x]
`}

// The oldest and the newest CPython of the machine, PyPy, and workers with gevent.
func TestBreakpointInterpreters(t *testing.T) {
	t.Parallel()
	type way struct {
		python string
		args   []string
	}
	ways := map[string]way{"gevent": {python(t), []string{"--gevent", "10", "-w", "1"}}}
	all := interpreters(t) // the oldest first, PyPy last
	for _, path := range all {
		if strings.Contains(path, "pypy") {
			ways["pypy"] = way{python: path}
			continue
		}
		if _, ok := ways["oldest"]; !ok {
			ways["oldest"] = way{python: path}
		}
		ways["newest"] = way{python: path}
	}
	if len(ways) < 3 {
		t.Fatalf("found %q", all)
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := develop(t, plainBreakpoint, nil, append([]string{"--python", way.python}, way.args...)...)
			s.serving()
			s.want(s.get("/"), 200, "x=41")
			a := s.get("/stop")
			s.stands()
			s.types("p x", `\n41\r`)
			s.breaks()
			s.keys("c\r")
			s.want(a, 200, "x=42")
			s.expect("debugger_closed")
			a = s.get("/stop")
			s.stands()
			s.keys("q\r")
			s.want(a, 500, "")
			s.leave()
		})
	}
}
