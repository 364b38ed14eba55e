package integration

import (
	"strings"
	"testing"
)

const uwsgiFile = `; a comment
[uwsgi]
base = %dsite
ini = :common
ini = more.ini:extra
socket = 127.0.0.1:$(WEB_PORT:-3031)
http = :$(HTTP_PORT)
uwsgi-socket = web.sock
chmod-socket = 664
chdir = %(base)
module = app
callable = app
set-placeholder = half=2
processes = %(half * 2)
cheaper = 2
threads = 3
static-map = /static=%(base)/static
static-map2 = /media=files
static-index = index.html
if-env = NOPE
env = A=nope
endif
if-not-env = NOPE
env = A=%n%%
else
env = A=else
endif
if-exists = site/app.py
env = APP=%(_)
endif
for = a b
env = V_%(_)=1
endfor
for-readline = names.txt
env = %(_)
endfor
log-format = %(addr) %(uri)
vacuum
attach-daemon = celery worker
cron = 0 0 -1 -1 -1 touch x
harakiri = 20
max-requests = 5000
reload-on-rss = 300
buffer-size = 131072
limit-post = 1048576
lazy-apps = false
cache2 = name=x,items=100
route-uri = ^/old redirect:/new
unknown-key = 5
logto = site/uwsgi.log
[common]
master = true
need-app = true
[other]
processes = 77
`

// uwsgi.ini is read as uWSGI reads it, and each option is a key or a comment.
func TestImportUwsgi(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"web.ini": uwsgiFile, "more.ini": "[extra]\nmax-worker-lifetime = 3600\n", "names.txt": "READ=line\nOTHER=2\n", "site/app.py": hello("x"), "site/static/a": "", "site/files/media/a": ""})
	text := imported(t, dir, []string{"HTTP_PORT=8124"}, "uwsgi", "web.ini")
	has(t, text,
		"address = \"127.0.0.1:3031\"  # web.ini:6\nprotocol = \"uwsgi\"", `address = ":8124"`, "address = \"unix:web.sock\"", `mode = "0664"`, `module = "app:app"  # web.ini:11`, "/site\"  # web.ini:10\n", `workers = "2..4"`, "threads = 3",
		"/site/static\"  # web.ini:17", `dir = "files/media"`, `missing = "app"`, `index = ["index.html"]`, `env = { A = "web%", APP = "site/app.py", V_a = "1", V_b = "1", READ = "line", OTHER = "2" }`, "timeout = 20  #", "max_requests = 5000",
		`max_rss = "300MiB"`, "max_head = 131072", "max_body = 1048576", "max_lifetime = 3600  # more.ini:2", `error_log = "site/uwsgi.log"`, `access_log = "site/uwsgi.log"`,
		"web.ini:38: vacuum: not needed", "web.ini:39: attach-daemon = celery worker: let systemd", "web.ini:40: cron", "web.ini:47: cache2", "web.ini:48: route-uri = ^/old redirect:/new: a [[route]] has conditions", "web.ini:49: unknown-key = 5", "web.ini:52: master = true: not needed",
		"!lazy-apps", "!nope", "!= 77", "!\"77", "!: base", "!half")
	for file, where := range map[string]string{"web.ini:none": "[uwsgi], [common], [other]", "none.ini": "none.ini", "loop.ini": "include each other", "more.ini": "[extra]"} {
		write(t, dir, map[string]string{"loop.ini": "[uwsgi]\nini = loop.ini\n"})
		if r := run(t, dir, nil, "import", "uwsgi", file); r.code != 2 || r.out != "" || !strings.Contains(r.errout, where) {
			t.Errorf("%s: %+v", file, r)
		}
	}
}

// The other forms of the file say the same.
func TestImportUwsgiForms(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{
		"app.py": hello("x"), "u.ini": "[uwsgi]\nmodule = app:app\nprocesses = 3\nenv = A=1\nenv = B=2\nmaster = true\nharakiri = 9\n",
		"u.yaml": "# x\nuwsgi:\n  module: app:app\n  processes: 3 # three\n  env:\n    - A=1\n    - \"B=2\"\n  master: true\n  harakiri: 9\nother:\n  processes: 7\n",
		"u.xml":  "<uwsgi>\n<module>app:app</module>\n<processes>3</processes><env>A=1</env>\n<env>B=2</env>\n<master/>\n<harakiri>9</harakiri></uwsgi>\n",
		"u.json": "{\"other\": {\"processes\": 7},\n\"uwsgi\": {\"module\": \"app:app\",\n\"processes\": 3, \"env\": [\"A=1\", \"B=2\"],\n \"master\": true, \"harakiri\": 9}}\n",
	})
	for _, form := range []string{"ini", "yaml", "xml", "json"} {
		r := run(t, dir, nil, "import", "uwsgi", "u."+form)
		has(t, r.out, `module = "app:app"`, "workers = 3 ", `env = { A = "1", B = "2" }`, "timeout = 9 ", ": master", "!workers = 7")
		for _, line := range []string{"u.ini:3", "u.yaml:4", "u.xml:3", "u.json:3"} {
			if strings.HasPrefix(line, "u."+form) {
				has(t, r.out, "workers = 3  # "+line)
			}
		}
	}
	for name, text := range map[string]string{"b.xml": "<uwsgi><a>\n</b>", "b.json": "{\"uwsgi\": {\n\"a\" 1}}", "b.yaml": "uwsgi:\n  a\n"} {
		write(t, dir, map[string]string{name: text})
		if r := run(t, dir, nil, "import", "uwsgi", name); r.code != 2 || !strings.Contains(r.errout, name+":2") {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// The same app, served by a real uWSGI and by standpipe with what import made of its file.
func TestImportedUwsgiServesTheSame(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	dir := project(t, map[string]string{
		"uwsgi.ini":        "[uwsgi]\nplugins = python3\nhttp-socket = 127.0.0.1:$(WEB_PORT)\nchdir = %dsrc\nmodule = site_app:application\nprocesses = 2\nthreads = 2\nmaster = true\nenv = GREETING=hello\nstatic-map = /static=assets\ndie-on-term = true\nneed-app = true\n",
		"src/assets/a.txt": "a file\n",
		"src/site_app.py": `import os
def application(environ, start_response):
    body = "|".join([os.environ["GREETING"], os.path.basename(os.getcwd()), environ["PATH_INFO"], environ["QUERY_STRING"], environ["REQUEST_METHOD"], environ["wsgi.url_scheme"],
                     str(environ["wsgi.multithread"]), str(environ["wsgi.multiprocess"]), environ["wsgi.input"].read(10).decode("latin-1")]).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
`})
	u := runNeighbour(t, "127.0.0.1:"+port, dir, []string{"WEB_PORT=" + port}, program(t, "uwsgi"), "--ini", "uwsgi.ini")
	imported(t, dir, []string{"WEB_PORT=0"}, "uwsgi", "uwsgi.ini")
	s := start(t, opts{Dir: dir, Bare: true, Args: []string{"--log-format", "json"}})
	for _, target := range []string{"/", "/a%20b?x=1&y=%20", "/caf%C3%A9", "/static/a.txt", "/static/none.txt"} {
		for _, method := range []string{"GET", "POST"} {
			if method == "POST" && strings.HasPrefix(target, "/static/a") {
				continue
			}
			one, other := s.through(u).do(s.through(u).request(method, target, strings.NewReader("body"))), s.do(s.request(method, target, strings.NewReader("body")))
			if one.Status != other.Status || one.Body != other.Body || one.Status != 200 {
				t.Errorf("%s %s: uWSGI has %d %q, standpipe %d %q", method, target, one.Status, one.Body, other.Status, other.Body)
			}
		}
	}
}
