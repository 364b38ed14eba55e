package nethttp

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/accesslog"
	"github.com/standpipe/standpipe/bridge/chain"
	"github.com/standpipe/standpipe/bridge/httpx"
)

// TestSmuggling sends each message with a canary behind it in the same segment.
// The canary may run only where the message's end is beyond doubt.
func TestSmuggling(t *testing.T) {
	var mu sync.Mutex
	var ran []string
	f := newFront(t, func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		mu.Lock()
		ran = append(ran, r.URL.Path)
		mu.Unlock()
		if err != nil {
			w.Header().Set("Connection", "close")
			w.WriteHeader(400)
		}
	}, nil)
	const canary = "GET /canary HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
	for _, c := range []struct {
		name, message string
		status        string // of the first answer
		canary        bool   // may run
	}{
		{"plain", "GET /a HTTP/1.1\r\nHost: h\r\n\r\n", "200", true},
		{"length", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", "200", true},
		{"CL and TE", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 60\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "200", false},
		{"TE and CL", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", "200", false},
		{"chunked", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", "200", false},
		{"1.0 keep-alive and TE", "POST /a HTTP/1.0\r\nConnection: keep-alive\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", "200", false},
		{"1.0 keep-alive", "GET /a HTTP/1.0\r\nConnection: keep-alive\r\nHost: h\r\n\r\n", "200", false},
		{"two different lengths", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc", "400", false},
		{"length list", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1, 1\r\n\r\na", "400", false},
		{"length with sign", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\na", "400", false},
		{"length 0x", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0x1\r\n\r\na", "400", false},
		{"length empty", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: \r\n\r\n", "400", false},
		{"TE xchunked", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "501", false},
		{"TE gzip, chunked", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "501", false},
		{"two TE", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "501", false},
		{"TE with VT", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", "400", false},
		{"NUL in a value", "GET /a HTTP/1.1\r\nHost: h\r\nX: a\x00b\r\n\r\n", "400", false},
		{"CR in a value", "GET /a HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n", "400", false},
		{"space before the colon", "GET /a HTTP/1.1\r\nHost: h\r\nX : a\r\n\r\n", "400", false},
		{"TE, space before the colon", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", "400", false},
		{"no Host", "GET /a HTTP/1.1\r\n\r\n", "400", false},
		{"two Hosts", "GET /a HTTP/1.1\r\nHost: h\r\nHost: g\r\n\r\n", "400", false},
		{"bad escape", "GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n", "400", false},
		{"chunk size with sign", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n+1\r\na\r\n0\r\n\r\n", "400", false},
		{"chunk size 0x", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n", "400", false},
		{"chunk without its end", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n", "400", false},
		{"chunk size overflow", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\na\r\n0\r\n\r\n", "400", false},
		{"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505", false},
		{"HTTP/1.2", "GET /a HTTP/1.2\r\nHost: h\r\n\r\n", "505", false},
		{"HTTP/3.0", "GET /a HTTP/3.0\r\nHost: h\r\n\r\n", "505", false},
		{"CONNECT", "CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n", "405", false},
		{"target *", "GET * HTTP/1.1\r\nHost: h\r\n\r\n", "400", false},
		{"target without scheme", "GET foo:bar HTTP/1.1\r\nHost: h\r\n\r\n", "400", false},
		{"other scheme", "GET ftp://h/a HTTP/1.1\r\nHost: h\r\n\r\n", "400", false},
		{"long target", "GET /" + strings.Repeat("a", 1000) + " HTTP/1.1\r\nHost: h\r\n\r\n", "414", false},
		{"large head", "GET /a HTTP/1.1\r\nHost: h\r\nX: " + strings.Repeat("a", 80<<10) + "\r\n\r\n", "431", false},
		{"large body", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2000000\r\n\r\n", "413", false},
		{"OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "200", true},
	} {
		mu.Lock()
		ran = nil
		mu.Unlock()
		answer := f.raw(c.message + canary)
		if !strings.HasPrefix(answer, "HTTP/1.1 "+c.status+" ") && !strings.HasPrefix(answer, "HTTP/1.0 "+c.status+" ") {
			t.Errorf("%s: %.200s", c.name, answer)
		}
		mu.Lock()
		got := strings.Contains(strings.Join(ran, " "), "/canary")
		mu.Unlock()
		if got != c.canary {
			t.Errorf("%s: the canary ran: %v\n%s", c.name, got, answer)
		}
		if n := strings.Count(answer, "HTTP/1."); n != 1 && !c.canary {
			t.Errorf("%s: %d answers\n%s", c.name, n, answer)
		}
	}
}

type readiness map[string]bool

func (m readiness) Ready(app string) (bool, bool) {
	if app == "" {
		for _, ok := range m {
			if !ok {
				return false, true
			}
		}
		return true, true
	}
	ok, known := m[app]
	return ok, known
}

func TestHealth(t *testing.T) {
	f := newFront(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(299) }, func(s *settings) { s.health = readiness{"shop": true, "blog": false} })
	for _, c := range []struct {
		request string
		status  int
	}{
		{"GET /livez", 200}, {"HEAD /livez", 200}, {"GET /readyz", 503}, {"HEAD /readyz", 503}, {"GET /readyz/shop", 200}, {"GET /readyz/blog", 503},
		{"GET /readyz/none", 299}, {"POST /livez", 299}, {"GET /livez/", 299}, {"GET /livezz", 299}, {"GET /readyz/", 299}, {"GET /x/livez", 299},
	} {
		a := f.raw(c.request + " HTTP/1.1\r\nHost: any\r\nConnection: close\r\n\r\n")
		if !strings.HasPrefix(a, fmt.Sprintf("HTTP/1.1 %d ", c.status)) {
			t.Errorf("%s: %s", c.request, a)
		}
	}
	if lines := f.accessLines(6); len(lines) != 6 {
		t.Errorf("health checks are in the access log: %q", lines)
	}
}

type noApps struct{}

func (noApps) Ready(string) (ready, known bool) { return true, false }

func TestOneLinePerRequest(t *testing.T) {
	observed := make(chan string, 20)
	f := newFront(t, func(w http.ResponseWriter, r *http.Request) {
		n := httpx.Of(w)
		n.App, n.Worker = "shop", "shop/1"
		switch r.URL.Path {
		case "/ok":
			_, _ = io.WriteString(w, "hello")
		case "/gone":
			n.Status = 499
			httpx.Abort(w)
		case "/abort":
			_, _ = io.WriteString(w, "he")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		case "/panic":
			w.Header().Set("Set-Cookie", "secret")
			panic("boom")
		case "/panicafter":
			w.WriteHeader(200)
			_, _ = io.WriteString(w, "he")
			panic("boom")
		case "/silent":
		}
	}, func(s *settings) {
		s.health = noApps{}
		s.observe = func(w *httpx.Writer, _ *http.Request, now time.Time) {
			observed <- fmt.Sprintf("%d %s", httpx.LoggedStatus(w), w.Info.App)
			if took := now.Sub(w.Info.Start); took <= 0 || w.Info.ID == "" {
				t.Errorf("it took %v: %+v", took, w.Info)
			}
		}
	})
	for i, c := range []struct{ request, want string }{
		{"GET /ok", `"GET /ok HTTP/1.1" 200 5 "-" "-" app=shop rt=`},
		{"GET /gone", `"GET /gone HTTP/1.1" 499 0 `},
		{"GET /abort", `"GET /abort HTTP/1.1" 200 2 `},
		{"GET /panic", `"GET /panic HTTP/1.1" 500 `},
		{"GET /panicafter", `"GET /panicafter HTTP/1.1" 200 2 `},
		{"GET /silent", `"GET /silent HTTP/1.1" 200 0 `},
		{"GET /" + strings.Repeat("a", 1000), `" 414 `},
		{"OPTIONS *", `"OPTIONS * HTTP/1.1" 200 0 `},
	} {
		a := f.raw(c.request + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\nX-Request-Id: my-id.1\r\n\r\n")
		lines := f.accessLines(i + 1)
		line := lines[len(lines)-1]
		if len(lines) != i+1 || !strings.Contains(line, c.want) || !strings.HasPrefix(line, "127.0.0.1 - - [") || !strings.Contains(line, " id=my-id.1 worker=") {
			t.Errorf("%s: %d lines, the last is %s", c.request, len(lines), line)
		}
		if aborted := strings.HasSuffix(line, " aborted=1"); aborted != (c.request == "GET /abort" || c.request == "GET /panicafter") {
			t.Errorf("%s: %s", c.request, line)
		}
		if strings.Contains(a, "HTTP/1.1") && !strings.Contains(a, "X-Request-Id: my-id.1") || strings.Contains(a, "secret") || strings.Contains(a, "boom") {
			t.Errorf("%s: %s", c.request, a)
		}
	}
	// The observer has heard of the same, and of what net/http has refused by itself.
	f.raw("GET /livez HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	chain.Refused("127.0.0.1:9", 400, f.observers)
	f.accessLines(9)
	var heard []string
	for range 9 {
		heard = append(heard, <-observed)
	}
	if got := strings.Join(heard, ","); got != "200 shop,499 shop,200 shop,500 shop,200 shop,200 shop,414 ,200 ,400 " || len(observed) > 0 {
		t.Errorf("heard: %s and %d more", got, len(observed))
	}
	if s := f.logs.String(); strings.Count(s, `"@message":"panic"`) != 2 || !strings.Contains(s, "boom") || !strings.Contains(s, "front_test.go") {
		t.Errorf("%s", s)
	}
}

func TestRequestIDs(t *testing.T) {
	var got []string
	inner := func(w http.ResponseWriter, r *http.Request) {
		got = []string{httpx.Of(w).ID, r.Header.Get("X-Request-Id")}
	}
	trusted := newFront(t, inner, nil)
	strange := newFront(t, inner, func(s *settings) { s.trust = nil })
	for _, c := range []struct {
		f      *front
		fields string
		want   string // empty: a made one
	}{
		{trusted, "X-Request-Id: abc-1\r\n", "abc-1"},
		{trusted, "X-Request-Id: a b\r\n", ""},
		{trusted, "X-Request-Id: " + strings.Repeat("x", 129) + "\r\n", ""},
		{trusted, "X-Request-Id: a\r\nX-Request-Id: b\r\n", ""},
		{trusted, "", ""},
		{strange, "X-Request-Id: abc-1\r\n", ""},
	} {
		a := c.f.raw("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n" + c.fields + "\r\n")
		if c.want == "" && len(got[0]) != 26 || c.want != "" && got[0] != c.want || got[1] != got[0] || !strings.Contains(a, "X-Request-Id: "+got[0]+"\r\n") {
			t.Errorf("%q: %q\n%s", c.fields, got, a)
		}
	}
}

func TestAccessLogJSONThroughTheWire(t *testing.T) {
	f := newFront(t, func(w http.ResponseWriter, r *http.Request) {}, func(s *settings) { s.format = accesslog.JSON })
	f.raw("GET /a\"b\\%0a\xe9?\xff HTTP/1.1\r\nHost: h\r\nConnection: close\r\nUser-Agent: \"x\\\xe9\u202e\t\r\nReferer: </script>\r\n\r\n")
	line := f.accessLines(1)[0]
	var m map[string]any
	if err := json.Unmarshal([]byte(line), &m); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	if m["target"] != `/a"b\%0a\xe9?\xff` || m["status"] != 200.0 || m["user_agent"] != "\"x\\\\xe9\u202e" || m["method"] != "GET" {
		t.Errorf("%s", line)
	}
}

func TestMaxConnectionsPausesAccepting(t *testing.T) {
	f := newFront(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "hello") }, func(s *settings) { s.group.MaxConnections = 2 })
	var open []net.Conn
	for range 2 {
		c, err := net.Dial("tcp", f.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		open = append(open, c)
	}
	until(t, "two connections", func() bool { return f.group.Connections() == 2 })
	until(t, "the warning", func() bool { return strings.Contains(f.logs.String(), "accept_paused") })
	done := make(chan string)
	go func() { done <- f.raw("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n") }()
	if f.group.Connections() != 2 {
		t.Error("a third connection was accepted")
	}
	open[0].Close()
	if a := <-done; !strings.HasSuffix(a, "hello") {
		t.Errorf("%s", a)
	}
	until(t, "one connection", func() bool { return f.group.Connections() == 1 })
	if n := strings.Count(f.logs.String(), "accept_paused"); n != 1 {
		t.Errorf("said %d times", n)
	}
}
