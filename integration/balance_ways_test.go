package integration

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// labeled is an upstream that answers its name and counts its connections. /gate waits for the gate.
type labeled struct {
	url    string
	conns  atomic.Int64
	status atomic.Int64 // what it answers; 0: 200
	gate   chan struct{}
	at     chan struct{} // one for each request that waits for the gate
}

func newLabeled(t testing.TB, name string) *labeled {
	t.Helper()
	return newLabeledAt(t, name, "127.0.0.1:0")
}

func newLabeledAt(t testing.TB, name, address string) *labeled {
	t.Helper()
	n := &labeled{gate: make(chan struct{}), at: make(chan struct{}, 99)}
	s := serverAt(t, address, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/gate") {
			n.at <- struct{}{}
			<-n.gate
		}
		if code := int(n.status.Load()); code != 0 {
			w.WriteHeader(code)
		}
		io.WriteString(w, name)
	}), func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			n.conns.Add(1)
		}
	})
	n.url = s.URL
	return n
}

// serverAt starts a server that ends with the test, or before. changed are told of its connections.
func serverAt(t testing.TB, address string, h http.Handler, changed ...func(net.Conn, http.ConnState)) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	if len(changed) > 0 {
		s.Config.ConnState = changed[0]
	}
	ln, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	s.Listener.Close()
	s.Listener = ln
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// tables are [[route.upstream]] of these.
func tables(list ...*labeled) string {
	var b strings.Builder
	for _, n := range list {
		fmt.Fprintf(&b, "[[route.upstream]]\naddress = %q\n", n.url)
	}
	return b.String()
}

// allUpstreams are those that the status lists, by route and address.
func allUpstreams(s *server) map[string]upstreamStatus {
	s.t.Helper()
	var st struct {
		Upstreams []struct {
			upstreamStatus
			Route, Address string
		}
	}
	if err := json.Unmarshal([]byte(s.must("status", "--json")), &st); err != nil {
		s.t.Fatal(err)
	}
	list := map[string]upstreamStatus{}
	for _, u := range st.Upstreams {
		list[u.Route+" "+u.Address] = u.upstreamStatus
	}
	return list
}

// Hashes, cookies, weights, backups and what is down, as the configuration says.
func TestBalanceWays(t *testing.T) {
	t.Parallel()
	a, b, c := newLabeled(t, "a"), newLabeled(t, "b"), newLabeled(t, "c")
	route := func(path, more string, list string) string {
		return fmt.Sprintf("[[route]]\npath = %q\nhandler = \"proxy\"\n%s\n%s\n", path, more, list)
	}
	full := newLabeled(t, "full")
	s := routed(t, route("/sticky", `balance = "sticky"`, tables(a, b, c))+
		route("/field", `balance = "hash:field:X-User"`, tables(a, b, c))+
		route("/ip", `balance = "ip_hash"`, tables(a, b, c))+
		route("/weights", `balance = "round_robin"`, tables(a)+"weight = 3\n"+tables(b)+tables(c)+"down = true\n")+
		route("/backup", "", "[[route.upstream]]\naddress = \"http://127.0.0.1:"+freePort(t)+"\"\n"+tables(b)+"backup = true\n")+
		route("/full", `connect_timeout = "5s"`, tables(full)+"max_conns = 1\n"))
	ask := func(path string, headers ...string) string {
		t.Helper()
		return s.want(200, path, headers...).Body
	}
	resp := s.want(200, "/sticky/x")
	cookie, _, _ := strings.Cut(resp.Header.Get("Set-Cookie"), ";")
	if !strings.HasPrefix(cookie, "standpipe_upstream=") {
		t.Fatalf("%v", resp.Header)
	}
	for range 5 {
		again := s.want(200, "/sticky/x", "Cookie: "+cookie)
		if again.Body != resp.Body || again.Header["Set-Cookie"] != nil {
			t.Errorf("%q, %q, %v", resp.Body, again.Body, again.Header)
		}
	}
	users, seen := map[string]string{}, map[string]bool{}
	for i := range 80 {
		user := fmt.Sprint("X-User: u", i%40) // of ten, all would go to one upstream once in 20,000 runs
		got := ask("/field/x", user)
		if was := users[user]; was != "" && was != got {
			t.Errorf("%s: %s, then %s", user, was, got)
		}
		users[user], seen[got] = got, true
	}
	if len(seen) < 2 {
		t.Errorf("forty users, one upstream: %v", users)
	}
	clients := map[string]bool{}
	for range 5 {
		clients[ask("/ip/x")] = true
	}
	if len(clients) != 1 {
		t.Errorf("one client, several upstreams: %v", clients)
	}
	var weights strings.Builder
	for range 8 {
		weights.WriteString(ask("/weights/x"))
	}
	if weights.String() != "aabaaaba" {
		t.Error(weights.String())
	}
	for range 3 {
		if got := ask("/backup/x"); got != "b" {
			t.Error(got)
		}
	}
	waiting := s.background("/full/gate")
	select {
	case <-full.at:
	case <-waiting.done:
		t.Fatalf("%+v %v", waiting.resp, waiting.err)
	}
	if busy := s.want(503, "/full/x"); busy.Header.Get("Retry-After") != "1" {
		t.Errorf("%v", busy.Header)
	}
	close(full.gate)
	if got := waiting.wait(t); got.Status != 200 {
		t.Errorf("%d", got.Status)
	}
	if r := s.waitEvent("upstream_full"); r.str("route") != "/full" || r.str("id") == "" {
		t.Errorf("%v", r)
	}
	if st := allUpstreams(s); st["/weights "+c.url].State != "down" || st["/weights "+a.url].Requests != 6 {
		t.Errorf("%+v", st)
	}
}

// A reload keeps counters, states and connections of upstreams that stay; one that goes finishes what it runs.
func TestUpstreamsOutliveReloads(t *testing.T) {
	t.Parallel()
	a, b, c := newLabeled(t, "a"), newLabeled(t, "b"), newLabeled(t, "c")
	config := func(more string, list ...*labeled) string {
		return "[[route]]\nhandler = \"proxy\"\nbalance = \"round_robin\"\nmax_fails = 2\neject_time = \"1h\"\nretry_on = [503]\n" + more + tables(list...) + "[[app]]\nname = \"own\"\nmodule = \"app:app\"\nworkers = 1\n"
	}
	dir := project(t, map[string]string{"app.py": hello("of its own"), "standpipe.toml": config("", a, b, c)})
	s := start(t, opts{Dir: dir, Args: []string{"-c", "standpipe.toml"}})
	b.status.Store(503)
	for range 12 {
		s.want(200, "/x")
	}
	before := allUpstreams(s)
	if st := before["/ "+b.url]; st.State != "ejected" || st.Failures != 2 || st.Retries != 2 || !strings.Contains(st.Reason, "503") {
		t.Errorf("%+v", st)
	}
	conns := a.conns.Load()
	running := s.background("/gate")
	from := a
	select {
	case <-a.at:
	case <-c.at:
		from = c
	}
	stays := map[*labeled]*labeled{a: c, c: a}[from]
	d := newLabeled(t, "d")
	write(t, dir, map[string]string{"standpipe.toml": config("slow_start = \"1ms\"\n", stays, b, d)}) // without the one that runs a request
	s.must("reload")
	after := allUpstreams(s)
	if len(after) != 3 || after["/ "+b.url].State != "ejected" || after["/ "+stays.url].Requests < before["/ "+stays.url].Requests || after["/ "+d.url].Requests != 0 {
		t.Errorf("before %+v, after %+v", before, after)
	}
	seen := map[string]int{}
	for range 10 {
		seen[s.want(200, "/x").Body]++
	}
	if len(seen) != 2 || seen["d"] != 5 {
		t.Errorf("%v", seen)
	}
	if n := stays.conns.Load(); n != conns && stays == a {
		t.Errorf("%d connections, %d before the reload", n, conns)
	}
	close(from.gate)
	if got := running.wait(t); got.Status != 200 {
		t.Errorf("the request at the upstream that is gone: %d", got.Status)
	}
}
