package integration

import (
	"os"
	"strings"
	"testing"
)

const levelsApp = `
import asyncio, faulthandler, logging, os, sys, threading, traceback, warnings
import ctypes

def boom(): raise ValueError("the till is jammed")

def raised(do):
    try: boom()
    except ValueError: do()

class Unraisable:
    def __del__(self): boom()

class Broken:
    def __str__(self): return boom()

class ToLogger:  # the well-known one
    def __init__(self, level): self.level = level
    def write(self, text):
        for line in text.rstrip().splitlines(): logging.getLogger("stream").log(self.level, line)
    def flush(self): pass

def configured(stream=None, fmt="%(message)s"):
    root = logging.getLogger()
    root.handlers[:] = []
    logging.basicConfig(level=logging.DEBUG, format=fmt, stream=stream, force=True)

def in_thread():
    t = threading.Thread(target=boom); t.start(); t.join()

def in_loop():
    async def main():
        task = asyncio.ensure_future(failing())
        await asyncio.sleep(0); await asyncio.sleep(0)
        del task
    async def failing(): boom()
    logging.getLogger().handlers[:] = []
    asyncio.run(main())
    import gc; gc.collect()

def replaced():
    configured(sys.__stderr__)
    before, sys.stderr = sys.stderr, ToLogger(logging.ERROR)
    try: print("by a replaced stderr", file=sys.stderr)
    finally: sys.stderr = before

def last_resort():
    logging.getLogger().handlers[:] = []
    logging.getLogger("x").warning("by lastResort")

def in_a_child():
    if os.fork() == 0:
        try: raised(traceback.print_exc)
        finally: os._exit(0)
    os.wait()

def log(level, text): configured(); logging.getLogger("shop").log(level, text)

VIEWS = {
    "print": lambda e: print("a print"),
    "stderr": lambda e: print("a line on stderr", file=sys.stderr),
    "errors": lambda e: raised(lambda: traceback.print_exc(file=e["wsgi.errors"])),
    "print_exc": lambda e: raised(traceback.print_exc),
    "fd2": lambda e: raised(lambda: os.write(2, traceback.format_exc().encode())),
    "child": lambda e: in_a_child(),
    "thread": lambda e: in_thread(),
    "unraisable": lambda e: Unraisable() and None,
    "asyncio": lambda e: in_loop(),
    "debug": lambda e: log(10, "logged at debug"),
    "info": lambda e: log(20, "logged at info"),
    "warning": lambda e: log(30, "logged at warning"),
    "error": lambda e: log(40, "logged at error"),
    "critical": lambda e: log(50, "logged at critical"),
    "quiet": lambda e: raised(lambda: (configured(), logging.info("handled", exc_info=True))),
    "stdout": lambda e: (configured(sys.stdout), logging.error("logged to stdout")),
    "last": lambda e: last_resort(),
    "replaced": lambda e: replaced(),
    "broken": lambda e: (configured(), logging.info("%s", Broken())),
    "warn": lambda e: warnings.warn("is old", DeprecationWarning if False else UserWarning),
    "structlog": lambda e: print("2026-03-01 12:00:00 [error    ] a structured line  key=1"),
    "json": lambda e: print('{"event": "a JSON line", "level": "warning"}'),
    "lines": lambda e: log(40, "the first line\nthe second\n(Background on this: at the end)"),
    "loguru": lambda e: print("2026-03-01 12:00:00.000 | ERROR    | app:view:3 - by loguru\nTraceback (most recent call last):\n\n> File \"app.py\", line 5, in boom\n    raise x\n          └ 1\n\nValueError: the till is jammed"),
    "loguru_json": lambda e: print('{"text": "serialized | ERROR | x", "record": {"level": {"icon": "x", "name": "ERROR", "no": 40}}}'),
    "glog": lambda e: os.write(2, b"E0301 12:00:00.000000 12 channel.cc:120] by gRPC\n"),
    "segv": lambda e: ctypes.string_at(0),
    "abort": lambda e: os.abort(),
    "own": lambda e: (faulthandler.enable(file=open("crash.txt", "w")), ctypes.string_at(0)),
    "stderr_own": lambda e: (faulthandler.enable(), ctypes.string_at(0)),
}

def app(environ, start_response):
    VIEWS[environ["PATH_INFO"][1:]](environ)
    start_response("200 OK", [("Content-Length", "1")])
    return [b"x"]
`

// Tracebacks of the app are errors, whatever way they take; logging's levels reach the record; all else is information.
func TestFault_A7_LevelsOfOutput(t *testing.T) {
	t.Parallel()
	for _, threads := range []string{"1", "4"} {
		t.Run(threads+" threads", func(t *testing.T) {
			t.Parallel()
			s := start(t, opts{App: "app:app", Dir: project(t, map[string]string{"app.py": levelsApp}), Args: []string{"-w", "1", "--threads", threads}})
			for _, c := range []struct{ view, text, level string }{
				{"print", "a print", "info"},
				{"stderr", "a line on stderr", "info"},
				{"errors", "the till is jammed", "error"},
				{"print_exc", "the till is jammed", "error"},
				{"fd2", "the till is jammed", "error"},
				{"child", "the till is jammed", "error"},
				{"thread", "Exception in thread", "error"},
				{"unraisable", "Exception ignored", "error"},
				{"asyncio", "Task exception was never retrieved", "error"},
				{"debug", "logged at debug", "debug"},
				{"info", "logged at info", "info"},
				{"warning", "logged at warning", "warn"},
				{"error", "logged at error", "error"},
				{"critical", "logged at critical", "error"},
				{"quiet", "handled", "info"},
				{"stdout", "logged to stdout", "error"},
				{"last", "by lastResort", "warn"},
				{"replaced", "by a replaced stderr", "error"},
				{"broken", "--- Logging error ---", "error"},
				{"warn", "UserWarning: is old", "warn"},
				{"structlog", "a structured line", "error"},
				{"json", "a JSON line", "warn"},
				{"lines", "the first line\nthe second\n(Background on this: at the end)", "error"},
				{"loguru", "the till is jammed", "error"},
				{"loguru_json", "serialized", "error"},
				{"glog", "by gRPC", "error"},
			} {
				a := s.get("/" + c.view)
				if a.Status != 200 {
					t.Fatalf("%s: status %d", c.view, a.Status)
				}
				r := s.waitLog(func(r record) bool {
					return r.str("stream") == "output" && strings.Contains(r.str("message"), c.text) && (r.str("id") == "" || r.str("id") == a.Header.Get("X-Request-ID"))
				}, "output of "+c.view)
				if r.str("level") != c.level {
					t.Errorf("%s: level %s, want %s: %v", c.view, r.str("level"), c.level, r)
				}
				if traced := strings.Contains(r.str("message"), "the till is jammed"); traced && c.view != "broken" && (!strings.Contains(r.str("at"), "app.py:5 in boom") || r.str("exception") != "ValueError: the till is jammed") {
					t.Errorf("%s: at %q, exception %q", c.view, r.str("at"), r.str("exception"))
				}
			}
		})
	}
}

// What the app raises to the server has its place too.
func TestFault_A7_AppErrorNamesTheLine(t *testing.T) {
	t.Parallel()
	s := start(t, opts{App: "app:app", Dir: project(t, map[string]string{"app.py": "def boom(): raise ValueError('no')\ndef app(environ, start_response):\n    boom()\n"}), Args: []string{"-w", "1"}})
	s.want(500, "/")
	if r := s.waitEvent("app_error"); r.str("at") != "app.py:1 in boom" || r.str("level") != "error" {
		t.Errorf("%v", r)
	}
}

// Flask's and Django's loggers write errors: an alert on the level sees each exception.
func TestFault_A7_FrameworksLogErrors(t *testing.T) {
	t.Parallel()
	for _, app := range []string{"flask_app:app", "django_app:app"} {
		t.Run(app, func(t *testing.T) {
			t.Parallel()
			s := start(t, opts{App: app, Dir: appDir(t, "request_logs"), Python: python(t), Args: []string{"-w", "1"}, Env: []string{"TOGETHER=1"}})
			s.want(500, "/fail/mine")
			r := s.waitLog(func(r record) bool { return strings.Contains(r.str("message"), "raised by mine") }, "the traceback")
			if r.str("level") != "error" || !strings.Contains(r.str("at"), ".py:") || !strings.Contains(r.str("exception"), "ValueError: raised by mine") {
				t.Errorf("%v", r)
			}
		})
	}
}

// A crash in C code has its Python stack inside worker_exit, and an app that enables faulthandler itself keeps its own file.
func TestFault_A7_CrashHasItsPythonStack(t *testing.T) {
	t.Parallel()
	for _, preload := range []bool{false, true} {
		for _, view := range []string{"segv", "abort", "stderr_own", "own"} {
			name := view
			args := []string{"-w", "1"}
			if preload {
				name, args = name+" preloaded", append(args, "--preload")
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				dir := project(t, map[string]string{"app.py": levelsApp})
				s := start(t, opts{App: "app:app", Dir: dir, Args: args})
				s.want(502, "/"+view)
				r := s.waitLog(func(r record) bool {
					return r.event() == "worker_exit" && strings.HasPrefix(r.str("cause"), "signal:")
				}, "worker_exit")
				if r.str("level") != "error" {
					t.Errorf("level %s", r.str("level"))
				}
				if view == "own" {
					if text, _ := os.ReadFile(dir + "/crash.txt"); !strings.Contains(string(text), "Fatal Python error") {
						t.Errorf("the app's own file: %q", text)
					}
					return
				}
				if !strings.HasPrefix(r.str("stacks"), "Fatal Python error") || !strings.Contains(r.str("stacks"), "in app") || !strings.Contains(r.str("at"), "app.py:") {
					t.Errorf("at %q, stacks %q", r.str("at"), r.str("stacks"))
				}
			})
		}
	}
}
