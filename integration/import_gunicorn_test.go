package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// imported is what `standpipe import` prints; the file passes check, where it is written as standpipe.toml.
func imported(t testing.TB, dir string, env []string, kind, file string) string {
	t.Helper()
	r := run(t, dir, env, "import", kind, file, "--output", "standpipe.toml")
	if r.code != 0 || r.out != "" {
		t.Fatalf("import %s %s: %+v", kind, file, r)
	}
	text, err := os.ReadFile(filepath.Join(dir, "standpipe.toml"))
	if err != nil {
		t.Fatal(err)
	}
	if r := run(t, dir, nil, "check"); r.code != 0 {
		t.Fatalf("the imported file fails check: %+v\n%s", r, text)
	}
	return string(text)
}

// has wants each line in the text; a line that begins with ! must not be there.
func has(t testing.TB, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		want, not := strings.CutPrefix(line, "!")
		if strings.Contains(text, want) == not {
			t.Errorf("%q is wrong in\n%s", line, text)
		}
	}
}

const gunicornFile = `import multiprocessing, os
from gunicorn import glogging
from gunicorn.workers.gthread import ThreadWorker

bind = ["127.0.0.1:" + os.environ.get("WEB_PORT", "8001"), "unix:web.sock"]
backlog = 64
workers = multiprocessing.cpu_count() * 0 + 3
worker_class = "gthread"
threads = 4
worker_tmp_dir = "/dev/shm"
timeout = 60
graceful_timeout = 9
keepalive = 5
accesslog = "-"
errorlog = "logs/error.log"
preload_app = True
raw_env = ["GREETING=hello", "DOLLAR=${x}"]
umask = 0o22
max_requests, max_requests_jitter = 1000, 50
capture_output = True
if os.environ.get("DEBUGGING"):
    loglevel = "debug"
else:
    loglevel = "warning"
forwarded_allow_ips = "10.0.0.1,10.0.0.2"
chdir = "site"
pythonpath = "site/lib"
sendfile = False
proc_name = "shop"
limit_request_line = 8190
statsd_host = "localhost:8125"
print("noise")

class Logger(glogging.Logger):
    pass

logger_class = Logger

def post_fork(server, worker):
    pass

when_ready = lambda server: None
`

// gunicorn.conf.py is run, and each of its settings is a key or a comment.
func TestImportGunicorn(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"gunicorn.conf.py": gunicornFile, "site/app.py": hello("x"), "site/lib/x.py": "", "site/logs/x": ""})
	write(t, dir, map[string]string{"site/site/lib/x.py": ""}) // pythonpath is relative to chdir
	text := imported(t, dir, []string{"WEB_PORT=8123"}, "gunicorn", "gunicorn.conf.py")
	has(t, text,
		"address = \"127.0.0.1:8123\"  # gunicorn.conf.py:5\n", `address = "unix:site/web.sock"`, "backlog = 64", "workers = 3  # gunicorn.conf.py:7\n", "threads = 4", "timeout = 60", "graceful_timeout = 9",
		"idle_timeout = 5", `error_log = "site/logs/error.log"`, "preload = true", `env = { GREETING = "hello", DOLLAR = "$${x}" }`, `umask = "0022"`, "max_requests = 1000", "max_requests_jitter = 50",
		`log_level = "warning"`, `trusted_proxies = ["10.0.0.1", "10.0.0.2"]`, `dir = "site"`, `pythonpath = ["site/lib"]`, `name = "shop"`, "max_target = 8190",
		"gunicorn.conf.py:10: worker_tmp_dir = /dev/shm: not needed", "gunicorn.conf.py:20: capture_output", "gunicorn.conf.py:28: sendfile", "gunicorn.conf.py:31: statsd_host = localhost:8125: not yet", "logger_class", "gunicorn.conf.py:39: post_fork", "on_fork",
		"gunicorn.conf.py:42: when_ready", "!noise", "!worker_class")
	if r := run(t, dir, []string{"WEB_PORT=8123"}, "import", "gunicorn", "gunicorn.conf.py"); r.code != 0 || r.out != text {
		t.Errorf("printed: %+v", r)
	}
	if r := run(t, dir, nil, "import", "gunicorn", "gunicorn.conf.py", "--output", "standpipe.toml"); r.code != 2 || !r.names("standpipe.toml") {
		t.Errorf("a file is overwritten: %+v", r)
	}
	if r := run(t, dir, nil, "config"); !strings.Contains(r.out, "${x}") {
		t.Errorf("%+v", r)
	}
}

// A broken file gives its own line; so does one that does not exist.
func TestImportGunicornErrors(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{
		"zero.py": "import os\n\ndef f():\n    return 1 / 0\n\nworkers = f()\n", "syntax.py": "bind = ':8000'\nworkers = (\n", "exits.py": "import sys\nsys.exit(3)\n", "missing.py": "\nimport no_such_module_here\n",
		"helper.py": "x = [\n", "imports.py": "import sys\nsys.path.insert(0, '.')\nimport helper\n",
	})
	for file, where := range map[string]string{
		"zero.py": "zero.py:4: ZeroDivisionError", "syntax.py": "syntax.py:2: SyntaxError", "exits.py": "exits.py:2: SystemExit", "missing.py": "missing.py:2: ModuleNotFoundError",
		"imports.py": "helper.py:1: SyntaxError", "none.py": "none.py: FileNotFoundError",
	} {
		if r := run(t, dir, nil, "import", "gunicorn", file); r.code != 2 || r.out != "" || !strings.Contains(r.errout, where) {
			t.Errorf("%s: %+v", file, r)
		}
	}
	for _, args := range []string{"import", "import gunicorn", "import apache x.conf", "import gunicorn a b"} {
		if r := run(t, dir, nil, strings.Fields(args)...); r.code != 2 || r.out != "" || r.errout == "" {
			t.Errorf("%s: %+v", args, r)
		}
	}
}

// The same app, served by a real gunicorn and by standpipe with what import made of its file.
func TestImportedGunicornServesTheSame(t *testing.T) {
	t.Parallel()
	python := python(t)
	port := freePort(t)
	dir := project(t, map[string]string{
		"gunicorn.conf.py": "import os\nbind = '127.0.0.1:' + os.environ['WEB_PORT']\nwsgi_app = 'app:app'\nchdir = 'src'\nworkers = 1 + 1\nthreads = 2\nraw_env = ['GREETING=hello']\nworker_tmp_dir = '/dev/shm'\ntimeout = 20\n",
		"src/app.py": `import os
def app(environ, start_response):
    body = "|".join([os.environ["GREETING"], os.path.basename(os.getcwd()), environ["SCRIPT_NAME"], environ["PATH_INFO"], environ["QUERY_STRING"], environ["REQUEST_METHOD"], environ["wsgi.url_scheme"],
                     str(environ["wsgi.multithread"]), environ["wsgi.input"].read(10).decode("latin-1")]).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
`})
	g := runNeighbour(t, "127.0.0.1:"+port, dir, []string{"WEB_PORT=" + port}, filepath.Join(filepath.Dir(python), "gunicorn"), "-c", "gunicorn.conf.py")
	imported(t, dir, []string{"WEB_PORT=0"}, "gunicorn", "gunicorn.conf.py")
	s := start(t, opts{Dir: dir, Bare: true, Args: []string{"--python", python, "--log-format", "json"}})
	for _, target := range []string{"/", "/a%20b?x=1&y=%20", "/caf%C3%A9"} {
		for _, method := range []string{"GET", "POST"} {
			one, other := s.through(g).do(s.through(g).request(method, target, strings.NewReader("body"))), s.do(s.request(method, target, strings.NewReader("body")))
			if one.Status != other.Status || one.Body != other.Body || one.Status != 200 {
				t.Errorf("%s %s: gunicorn has %d %q, standpipe %d %q", method, target, one.Status, one.Body, other.Status, other.Body)
			}
		}
	}
}
