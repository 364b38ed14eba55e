package integration

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Routes of one address answer there alone, the others everywhere; a reload moves one, and a wrong address is refused.
func TestRouteListen(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": hello("app"), "standpipe.toml": `bind = ["127.0.0.1:0", "127.0.0.2:0", "unix:run.sock"]
[[route]]
path = "/a"
listen = ["127.0.0.2:0", "unix:run.sock"]
respond = 200
body = "a"
[[route]]
listen = "unix:run.sock"
respond = 410
[[route]]
path = "/a"
respond = 200
body = "elsewhere"
[[app]]
module = "app:app"
`})
	config := filepath.Join(dir, "standpipe.toml")
	s := start(t, opts{Dir: dir, Bare: true, HTTP1: true, Args: []string{"-c", config, "--log-format", "json"}})
	at := addresses(s)
	if len(at) != 3 {
		t.Fatalf("%q", at)
	}
	socket := filepath.Join(dir, "run.sock")
	list := []string{strings.TrimPrefix(at[0], "http://"), strings.TrimPrefix(at[1], "http://"), socket}
	want := func(target string, texts ...string) {
		t.Helper()
		for i, text := range texts {
			a := s.at(list[i]).get(target)
			if got := a.Body; a.Status == 200 && got != text || a.Status != 200 && text != "410" || text == "410" && a.Status != 410 {
				t.Errorf("%s at %s: %d %q, want %s", target, list[i], a.Status, got, text)
			}
		}
	}
	want("/a/x", "elsewhere", "a", "a")
	want("/b", "app", "app", "410")

	r := run(t, dir, nil, "check", "-c", config, "--explain", "GET /a", "--json")
	var e explained
	if err := json.Unmarshal([]byte(r.out), &e); err != nil || e.Address != "127.0.0.1:0" {
		t.Fatalf("%v %s %s", err, r.out, r.errout)
	}
	var fails []string
	for _, step := range e.Steps {
		if step.What == "route" {
			fails = append(fails, step.Fails)
		}
	}
	if len(fails) != 3 || !strings.HasPrefix(fails[0], "listen 127.0.0.2:0 unix:") || !strings.HasPrefix(fails[1], "listen unix:") || fails[2] != "" {
		t.Errorf("%q", fails)
	}

	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, map[string]string{"standpipe.toml": strings.Replace(string(text), `["127.0.0.2:0", "unix:run.sock"]`, `["127.0.0.1:0"]`, 1)})
	s.signal(syscall.SIGHUP)
	s.waitEvent("reloaded")
	want("/a/x", "a", "elsewhere", "410")

	write(t, dir, map[string]string{"wrong.toml": strings.Replace(string(text), `["127.0.0.2:0", "unix:run.sock"]`, `["127.0.0.3:80"]`, 1)})
	if r := run(t, dir, nil, "check", "-c", "wrong.toml"); r.code != 2 || !strings.Contains(r.errout, "wrong.toml:4") || !strings.Contains(r.errout, "127.0.0.3:80") {
		t.Errorf("%d %s", r.code, r.errout)
	}
}

// A route may lead to another address of the same server, and not to its own.
func TestRouteToAnotherAddress(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	text := `bind = ["127.0.0.1:0", "127.0.0.2:PORT"]
[[route]]
path = "/"
listen = ["127.0.0.1:0"]
upstreams = ["http://127.0.0.2:PORT"]
[[app]]
module = "app:app"
`
	text = strings.ReplaceAll(text, "PORT", port)
	dir := project(t, map[string]string{"app.py": hello("app"), "standpipe.toml": text, "loop.toml": strings.Replace(text, "listen =", "#", 1)})
	s := start(t, opts{Dir: dir, Bare: true, HTTP1: true, Args: []string{"-c", filepath.Join(dir, "standpipe.toml"), "--log-format", "json"}})
	if a := s.get("/x"); a.Status != 200 || a.Body != "app" || len(a.Header.Values("Via")) == 0 && len(a.Header.Values("Date")) != 1 {
		t.Errorf("%d %q %v", a.Status, a.Body, a.Header)
	}
	if r := run(t, dir, nil, "check", "-c", "loop.toml"); r.code != 2 || !strings.Contains(r.errout, "loop.toml:5") {
		t.Errorf("%d %s", r.code, r.errout)
	}
}
