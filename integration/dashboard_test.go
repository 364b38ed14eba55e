package integration

import (
	"bufio"
	"encoding/json"
	"net/url"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

const dashToken = "correct-horse-battery-staple"

// pageOf is the server's dashboard, as an address to ask.
func (s *server) pageOf() *server {
	s.t.Helper()
	u, err := url.Parse(s.waitEvent("dashboard").str("address"))
	if err != nil {
		s.t.Fatal(err)
	}
	return s.at(u.Host)
}

// loggedIn sends the token to a dashboard, and returns the field Cookie.
func (s *server) loggedIn(token string) string {
	s.t.Helper()
	r := s.post("/login", "application/x-www-form-urlencoded", url.Values{"token": {token}}.Encode(), "Origin: http://"+s.Addr)
	if r.Status != 303 {
		s.t.Fatalf("login: %d %s", r.Status, r.Body)
	}
	cookie, _, _ := strings.Cut(r.Header.Get("Set-Cookie"), ";")
	return "Cookie: " + cookie
}

// watchDashboard reads events of a dashboard's stream until one fits.
func (s *server) watchDashboard(what string, fits func(name, data string) bool, headers ...string) {
	s.t.Helper()
	c := s.client()
	defer c.CloseIdleConnections()
	resp, err := c.Do(s.request("GET", "/api/stream", nil, headers...))
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 16<<20)
	for name := ""; lines.Scan(); {
		if after, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			name = after
		}
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok && fits(name, data) {
			return
		}
	}
	s.t.Fatalf("%s: the stream has ended: %d, %v", what, resp.StatusCode, lines.Err())
}

// busyWorkers is how many workers of the only app an event of a dashboard says are up, and of how many.
func busyWorkers(name, data string) (ready, workers int) {
	var top struct {
		Status struct {
			Apps []struct{ Ready, Workers int }
		}
	}
	if name != "top" || json.Unmarshal([]byte(data), &top) != nil || len(top.Status.Apps) == 0 {
		return -1, -1
	}
	return top.Status.Apps[0].Ready, top.Status.Apps[0].Workers
}

// Without a token the page is for this machine, shows everything and changes nothing.
func TestDashboardShows(t *testing.T) {
	t.Parallel()
	s := start(t, opts{Dir: steady(t), App: "app:app", Args: []string{"-w", "2", "--dashboard", "127.0.0.1:0"}})
	page := s.pageOf()
	if r := page.want(200, "/"); !strings.Contains(r.Body, "<!doctype html>") || !strings.Contains(r.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("%+v", r)
	}
	page.watchDashboard("both workers", func(name, data string) bool { ready, all := busyWorkers(name, data); return ready == 2 && all == 2 })
	eventually(t, "the first step of the history", func() bool { return strings.Contains(page.want(200, "/api/history").Body, `"requests":[`) })
	page.want(421, "/", "Host: evil.test")
	page.want(403, "/api/history", "Sec-Fetch-Site: cross-site")
	page.want(403, "/api/dump?worker=app/1")
	if r := page.post("/api/reload", "application/json", "{}", "Origin: http://"+page.Addr); r.Status != 403 {
		t.Errorf("%+v", r)
	}
	if s.want(404, "/api/history").Body == "" { // not at the address of the apps
		t.Error("no page")
	}
}

// With a token it can be read and used after a login alone, and the token is nowhere to be found.
func TestDashboardActs(t *testing.T) {
	t.Parallel()
	s := start(t, opts{Dir: steady(t), App: "app:app", Env: []string{"STANDPIPE_DASHBOARD_TOKEN=" + dashToken}, Args: []string{"-w", "1", "--dashboard", "127.0.0.1:0"}})
	page := s.pageOf()
	if r := page.want(303, "/"); r.Header.Get("Location") != "login" {
		t.Errorf("%+v", r)
	}
	page.want(401, "/api/stream")
	seen := page.want(200, "/login").Body
	cookie := page.loggedIn(dashToken)
	json, origin := "application/json", "Origin: http://"+page.Addr
	name := s.status().Apps[0].Name
	r := page.want(200, "/api/dump?worker="+url.QueryEscape(name+"/1"), cookie)
	seen += r.Body
	if !strings.Contains(r.Body, `"stacks"`) {
		t.Errorf("%+v", r)
	}
	if r := page.post("/api/scale", json, `{"app":"`+name+`","workers":2}`, cookie, origin); r.Status != 200 {
		t.Errorf("%+v", r)
	}
	page.watchDashboard("two workers", func(name, data string) bool { seen += data; ready, _ := busyWorkers(name, data); return ready == 2 }, cookie)
	pid := s.workerPid()
	if r := page.post("/api/restart", json, `{"worker":"`+name+`/1"}`, cookie, origin); r.Status != 200 || slices.Contains(s.workers(), pid) && len(s.workers()) < 2 {
		t.Errorf("%+v", r)
	}
	if r := page.post("/api/reload", json, `{}`, cookie, origin); r.Status != 200 || s.status().Apps[0].Generation != 2 {
		t.Errorf("%+v", r)
	}
	if r := page.post("/api/reload", json, `{}`, cookie, "Origin: http://"+s.Addr); r.Status != 403 {
		t.Errorf("of the app's own pages: %+v", r)
	}
	if c := s.waitLog(func(r record) bool { return r.event() == "control" && r.str("command") == "scale" }, "who scaled"); !strings.HasPrefix(c.str("by"), "dashboard 127.0.0.1") {
		t.Errorf("%v", c)
	}
	page.post("/login", "application/x-www-form-urlencoded", "token=guessed-it-wrong", origin)
	s.waitEvent("dashboard_refused")
	if r := page.post("/logout", "application/x-www-form-urlencoded", "", cookie, origin); r.Status != 303 {
		t.Errorf("%+v", r)
	}
	page.want(401, "/api/history", cookie)
	shown := run(t, s.Cmd.Dir, []string{"STANDPIPE_DASHBOARD_TOKEN=" + dashToken, "STANDPIPE_DASHBOARD=127.0.0.1:1"}, "config", "app:app")
	if shown.code != 0 || !strings.Contains(shown.out, "dashboard_token") {
		t.Errorf("%+v", shown)
	}
	for where, text := range map[string]string{"the page": seen, "the log": s.stderrText(), "standpipe config": shown.out + shown.errout} {
		if strings.Contains(text, dashToken) || strings.Contains(text, "guessed-it-wrong") {
			t.Errorf("the token is in %s", where)
		}
	}
}

// An address that other machines reach needs a token; so says each command that reads the configuration.
func TestDashboardIsNotOpen(t *testing.T) {
	t.Parallel()
	dir := steady(t)
	for _, c := range []struct {
		names []string // in the problem; none: it is good
		args  []string
	}{
		{[]string{"dashboard", "0.0.0.0:9180", "dashboard_token"}, []string{"--dashboard", "0.0.0.0:9180"}},
		{[]string{"dashboard_token"}, []string{"--dashboard", ":9180"}},
		{[]string{"dashboard_token"}, []string{"--dashboard", "[::]:9180"}},
		{[]string{"dashboard_token"}, []string{"--dashboard", "ops.example.org:9180"}},
		{[]string{"dashboard_token", "16"}, []string{"--dashboard", "127.0.0.1:9180", "--dashboard-token", "short"}},
		{[]string{"dashboard"}, []string{"--dashboard-token", dashToken}},
		{[]string{"dashboard"}, []string{"--dashboard", "unix:/run/dashboard.sock"}},
		{[]string{"dashboard"}, []string{"--dashboard", "https://127.0.0.1:9180"}},
		{nil, []string{"--dashboard", "9180"}},
		{nil, []string{"--dashboard", "localhost:9180"}},
		{nil, []string{"--dashboard", "[::1]:9180"}},
		{nil, []string{"--dashboard", "0.0.0.0:9180", "--dashboard-token", dashToken}},
	} {
		report, code := check(t, dir, append([]string{"app:app"}, c.args...)...)
		if good := c.names == nil; report.OK != good || !good && (code != 2 || len(report.Problems) != 1 || !holds(report.Problems[0].Where+report.Problems[0].Message, c.names...)) {
			t.Errorf("%q: %d %+v", c.args, code, report)
		}
	}
	if r := run(t, dir, nil, "serve", "app:app", "-b", "127.0.0.1:0", "--dashboard", "0.0.0.0:0"); r.code != 2 || !r.names("dashboard_token") {
		t.Errorf("%+v", r)
	}
	s := start(t, opts{Dir: dir, App: "app:app", Args: []string{"--dashboard", "127.0.0.1:0"}})
	if r := run(t, dir, nil, "serve", "app:app", "-b", "127.0.0.1:0", "--dashboard", s.pageOf().Addr); r.code != 4 {
		t.Errorf("an address in use: %+v", r)
	}
}

// After an upgrade the page is that of the new process, and a login is still one.
func TestDashboardAfterAnUpgrade(t *testing.T) {
	t.Parallel()
	at := "127.0.0.1:" + freePort(t)
	s := start(t, opts{Dir: steady(t), App: "app:app", Args: []string{"-w", "1", "--dashboard", at, "--dashboard-token", dashToken}})
	page := s.pageOf()
	cookie := page.loggedIn(dashToken)
	old := s.Pid
	s.usr2()
	s.upgraded()
	s.oldEnded(patience) // it may have accepted connections until then
	eventually(t, "the new one has the address", func() bool { return len(s.events("dashboard")) == 2 })
	page.watchDashboard("the new process", func(name, data string) bool {
		var top struct{ Status struct{ Pid int } }
		return name == "top" && json.Unmarshal([]byte(data), &top) == nil && top.Status.Pid == s.Pid && s.Pid != old
	}, cookie)
}

// The command serves the page of a server without the setting: by a link that works once, over the control socket.
func TestDashboardCommand(t *testing.T) {
	t.Parallel()
	s := start(t, opts{Dir: steady(t), App: "app:app", Args: []string{"-w", "1"}})
	socket := s.controlSocket()
	cmd := exec.Command(built.binary, "dashboard", "--control", socket)
	cmd.Env = cleanEnv(t)
	r, w := pipe(t)
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	said := &lines{}
	read := make(chan struct{})
	go func() { defer close(read); said.read(r) }()
	ended := false
	defer func() {
		if !ended {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}()
	link := regexp.MustCompile(`http://(127\.0\.0\.1:\d+)(/login\?link=\S+)`)
	links := func() [][]string { return link.FindAllStringSubmatch(strings.Join(said.all(), "\n"), -1) }
	eventually(t, "a link", func() bool { return len(links()) == 1 })
	page := s.at(links()[0][1])
	page.want(401, "/api/history")
	page.want(421, "/", "Host: evil.test")
	in := page.want(303, links()[0][2])
	cookie, _, _ := strings.Cut(in.Header.Get("Set-Cookie"), ";")
	cookie = "Cookie: " + cookie
	page.want(403, links()[0][2]) // it works once
	eventually(t, "the next link", func() bool { return len(links()) == 2 })
	page.watchDashboard("a worker", func(name, data string) bool { ready, _ := busyWorkers(name, data); return ready == 1 }, cookie)
	if r := page.post("/api/scale", "application/json", `{"workers":2}`, cookie, "Origin: http://"+page.Addr); r.Status != 200 {
		t.Errorf("%+v", r)
	}
	page.watchDashboard("two workers", func(name, data string) bool { ready, _ := busyWorkers(name, data); return ready == 2 }, cookie)

	// The server goes and comes back: the page says so, and goes on.
	s.stop()
	page.watchDashboard("the server is gone", func(name, data string) bool { return name == "gone" && strings.Contains(data, `"error":"gone"`) }, cookie)
	start(t, opts{Dir: s.Cmd.Dir, App: "app:app", Args: []string{"-w", "1", "--control", socket}})
	page.watchDashboard("the server is back", func(name, data string) bool { ready, _ := busyWorkers(name, data); return ready == 1 }, cookie)

	_ = cmd.Process.Signal(syscall.SIGINT)
	<-read
	err := cmd.Wait()
	ended = true
	if err != nil {
		t.Errorf("it ends with %v", err)
	}
	if r := run(t, s.Cmd.Dir, nil, "dashboard", "--control", "/nothing.sock"); r.code != 1 {
		t.Errorf("no server: %+v", r)
	}
	if r := run(t, s.Cmd.Dir, nil, "dashboard", "--port", "x", "--control", socket); r.code != 2 {
		t.Errorf("a wrong port: %+v", r)
	}
}
