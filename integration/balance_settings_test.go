package integration

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// alone serves routes without an app: no Python starts.
func alone(t testing.TB, toml string) *server {
	t.Helper()
	return start(t, opts{Dir: project(t, map[string]string{"standpipe.toml": toml}), Apps: -1})
}

// Ways to choose an upstream, and bounds of retries and ejections, each by its key of the configuration.
func TestBalanceSettings(t *testing.T) {
	t.Parallel()
	a, b, c := newLabeled(t, "a"), newLabeled(t, "b"), newLabeled(t, "c")
	bad, worse := newLabeled(t, "bad"), newLabeled(t, "worse")
	bad.status.Store(503)
	worse.status.Store(503)
	route := func(path, more string, list ...*labeled) string {
		return fmt.Sprintf("[[route]]\npath = %q\n%s\n%s\n", path, more, tables(list...))
	}
	toml := route("/least", `balance = "least_conn"`, a, b) +
		route("/uri", `balance = "hash:uri"`, a, b, c) +
		route("/cookie", `balance = "hash:cookie:sid"`, a, b, c) +
		route("/p2c", `balance = "p2c"`, a, b, c) +
		route("/retry", "balance = \"round_robin\"\nmax_fails = 0\nretry_on = [503]", bad, c) +
		route("/never", "balance = \"round_robin\"\nmax_fails = 0\nretry_on = [503]\nretry_budget = 0", bad, c) +
		route("/once", "balance = \"round_robin\"\nmax_fails = 0\nretry_on = [503]\ntries = 1", bad, c) +
		route("/half", "balance = \"round_robin\"\nmax_fails = 1\neject_time = \"1h\"\nretry_on = []", bad, worse) +
		route("/slow", "balance = \"round_robin\"\nslow_start = \"1h\"", a) +
		"[[route]]\nhosts = [\"*.old.example\"]\nredirect = \"https://new.example/{host}{path}?{query}\"\n[[route]]\nclients = [\"2001:db8::/32\"]\nrespond = 204\n"
	s := alone(t, toml)
	ask := func(path string, headers ...string) string {
		t.Helper()
		return s.want(200, path, headers...).Body
	}

	waiting := s.background("/least/gate")
	busy := a
	select {
	case <-a.at:
	case <-b.at:
		busy = b
	}
	for range 4 {
		if got, want := ask("/least/x"), map[*labeled]string{a: "b", b: "a"}[busy]; got != want {
			t.Errorf("least_conn: %q, while the other one is busy", got)
		}
	}
	close(busy.gate)
	waiting.wait(t)

	steady := func(what string, of func(i int) string) {
		t.Helper()
		seen, names := map[int]string{}, map[string]bool{}
		for i := range 40 {
			got := of(i % 20)
			if was := seen[i%20]; was != "" && was != got {
				t.Errorf("%s: %d goes to %s, then to %s", what, i%20, was, got)
			}
			seen[i%20], names[got] = got, true
		}
		if len(names) < 2 {
			t.Errorf("%s: all go to %v", what, names)
		}
	}
	steady("hash:uri", func(i int) string { return ask(fmt.Sprint("/uri/", i, "?q")) })
	steady("hash:cookie", func(i int) string { return ask("/cookie/x", fmt.Sprint("Cookie: a=b; sid=", i)) })
	names := map[string]int{}
	for range 60 {
		names[ask("/p2c/x")]++
	}
	if len(names) < 2 {
		t.Errorf("p2c: %v", names)
	}

	// served is how often a method gets 200 of 20 times, where every second upstream is bad.
	served := func(method, path string) (n int) {
		for range 20 {
			if s.do(s.request(method, path, strings.NewReader("x"))).Status == 200 {
				n++
			}
		}
		return n
	}
	for _, w := range []struct {
		method, path string
		want         int
	}{{"PUT", "/retry", 20}, {"POST", "/retry", 10}, {"PUT", "/never", 10}, {"PUT", "/once", 10}} {
		if got := served(w.method, w.path); got != w.want {
			t.Errorf("%s %s: %d of 20 are served, want %d", w.method, w.path, got, w.want)
		}
	}

	// All are bad: at most half is ejected, and the others are asked.
	for range 8 {
		if r := s.get("/half/x"); r.Status != 503 || r.Body != "bad" && r.Body != "worse" {
			t.Errorf("%d %q is of no upstream", r.Status, r.Body)
		}
	}
	states := map[string]int{}
	for key, u := range allUpstreams(s) {
		if strings.HasPrefix(key, "/half ") {
			states[u.State]++
		}
	}
	if states["ejected"] != 1 || states["available"] != 1 {
		t.Errorf("%v", states)
	}
	m := s.metrics("unix", s.controlSocket())
	ejected := 0.0
	for _, u := range []*labeled{bad, worse} {
		labels := fmt.Sprintf(`{route="/half",upstream=%q`, u.url)
		ejected += m["standpipe_upstream_ejections_total"+labels+"}"]
		if m["standpipe_upstream_requests_total"+labels+"}"] == 0 || m["standpipe_upstream_failures_total"+fmt.Sprintf(`{cause="status",route="/half",upstream=%q}`, u.url)] == 0 {
			t.Errorf("no numbers of %s", u.url)
		}
	}
	if ejected != 1 {
		t.Errorf("the metrics tell of %v ejections", ejected)
	}

	// One that comes by a reload begins with a tenth of its share.
	write(t, s.Cmd.Dir, map[string]string{"standpipe.toml": strings.Replace(toml, "slow_start = \"1h\"\n"+tables(a), "slow_start = \"1h\"\n"+tables(a, c), 1)})
	s.must("reload")
	names = map[string]int{}
	for range 44 {
		names[ask("/slow/x")]++
	}
	if names["c"] == 0 || names["c"] > 8 {
		t.Errorf("slow_start: %v", names)
	}

	if r := s.get("/x/y?z=1", "Host: shop.old.example"); r.Status != 302 || r.Header.Get("Location") != "https://new.example/shop.old.example/x/y?z=1" {
		t.Errorf("%d %v", r.Status, r.Header)
	}
	s.want(204, "/", from("2001:db8::7"))
	s.want(404, "/", from("2001:db9::7"))
}

// A check passes by the statuses and the text that the table names, asks for its path at its host, and counts in rows.
func TestHealthSettings(t *testing.T) {
	t.Parallel()
	var other atomic.Int64 // checks that ask for something else
	checked := func(status int, body string) (url string, is *atomic.Int64) {
		is = new(atomic.Int64)
		is.Store(int64(status))
		u := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/x" {
				return
			}
			if r.Method != "GET" || r.URL.Path != "/check" || r.URL.RawQuery != "deep=1" || r.Host != "health.example" {
				other.Add(1)
			}
			w.WriteHeader(int(is.Load()))
			io.WriteString(w, body)
		}))
		t.Cleanup(u.Close)
		return u.URL, is
	}
	good, _ := checked(404, "all is fine here")
	equal, _ := checked(599, "it is fine")
	late, turns := checked(200, "all is fine here")
	mute, _ := checked(404, "nothing")
	s := alone(t, fmt.Sprintf(`[[route]]
path = "/x"
upstreams = [%q, %q, %q, %q]
balance = "round_robin"
[route.health]
path = "/check?deep=1"
host = "health.example"
interval = "200ms"
timeout = "10s"
rise = 2
fall = 2
status = [404, "500-599"]
body = "is fine"
jitter = 10
`, good, equal, late, mute))
	state := func(url string) string { return allUpstreams(s)["/x "+url].State }
	eventually(t, "two of four are unhealthy", func() bool {
		return state(good) == "available" && state(late) == "unhealthy" && state(mute) == "unhealthy"
	})
	for url, passed := range map[string]float64{good: 1, equal: 1, mute: 0} {
		key := fmt.Sprintf(`standpipe_upstream_check_passed{route="/x",upstream=%q}`, url)
		eventually(t, fmt.Sprintf("%s is %v", key, passed), func() bool { // a first check may take longer than two of another upstream
			got, ok := s.metrics("unix", s.controlSocket())[key]
			return ok && got == passed
		})
	}
	for range 6 {
		s.want(200, "/x")
	}
	for _, url := range []string{good, equal} {
		if n := allUpstreams(s)["/x "+url].Requests; n != 3 {
			t.Errorf("%d of 6 requests at one of the two that pass", n)
		}
	}
	turns.Store(503) // which is among those that pass
	eventually(t, "one returns", func() bool { return state(late) == "available" })
	if n := other.Load(); n > 0 {
		t.Errorf("%d checks ask for something else", n)
	}
}

// A protocol that a route lists passes, and none that it does not: websocket neither.
func TestUpgradesThatARouteLists(t *testing.T) {
	t.Parallel()
	up := recording(t, func(head string, c net.Conn, _ *bufio.Reader) {
		_, protocol, asked := strings.Cut(head, "\r\nUpgrade: ")
		if !asked {
			answerUp(head, c, nil)
			return
		}
		protocol, _, _ = strings.Cut(protocol, "\r\n")
		fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\ntunnel\n", protocol)
	})
	s := alone(t, fmt.Sprintf("[[route]]\nupgrades = [\"chat\"]\nupstreams = [%q]\n", up.URL))
	for protocol, want := range map[string]int{"chat": 101, "CHAT": 101, "chat2": 200, "websocket": 200, "h2c": 200} {
		if got := statusIn(s.raw("GET / HTTP/1.1\r\nHost: h\r\nConnection: close, Upgrade\r\nUpgrade: " + protocol + "\r\n\r\n")); got != want {
			t.Errorf("%s: %d, want %d", protocol, got, want)
		}
	}
	if r := run(t, project(t, map[string]string{"standpipe.toml": "[[route]]\nupgrades = [\"h2c\"]\nupstreams = [\"http://127.0.0.1:1\"]\n"}), nil, "check"); r.code != 2 {
		t.Errorf("h2c can be listed: %d %s", r.code, r.out)
	}
}
