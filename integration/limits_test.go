package integration

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// limited starts a server with two workers of the app lifecycle, and these tables in its file.
func limited(t *testing.T, tables string) *server {
	t.Helper()
	dir := project(t, map[string]string{"standpipe.toml": fmt.Sprintf("metrics = \"127.0.0.1:0\"\n%s\n[[app]]\nname = \"shop\"\nmodule = \"app:app\"\ndir = %q\nworkers = 2\n", tables, appDir(t, "lifecycle"))})
	return start(t, opts{Dir: dir})
}

// of is the field by which a trusted proxy names a client.
func of(client string) string { return "X-Forwarded-For: " + client }

// statuses are the answers to n requests for path.
func (s *server) statuses(n int, path string, headers ...string) (list []int) {
	for range n {
		list = append(list, s.get(path, headers...).Status)
	}
	return list
}

func (s *server) scrape() map[string]float64 {
	s.t.Helper()
	own := s.waitEvent("metrics").str("address")
	return s.metrics("tcp", strings.TrimSuffix(strings.TrimPrefix(own, "http://"), "/metrics"))
}

// A limit refuses what is above its rate, for its clients, paths and methods alone; the answer, the record, the status and the
// metrics tell of it; and a reload goes on counting.
func TestLimit(t *testing.T) {
	t.Parallel()
	s := limited(t, "[[limit]]\nname = \"api\"\nrate = \"1/h\"\nburst = 2\npath = \"/echo\"\nmethods = [\"GET\"]\n"+
		"[[limit]]\nname = \"login\"\nkey = \"cookie:session\"\nrate = \"1/h\"\napp = \"shop\"\npath = \"/login\"\nstatus = \"503\"\nfields = \"all\"\n")
	if got := fmt.Sprint(s.statuses(4, "/echo", of("192.0.2.1")), s.statuses(1, "/echo", of("192.0.2.2")), s.statuses(3, "/other", of("192.0.2.1")),
		s.statuses(4, "/echo/x", of("2001:db8::1")), s.statuses(1, "/echo/x", of("2001:db8::2")), s.do(s.request("POST", "/echo", nil, of("192.0.2.1"))).Status); got !=
		"[404 404 404 429] [404] [404 404 404] [404 404 404 429] [429] 404" {
		t.Error(got)
	}
	inAnHour := func(seconds string) bool { // less what has passed
		n, err := strconv.Atoi(seconds)
		return err == nil && n > 3000 && n <= 3600
	}
	r := s.get("/echo", of("192.0.2.1"), "Accept: application/json")
	if wait := r.Header.Get("Retry-After"); r.Status != 429 || !inAnHour(wait) || r.Header.Get("RateLimit") != `"api";r=0;t=`+wait || r.Header.Get("RateLimit-Policy") != `"api";q=1;w=3600` ||
		!strings.Contains(r.Body, `"status":429`) || r.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%d %v %s", r.Status, r.Header, r.Body)
	}
	first := s.get("/login", "Cookie: a=b; session=secret")
	second := s.get("/login", "Cookie: session=secret")
	if first.Header.Get("RateLimit") != `"login";r=0;t=3600` || second.Status != 503 || s.get("/login", "Cookie: session=other").Status != 404 {
		t.Errorf("%v, then %d", first.Header, second.Status)
	}
	eventually(t, "the refusals have records", func() bool { return len(s.events("limit_exceeded")) >= 3 })
	records := s.events("limit_exceeded")
	if len(records) != 3 || records[0].str("limit_name") != "api" || records[0].str("key") != "192.0.2.1" || records[0].str("client") != "192.0.2.1" || records[0].str("id") == "" ||
		records[0].str("reason") != "rate" || records[1].str("key") != "2001:db8::/64" || records[2].str("app") != "shop" || !strings.HasPrefix(records[2].str("key"), "session sha256:") {
		t.Errorf("%v", records)
	}
	if strings.Contains(s.stderrText(), "secret") {
		t.Error("the log has the value of a cookie")
	}

	write(t, s.Cmd.Dir, map[string]string{"standpipe.toml": strings.Replace(configOf(t, s), "status = \"503\"", "status = \"429\"\nburst = 1", 1)})
	s.must("reload")
	if got := fmt.Sprint(s.statuses(2, "/login", "Cookie: session=secret"), s.statuses(1, "/echo", of("192.0.2.1"))); got != "[404 429] [429]" {
		t.Error("after the reload: ", got)
	}
	m := s.scrape()
	for key, want := range map[string]float64{
		`standpipe_limit_requests_total{limit="api",result="allowed"}`: 7, `standpipe_limit_requests_total{limit="api",result="refused"}`: 5,
		`standpipe_limit_requests_total{limit="login",result="refused"}`: 2, `standpipe_limit_keys{limit="api"}`: 3, `standpipe_limit_evictions_total{limit="api"}`: 0,
	} {
		if got, ok := m[key]; !ok || got != want {
			t.Errorf("%s is %v, want %v", key, got, want)
		}
	}
	if out := s.must("status"); !holds(out, "limit api  allowed 7  delayed 0  refused 5  keys 3") {
		t.Error(out)
	}
}

// dry_run refuses nothing, and tells what it would refuse.
func TestLimitDryRun(t *testing.T) {
	t.Parallel()
	s := limited(t, "[[limit]]\nname = \"api\"\nrate = \"1/h\"\ndry_run = true\n")
	if got := fmt.Sprint(s.statuses(3, "/x")); got != "[404 404 404]" {
		t.Error(got)
	}
	if r := s.waitEvent("limit_exceeded"); r.str("dry_run") != "true" || r["status"] != nil {
		t.Error(r)
	}
	if got := s.scrape()[`standpipe_limit_requests_total{limit="api",result="refused"}`]; got != 2 {
		t.Error(got)
	}
}

// Requests above the rate wait, without a worker; one whose client disconnects gives its place to another.
func TestLimitDelay(t *testing.T) {
	t.Parallel()
	s := limited(t, "[[limit]]\nname = \"slow\"\nrate = \"1/m\"\ndelay = 1\npath = \"/slow\"\n")
	waiting := func(n float64) func() bool {
		return func() bool { return s.scrape()[`standpipe_limit_waiting{limit="slow"}`] == n }
	}
	s.want(404, "/slow")
	c, err := s.dialPlain()
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(c, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
	eventually(t, "a request waits", waiting(1))
	s.want(429, "/slow")
	s.want(404, "/fast")
	for _, w := range s.status().Apps[0].Processes {
		if len(w.Requests) != 0 {
			t.Errorf("a request that waits has a worker: %+v", w)
		}
	}
	disconnect(c)
	eventually(t, "it has left", waiting(0))
	next, err := s.dialPlain()
	if err != nil {
		t.Fatal(err)
	}
	defer disconnect(next)
	fmt.Fprint(next, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
	eventually(t, "another has its place", waiting(1))
	s.waitAccess(`"GET /slow HTTP/1.1" 499 `)
}

// At most so many requests of a client run at the same time; each end makes room for the next, that of a client that
// disconnects too.
func TestLimitConcurrency(t *testing.T) {
	t.Parallel()
	s := limited(t, "[[limit]]\nname = \"two\"\nconcurrency = 2\nstatus = \"503\"\n")
	g := newGate(t)
	parked := []*async{s.background("/gate?path="+g.path, of("192.0.2.1")), s.background("/gate?path="+g.path, of("192.0.2.1"))}
	running := func(n float64) func() bool {
		return func() bool { return s.scrape()[`standpipe_limit_running{limit="two"}`] == n }
	}
	eventually(t, "two run", running(2))
	if r := s.get("/x", of("192.0.2.1")); r.Status != 503 || r.Header.Get("Retry-After") != "1" {
		t.Errorf("%d %v", r.Status, r.Header)
	}
	if r := s.waitEvent("limit_exceeded"); r.str("reason") != "concurrency" {
		t.Error(r)
	}
	g.open(t)
	for _, a := range parked {
		if r := a.wait(t); r.Status != 200 {
			t.Errorf("%d %q", r.Status, r.Body)
		}
	}
	eventually(t, "none runs", running(0))
	g = newGate(t)
	c, err := s.dialPlain()
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(c, "GET /gate?path=%s HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n", g.path, of("192.0.2.3"))
	eventually(t, "one runs", running(1))
	disconnect(c)
	g.open(t)
	eventually(t, "it has ended", running(0))
	s.want(http.StatusNotFound, "/x", of("192.0.2.3"))
}

// What is wrong with a limit is said with its line, all at once.
func TestLimitMistakes(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": hello("x"), "standpipe.toml": `
[[limit]]
name = "a b"
rate = "10"
[[limit]]
name = "twice"
rate = "1/m"
delay = 100
key = "session"
[[limit]]
name = "twice"
burst = 3
app = "none"
path = "api"
ipv6_prefix = 200
[[limit]]
rate = "1/s"
`})
	r := run(t, dir, nil, "check")
	text := strings.Join(strings.Fields(r.out+r.errout), " ")
	for _, want := range []string{
		`:3 [[limit]] "a b" is not a name`, `:4 rate "10" is not a rate; write 10/s`, `:9 key "session" is not a key`, `:8 [[limit]] delay is 100`, `lower it to 1 `,
		`:11 [[limit]] duplicate name "twice"`, `:13 [[limit]] there is no app "none"`, `:14 path "api" does not begin with a slash`, `:15 [[limit]] ipv6_prefix is 200`,
		`:11 [[limit]] "twice" has neither rate nor concurrency`, `:16 [[limit]] has no name; write name = "api"`, "10 problems",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s%s", want, r.out, r.errout)
		}
	}
}

// A client that goes on above a limit is denied altogether for a time: the deny list has it. Loopback never is.
func TestRepeatOffenders(t *testing.T) {
	t.Parallel()
	s := limited(t, "[[limit]]\nname = \"api\"\nrate = \"1/h\"\npath = \"/api\"\nban_after = 3\nban_for = \"10m\"\n")
	if got := fmt.Sprint(s.statuses(4, "/api", of("192.0.2.1")), s.statuses(1, "/else", of("192.0.2.1")), s.statuses(1, "/else", of("192.0.2.2")), s.statuses(6, "/api"), s.statuses(1, "/else")); got !=
		"[404 429 429 429] [403] [404] [404 429 429 429 429 429] [404]" {
		t.Error(got)
	}
	if r := s.waitEvent("offender_denied"); r.str("network") != "192.0.2.1/32" || r.str("limit_name") != "api" || r.str("for") != "600" || r.str("id") == "" {
		t.Error(r)
	}
	if out := s.must("deny", "list"); !holds(out, "192.0.2.1", "limit api") || strings.Contains(out, "127.0.0.1") {
		t.Error(out)
	}
	s.must("allow", "192.0.2.1")
	if got := fmt.Sprint(s.statuses(1, "/else", of("192.0.2.1")), s.statuses(1, "/api", of("192.0.2.1"))); got != "[404] [429]" {
		t.Error(got)
	}
}

// Paths that only scanners ask for never reach Python, but for what a folder or a route has there; with ban their clients are denied.
func TestScanners(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"wp/wp-admin/own.txt": "mine"})
	upstream := recording(t, func(_ string, c net.Conn, _ *bufio.Reader) {
		fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
	})
	tables := func(mode string) string {
		return fmt.Sprintf("scanners = %q\nscanner_paths = [\"/own*\"]\nscanner_except = [\"/wp/\"]\n[[static]]\nurl = \"/wp-admin\"\ndir = %q\nmissing = \"app\"\n", mode, dir+"/wp/wp-admin") +
			fmt.Sprintf("[[route]]\npath = \"/cgi-bin\"\nhandler = \"proxy\"\nupstreams = [%q]\n", upstream.URL)
	}
	s := limited(t, tables("deny"))
	for path, want := range map[string]string{
		"/.env": "404", "/shop/.git/config": "404", "/wp-login.php": "404", "/%77p-login.php": "404", "/x/../wp-login.php": "404", "/owner": "404", "/wp-admin/none": "404",
		"/wp-admin/own.txt": "200 mine", "/cgi-bin/x": "200 hi", "/wp/x": "404 app", "/.well-known/x": "404 app",
	} {
		r := s.get(path, of("192.0.2.1"))
		got := fmt.Sprint(r.Status)
		switch {
		case r.Body == "no such path in the app":
			got += " app"
		case r.Status == 200:
			got += " " + r.Body
		}
		if got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	s.waitEvent("scanner_refused")
	if r := s.events("scanner_refused"); len(r) != 1 || r[0].str("client") != "192.0.2.1" {
		t.Error(r)
	}
	if n := s.scrape()["standpipe_scanner_requests_total{}"]; n != 7 {
		t.Error(n)
	}
	if out := s.must("status"); !holds(out, "scanners refused 7") {
		t.Error(out)
	}
	write(t, s.Cmd.Dir, map[string]string{"standpipe.toml": strings.Replace(configOf(t, s), "\"deny\"", "\"ban\"", 1)})
	s.must("reload")
	if got := fmt.Sprint(s.statuses(4, "/.env", of("192.0.2.2")), s.statuses(1, "/else", of("192.0.2.3"))); got != "[404 404 404 403] [404]" {
		t.Error(got)
	}
	if r := s.waitEvent("offender_denied"); r.str("network") != "192.0.2.2/32" || r["limit_name"] != nil {
		t.Error(r)
	}
}

// configOf is the server's standpipe.toml, configIn that of a folder.
func configOf(t *testing.T, s *server) string { return configIn(t, s.Cmd.Dir) }

func configIn(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "standpipe.toml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// An upgraded connection is a request that runs, until it ends.
func TestLimitTunnels(t *testing.T) {
	t.Parallel()
	upstream := recording(t, func(_ string, c net.Conn, br *bufio.Reader) {
		fmt.Fprint(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n")
		_, _ = br.ReadByte() // the client's end
	})
	s := limited(t, fmt.Sprintf("[[limit]]\nname = \"one\"\nconcurrency = 1\n[[route]]\npath = \"/ws\"\nhandler = \"proxy\"\nupstreams = [%q]\n", upstream.URL))
	open := func() (net.Conn, string) {
		c, err := s.dialPlain()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(c, "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		line, err := bufio.NewReader(c).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return c, line[9:12]
	}
	first, status := open()
	second, refused := open()
	second.Close()
	if status != "101" || refused != "429" {
		t.Errorf("%s, then %s", status, refused)
	}
	disconnect(first)
	eventually(t, "the tunnel has ended", func() bool { return s.scrape()[`standpipe_limit_running{limit="one"}`] == 0 })
	third, status := open()
	disconnect(third)
	if status != "101" {
		t.Error(status)
	}
}
