package integration

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// routed starts a standpipe with an app of its own at /, and routes in front of it.
func routed(t testing.TB, routes string, args ...string) *server {
	t.Helper()
	dir := project(t, map[string]string{"app.py": hello("of its own"), "standpipe.toml": routes + "\n[[app]]\nname = \"own\"\nmodule = \"app:app\"\nworkers = 1\n"})
	return start(t, opts{Dir: dir, Args: append([]string{"-c", "standpipe.toml"}, args...)})
}

// uwsgiBoth is a real uWSGI that speaks uwsgi at one port and HTTP at another.
func uwsgiBoth(t testing.TB, more ...string) (n *neighbour, uwsgiAddr, httpAddr string) {
	t.Helper()
	uwsgiAddr, httpAddr = "127.0.0.1:"+freePort(t), "127.0.0.1:"+freePort(t)
	return uwsgi(t, httpAddr, "behind", append([]string{"--socket", uwsgiAddr, "--http-socket", httpAddr}, more...)...), uwsgiAddr, httpAddr
}

// ask is one request of a comparison.
type ask struct {
	method, target, body string
	headers              []string
}

func asks() []ask {
	list := []ask{
		{"POST", "/sum", strings.Repeat("0123456789", 30000), nil}, {"POST", "/sum", "", []string{"Content-Length: 0"}}, {"PUT", "/method", "abc", nil}, {"DELETE", "/method", "", nil},
		{"PATCH", "/method", "abcdef", []string{"Content-Type: application/json"}}, {"OPTIONS", "/method", "", nil}, {"PURGE", "/method", "", nil}, {"HEAD", "/path", "", nil}, {"HEAD", "/lines", "", nil},
		{"GET", "/fresh", "", nil}, {"GET", "/fresh", "", []string{`If-None-Match: "e1"`}}, {"HEAD", "/fresh", "", nil}, {"GET", "/old", "", nil}, {"GET", "/cookies", "", []string{"Cookie: x=1; y=2"}},
		{"GET", "/nothing", "", nil}, {"GET", "/fields", "", nil}, {"GET", "/lines", "", nil}, {"GET", "/written", "", nil}, {"GET", "/bulk?2", "", nil},
		{"GET", "/status?404+Not+Found", "", nil}, {"GET", "/status?500+Oh+no", "", nil}, {"GET", "/status?299+Odd", "", nil}, {"GET", "/status?503+Busy", "", nil}, {"GET", "/status?401+No", "", nil},
	}
	for _, target := range []string{"/", "/a/b", "/a%20b", "/a%2Fb", "/a%252Fb", "/caf%C3%A9", "/caf%E9", "/a?x=%20&y=+", "/a?", "/a?b?c", "/a;b=c", "/a:b@c", "/~u/$x,y'(z)*!", "/a//b", "/a+b", "/a%3Fb"} {
		list = append(list, ask{"GET", target, "", nil})
	}
	return list
}

// withoutHop is an answer's fields as one text, but for those of its hop and of the server that sent it.
func withoutHop(r *response, less ...string) string {
	var list []string
	for name, values := range r.Header {
		if slices.Contains(append(less, "Date", "Server", "Connection", "Transfer-Encoding"), name) {
			continue
		}
		for _, v := range values {
			list = append(list, name+": "+v)
		}
	}
	sort.Strings(list)
	return strings.Join(list, "\n")
}

// A uWSGI behind us answers as its own HTTP server does: status, bytes, fields. X-Request-Id is ours, on every answer. Not
// asked for are dot segments: uWSGI's HTTP takes them out, we hand on the path as it came.
func TestUwsgiUpstreamLikeItsOwnHTTP(t *testing.T) {
	t.Parallel()
	sock := filepath.Join(socketDir(t), "u")
	_, tcp, own := uwsgiBoth(t, "--socket", sock)
	direct := &server{t: t, over: http1, Addr: own, URL: "http://" + own}
	for _, upstream := range []string{"uwsgi://" + tcp, "uwsgi+unix:" + sock} {
		s := routed(t, fmt.Sprintf("[[route]]\nhandler = \"proxy\"\nupstreams = [%q]\n", upstream))
		list := asks()
		if len(list) != 40 {
			t.Errorf("%d requests", len(list))
		}
		for _, a := range list {
			do := func(to *server) *response {
				req := to.request(a.method, a.target, strings.NewReader(a.body), append(a.headers, "Host: shop.example:81")...)
				req.ContentLength = int64(len(a.body))
				return to.do(req)
			}
			got, want := do(s), do(direct)
			less := []string{"X-Request-Id"}
			if want.Header["Content-Length"] == nil {
				less = append(less, "Content-Length")
			}
			if g, w := withoutHop(got, less...), withoutHop(want, less...); got.Status != want.Status || got.Body != want.Body || g != w {
				t.Errorf("%s %s by %s:\n%d %.300q\n%s\nuWSGI itself:\n%d %.300q\n%s", a.method, a.target, upstream, got.Status, got.Body, g, want.Status, want.Body, w)
			}
		}
		s.waitAccess(`"GET /a/b HTTP/1\.1" 200 .* app=- .* worker=- upstream=` + strings.ReplaceAll(upstream, "+", `\+`))
		if n := s.metrics("unix", s.controlSocket())[`standpipe_requests_total{app="",class="2xx",source="upstream"}`]; n < 20 {
			t.Errorf("%v are counted", n)
		}
	}
}

// Prefixes, hosts, the order of routes; what no route takes is the app's.
func TestRoutes(t *testing.T) {
	t.Parallel()
	_, tcp, own := uwsgiBoth(t)
	s := routed(t, fmt.Sprintf(`[[route]]
path = "/legacy/"
handler = "proxy"
upstreams = ["uwsgi://%[1]s"]
strip_prefix = true
[[route]]
path = "/kept"
handler = "proxy"
upstreams = ["uwsgi://%[1]s"]
[[route]]
hosts = ["node.example"]
handler = "proxy"
upstreams = ["http://%[2]s"]
`, tcp, own))
	path := func(target string, headers ...string) string {
		var m map[string]string
		if err := json.Unmarshal([]byte(s.want(200, target, headers...).Body), &m); err != nil {
			t.Fatalf("%s: %v", target, err)
		}
		return m["SCRIPT_NAME"] + "|" + m["PATH_INFO"] + "|" + m["QUERY_STRING"] + "|" + m["REQUEST_URI"]
	}
	for target, want := range map[string]string{
		"/legacy/a%2Fb?q=1": "/legacy|/a/b|q=1|/legacy/a%2Fb?q=1", "/legacy": "/legacy|||/legacy", "/legacy/": "/legacy|/||/legacy/",
		"/kept/x": "|/kept/x||/kept/x", "/kept": "|/kept||/kept",
	} {
		if got := path(target); got != want {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
	}
	if got := path("/any/where", "Host: Node.example:99"); got != "|/any/where||/any/where" {
		t.Errorf("by host: %q", got)
	}
	for _, target := range []string{"/", "/legacyx", "/keptx/kept"} {
		if r := s.want(200, target); r.Body != "of its own" {
			t.Errorf("%s: %q", target, r.Body)
		}
	}
	if r := s.want(200, "/livez", "Host: node.example"); r.Body != "ok\n" {
		t.Errorf("health: %q", r.Body)
	}
	var env map[string]string
	if err := json.Unmarshal([]byte(s.want(200, "/legacy/env", "X-Forwarded-For: 198.51.100.9", "X-Forwarded-Proto: https").Body), &env); err != nil {
		t.Fatal(err)
	}
	if env["REMOTE_ADDR"] != "198.51.100.9" || env["wsgi.url_scheme"] != "https" || env["HTTP_X_REQUEST_ID"] == "" || env["UWSGI_SCHEME"] == "" {
		t.Errorf("%v", env)
	}
}

// A route's upstreams change with a reload, and what is wrong changes nothing.
func TestRoutesReload(t *testing.T) {
	t.Parallel()
	a, b := answering(t, "a"), answering(t, "b")
	route := func(to string) string {
		return fmt.Sprintf("[[route]]\npath = \"/r\"\nhandler = \"proxy\"\nupstreams = [%q]\n", to)
	}
	s := routed(t, route(a))
	if r := s.want(200, "/r"); r.Body != "a" {
		t.Errorf("%q", r.Body)
	}
	app := "[[app]]\nname = \"own\"\nmodule = \"app:app\"\nworkers = 1\n"
	write(t, s.Cmd.Dir, map[string]string{"standpipe.toml": route(b) + app})
	s.must("reload")
	if r := s.want(200, "/r"); r.Body != "b" {
		t.Errorf("after the reload: %q", r.Body)
	}
	write(t, s.Cmd.Dir, map[string]string{"standpipe.toml": route("gopher://x") + app})
	if r := s.order("reload"); r.code == 0 || !r.names("standpipe.toml:4", "upstreams", "gopher://x") {
		t.Errorf("%d %s%s", r.code, r.out, r.errout)
	}
	if r := s.want(200, "/r"); r.Body != "b" {
		t.Errorf("after a reload that failed: %q", r.Body)
	}
	check := run(t, s.Cmd.Dir, nil, "check", "-c", "standpipe.toml")
	if check.code != 2 || !strings.Contains(check.errout, "standpipe.toml:4") {
		t.Errorf("check: %d %s", check.code, check.errout)
	}
}

// What goes wrong with an upstream: a page with the request's id, and one record that names upstream and cause.
func TestUpstreamFailures(t *testing.T) {
	t.Parallel()
	_, tcp, _ := uwsgiBoth(t)
	nobody := "127.0.0.1:" + freePort(t)
	silent := listenAnd(t, func() {})
	s := routed(t, fmt.Sprintf(`[[route]]
path = "/nobody"
handler = "proxy"
upstreams = ["uwsgi://%s"]
[[route]]
path = "/silent"
handler = "proxy"
upstreams = ["uwsgi://%s"]
read_timeout = "100ms"
[[route]]
handler = "proxy"
upstreams = ["uwsgi://%s"]
`, nobody, silent, tcp), "--max-head", "512KiB")
	for _, c := range []struct {
		target, header string
		status         int
		cause          string
	}{
		{"/nobody", "", 502, "connection refused"},
		{"/silent", "", 504, "i/o timeout"},
		{"/large", strings.Repeat("x", 6000), 502, "buffer-size"},
		{"/larger", strings.Repeat("x", 66000), 431, "65535"},
	} {
		r := s.want(c.status, c.target, "X-Large: "+c.header, "Accept: text/html")
		id := r.Header.Get("X-Request-Id")
		if id == "" || !strings.Contains(r.Body, id) {
			t.Errorf("%s: %v %q", c.target, r.Header, r.Body)
		}
		rec := s.waitLog(func(r record) bool { return r.event() == "upstream_failed" && r.str("id") == id }, c.target)
		if !rec.names(c.cause) || !strings.HasPrefix(rec.str("upstream"), "uwsgi://127.0.0.1:") || rec.str("status") != fmt.Sprint(c.status) {
			t.Errorf("%s: %v", c.target, rec)
		}
	}
	if n := len(s.events("upstream_failed")); n != 4 {
		t.Errorf("%d records", n)
	}
	// Fewer bytes than the app has declared: the client can tell.
	if r, err := s.try(s.request("GET", "/short", nil)); err == nil {
		t.Errorf("a short answer looks whole: %+v", r)
	}
	s.waitLog(func(r record) bool { return r.event() == "upstream_failed" && r.str("target") == "/short" }, "the cut answer")
	s.want(200, "/pid")
}

// One of two upstreams is killed under load: no client sees an error.
func TestKillOneOfTwoUpstreams(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"uwsgi", "http"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			var list []string
			var procs []*neighbour
			for range 2 {
				n, tcp, own := uwsgiBoth(t)
				procs = append(procs, n)
				list = append(list, fmt.Sprintf("%q", map[string]string{"uwsgi": "uwsgi://" + tcp, "http": "http://" + own}[scheme]))
			}
			s := routed(t, "[[route]]\nhandler = \"proxy\"\nupstreams = ["+strings.Join(list, ", ")+"]\n")
			var wg sync.WaitGroup
			var mu sync.Mutex
			answered := 0
			stop := make(chan struct{})
			for i := range 8 {
				wg.Go(func() {
					c := &http.Client{Timeout: patience}
					defer c.CloseIdleConnections()
					for n := 0; ; n++ {
						select {
						case <-stop:
							return
						default:
						}
						req, _ := http.NewRequest([]string{"GET", "GET", "HEAD", "PUT"}[(i+n)%4], s.URL+"/nothing", nil) // an answer in one piece: it comes as a whole or not at all
						resp, err := c.Do(req)
						if err != nil {
							t.Errorf("%s: %v", req.Method, err)
							return
						}
						_, err = io.Copy(io.Discard, resp.Body)
						resp.Body.Close()
						if err != nil || resp.StatusCode != 204 {
							t.Errorf("%s: %d %v", req.Method, resp.StatusCode, err)
						}
						mu.Lock()
						answered++
						mu.Unlock()
					}
				})
			}
			count := func() int { mu.Lock(); defer mu.Unlock(); return answered }
			eventually(t, "both have answered", func() bool { return count() > 200 })
			_ = syscall.Kill(-procs[0].Pid, syscall.SIGKILL)
			<-procs[0].done
			at := count()
			eventually(t, "it goes on", func() bool { return count() > at+400 || t.Failed() })
			close(stop)
			wg.Wait()
			s.waitEvent("upstream_retried")
		})
	}
}
