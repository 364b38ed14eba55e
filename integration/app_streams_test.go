package integration

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// replacedStreams are what apps put in the place of sys.stdout and sys.stderr. Python asks for write() alone there, and takes
// None as well.
var replacedStreams = map[string]string{
	"no flush":     "sys.stdout = sys.stderr = Bare()\n",
	"None":         "sys.stdout = sys.stderr = None\n",
	"flush raises": "sys.stdout = sys.stderr = Flush(RuntimeError('no flush today'))\n",
	"flush exits":  "sys.stdout = sys.stderr = Flush(SystemExit(3))\n",
	"write raises": "sys.stdout = sys.stderr = Write()\n",
	"no str":       "sys.stdout = sys.stderr = Flush(NoText())\n",
	"closed":       "sys.stdout.close()\nsys.stderr.close()\n",
	"detached":     "sys.stdout, sys.stderr = (codecs.getwriter('utf-8')(s.detach()) for s in (sys.stdout, sys.stderr))\n",
	"originals":    "sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = None\n",
}

const streamClasses = `import codecs, os, sys

class Bare:
    def write(self, text):
        return len(text)

class Flush(Bare):
    def __init__(self, error):
        self.error = error
    def flush(self):
        raise self.error

class Write(Bare):
    def write(self, text):
        raise RuntimeError("no write today")
    flush = write

class NoText(Exception):
    def __str__(self):
        raise RuntimeError("no text today")

`

const streamApp = `

def app(environ, start_response):
    errors = environ["wsgi.errors"]
    if not WRITES:
        errors.write("by wsgi.errors\n")
        errors.writelines(["and ", "lines\n"])
    if environ["PATH_INFO"] == "/error":
        raise ValueError("on purpose")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]
`

func TestFault_B4_ReplacedStreams(t *testing.T) {
	t.Parallel()
	modes := map[string][]string{"sync": nil, "threads": {"--threads", "3"}, "preload": {"--preload"}, "gevent": {"--gevent", "10"}}
	for name, replace := range replacedStreams {
		for mode, args := range modes {
			for _, when := range []string{"import", "request"} {
				t.Run(name+"/"+mode+"/"+when, func(t *testing.T) {
					t.Parallel()
					writes := name == "closed" || name == "detached" || name == "write raises"
					text := streamClasses + replace
					if when == "request" {
						text = streamClasses + "def replace():\n    " + strings.ReplaceAll(strings.TrimSpace(replace), "\n", "\n    ") + "\n    globals().update(replace=lambda: None)\n"
					}
					text += "WRITES = " + map[bool]string{true: "True", false: "False"}[writes] + streamApp
					if when == "request" {
						text = strings.Replace(text, "    errors = environ", "    replace()\n    errors = environ", 1)
					}
					o := opts{Dir: project(t, map[string]string{"web.py": text}), App: "web:app", Args: append([]string{"-w", "1", "--log-level", "debug"}, args...)}
					if mode == "gevent" {
						o.Python = python(t)
					}
					s := start(t, o)
					pid := s.want(200, "/").Body
					for range 3 {
						if again := s.want(200, "/").Body; again != pid {
							t.Fatalf("worker %s after %s", again, pid)
						}
					}
					s.want(500, "/error")
					if again := s.want(200, "/").Body; again != pid {
						t.Fatalf("worker %s after %s", again, pid)
					}
					if code := s.stop(); code != 0 {
						t.Errorf("exit code %d", code)
					}
					n, _ := strconv.Atoi(pid)
					if r := s.exitOf(n); r.str("cause") != "exit:0" {
						t.Errorf("the worker's end: %v", r)
					}
					if r := s.waitLog(func(r record) bool { return r.event() == "app_error" }, "app_error"); !strings.Contains(r.str("traceback"), "on purpose") {
						t.Errorf("no traceback: %v", r)
					}
				})
			}
		}
	}
}

// What such a stream raises is told once per worker, and what was printed without a newline is in the log all the same.
func TestFault_B4_BrokenStreamIsTold(t *testing.T) {
	t.Parallel()
	text := streamClasses + `
class Tee(Bare):
    def write(self, text):
        return sys.__stdout__.write(text)
    def flush(self):
        raise RuntimeError("no flush today")

sys.stdout = Tee()

def app(environ, start_response):
    print("part of a line", end="")
    start_response("200 OK", [])
    return [b"ok"]
`
	s := start(t, opts{Dir: project(t, map[string]string{"web.py": text}), App: "web:app", Args: []string{"-w", "1"}})
	for range 3 {
		s.want(200, "/")
	}
	r := s.waitEvent("stream_broken")
	if !strings.Contains(fmt.Sprint(r), "no flush today") {
		t.Errorf("%v", r)
	}
	eventually(t, "three prints", func() bool { return strings.Count(strings.Join(s.output(), ""), "part of a line") >= 3 })
	if n := len(s.events("stream_broken")); n != 1 {
		t.Errorf("told %d times", n)
	}
}
