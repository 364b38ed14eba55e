package integration

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// sentencesApp does what makes a server log; the path says what.
const sentencesApp = `import os, sys, time
from version import VERSION
def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/raise":
        raise ValueError("no such product")
    if path == "/die":
        os._exit(3)
    if path == "/slow":
        time.sleep(1000)
    if path == "/head":
        start_response("abc", [])
        return []
    if path == "/short":
        start_response("200 OK", [("Content-Length", "10")])
        return [b"x"]
    if path == "/long":
        start_response("200 OK", [("Content-Length", "1")])
        return [b"x" * 10]
    if path == "/print":
        print("printed by the app", flush=True)
    if path == "/sendfile":
        start_response("200 OK", [("X-Sendfile", "/etc/passwd")])
        return []
    if path == "/hop":
        start_response("200 OK", [("Connection", "x"), ("Keep-Alive", "9")])
        return [b"x"]
    while path == "/gate" and not os.path.exists(environ["QUERY_STRING"]):
        time.sleep(0.01)
    environ["wsgi.input"].read()
    start_response("200 OK", [])
    return [b"x"]
`

// sentences are the events whose message the script below provokes, in the order of the alphabet.
var sentences = strings.Fields(`
app_error app_failed app_ready app_removed bad_response body_too_large content_length_mismatch control control_socket field_dropped forwarded_ignored
listening logs_reopened no_route output queue_full reload reload_failed reloaded request_timeout restart_needed scaled
serving static_link_refused stopped stopping uwsgi_refused upstream_failed worker_exit
`)

// TestGoldenLogSentences holds what log records say to people: the text of those that a script provokes, and the general
// sentence of each event with what to do about it.
func TestGoldenLogSentences(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": sentencesApp, "version.py": "VERSION = 1\n", "broken.py": "import nothing_of_this_name\n", "files/a": "a", "other/b": "b"})
	if err := os.Symlink("../other/b", filepath.Join(dir, "files", "link")); err != nil {
		t.Fatal(err)
	}
	config := func(more string) {
		write(t, dir, map[string]string{"standpipe.toml": `bind = ["127.0.0.1:0", "uwsgi://127.0.0.1:0"]
control = "control.sock"
trusted_proxies = "none"
[limits]
max_body = 10
[[app]]
name = "shop"
module = "app:app"
mount = "/shop"
workers = 1
queue = 1
queue_timeout = "2m"
[[app]]
name = "hasty"
module = "app:app"
mount = "/hasty"
workers = 1
timeout = "1s"
[[app]]
name = "broken"
module = "broken:app"
mount = "/broken"
workers = 1
` + more})
	}
	const routes = "[[app]]\nname = \"old\"\nmodule = \"app:app\"\nmount = \"/old\"\nworkers = 1\n[[route]]\npath = \"/refused\"\nhandler = \"proxy\"\nupstreams = [\"http://127.0.0.1:1\"]\n[[static]]\nurl = \"/files/\"\ndir = \"files\"\n"
	config(routes)
	s := start(t, opts{Dir: dir, Bare: true, Args: []string{"--log-format", "json", "--access-log", "access.log"}, Apps: 4})
	order := func(args ...string) { run(t, dir, nil, append(args, "--control", "control.sock")...) }
	for _, path := range []string{"/nowhere", "/shop/raise", "/shop/die", "/shop/", "/hasty/slow", "/shop/head", "/shop/short", "/shop/long", "/shop/print", "/refused", "/files/link"} {
		if resp, err := s.client().Do(s.request("GET", path, nil)); err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
	}
	s.get("/shop/", "X-Forwarded-For: 192.0.2.9", "api_key: 1")
	s.post("/shop/", "a/b", strings.Repeat("x", 11))
	tcp, _ := s.uwsgiAddresses()
	s.at(tcp).raw("\x16\x00\x00\x00")
	g := newGate(t)
	waiting := []*async{s.background("/shop/gate?" + g.path), s.background("/shop/gate?" + g.path), s.background("/shop/gate?" + g.path)}
	s.waitEvent("queue_full")
	g.open(t)
	for _, a := range waiting {
		<-a.done
	}
	order("scale", "shop=2")
	order("reopen-logs")
	write(t, dir, map[string]string{"version.py": "VERSION = (\n"})
	order("reload", "shop")
	s.waitEvent("reload_failed")
	write(t, dir, map[string]string{"version.py": "VERSION = 3\n"})
	config("[limits.x]\n" + routes)
	s.signal(syscall.SIGHUP)
	s.waitEvent("reload")
	eventually(t, "a reload of a wrong file has failed", func() bool { return len(s.events("reload_failed")) > 1 })
	write(t, dir, map[string]string{"broken.py": sentencesApp})
	config("[[static]]\nurl = \"/files/\"\ndir = \"files\"\n")
	order("reload")
	s.waitEvent("app_removed")
	write(t, dir, map[string]string{"standpipe.toml": strings.Replace(text(t, dir+"/standpipe.toml"), "max_body = 10", "max_body = 10\nmax_connections = 77", 1)})
	order("reload")
	s.waitEvent("restart_needed")
	s.stop()

	var b strings.Builder
	folders := map[string]string{"DIR": dir}
	for _, name := range sentences {
		list := s.events(name)
		if len(list) == 0 {
			t.Errorf("no record of %s", name)
			continue
		}
		r := list[0]
		for _, other := range list { // the first that says most; of worker_exit, the one of the app's own end
			if len(other) > len(r) && (name != "worker_exit" || other.str("reason") == "none") {
				r = other
			}
		}
		lines := r.str("message")
		for _, key := range []string{"reason", "error", "in_flight"} {
			if text := r.str(key); text != "" {
				lines += "\n" + key + ": " + text
			}
		}
		b.WriteString(goldenCase("== "+name+" ("+r.str("level")+")", timeless(lines, folders)))
	}
	var all struct {
		Events []struct{ Event, Message, Do string }
	}
	if r := run(t, dir, nil, "explain", "--json"); json.Unmarshal([]byte(r.out), &all) != nil || len(all.Events) == 0 {
		t.Errorf("%+v", r)
	}
	for _, e := range all.Events {
		b.WriteString(goldenCase("== "+e.Event+", in general", e.Message+"\n"+e.Do))
	}
	golden(t, "log_sentences", b.String())
}

// text is the content of a file.
func text(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
