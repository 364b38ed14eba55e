package proxy

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/upstream"
)

// Which failures lead to another upstream, and which answer the client gets when there is none left.
func TestRetries(t *testing.T) {
	t.Parallel()
	status := func(code int) *upstream.Member {
		return serving(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(code); fmt.Fprint(w, code) })
	}
	all := RetryOn{Error: true, Timeout: true, Statuses: []int{500, 502, 503}}
	for name, c := range map[string]struct {
		o            Options
		method, want string
		retries      int
	}{
		"a status that is named":      {Options{Group: group(status(503), status(200)), RetryOn: all}, "GET", "200", 1},
		"one that is not":             {Options{Group: group(status(504), status(200)), RetryOn: all}, "GET", "504", 0},
		"of a request that runs once": {Options{Group: group(status(503), status(200)), RetryOn: all}, "POST", "503", 0},
		"the last answer counts":      {Options{Group: group(status(500), status(502)), RetryOn: all}, "GET", "502", 1},
		"no more than tries":          {Options{Group: group(status(500), status(502), status(503), status(200)), RetryOn: all, Tries: 3}, "GET", "503", 2},
		"a refused connection, POST":  {Options{Group: group(nobody(t), status(200)), RetryOn: all}, "POST", "200", 1},
		"errors that are not named":   {Options{Group: group(nobody(t), status(200)), RetryOn: RetryOn{Statuses: []int{500}}}, "GET", "502", 0},
		"a timeout that is named":     {Options{Group: group(hanging(t), status(200)), RetryOn: all}, "GET", "200", 1},
		"a timeout of a POST":         {Options{Group: group(hanging(t), status(200)), RetryOn: all}, "POST", "504", 0},
		"nothing is retried":          {Options{Group: upstream.NewGroup(upstream.Options{Members: []*upstream.Member{status(503), status(200)}, Policy: &upstream.RoundRobin{}}), RetryOn: all}, "GET", "503", 0},
	} {
		g := newRig(t, c.o)
		resp, body, err := g.do(c.method, "/", nil)
		if err != nil || fmt.Sprint(resp.StatusCode) != c.want || resp.StatusCode != 504 && body != c.want && resp.StatusCode != 502 {
			t.Errorf("%s: %v %v %q, want %s", name, resp, err, body, c.want)
		}
		if n := strings.Count(g.log.String(), "upstream_retried"); n != c.retries || c.retries > 0 && !strings.Contains(g.log.String(), "id=id1") {
			t.Errorf("%s: %d retries, want %d:\n%s", name, n, c.retries, g.log)
		}
	}
}

// hanging is an upstream that never answers.
func hanging(t *testing.T) *upstream.Member {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return within(ln.Addr().String(), 100*time.Millisecond)
}

// Where all upstreams have as many requests as they may have, a request waits for the end of another one.
func TestMaxConns(t *testing.T) {
	t.Parallel()
	gate, entered := make(chan struct{}), make(chan struct{}, 9)
	up := serving(t, func(w http.ResponseWriter, r *http.Request) { entered <- struct{}{}; <-gate })
	up.MaxConns = 1
	g := newRig(t, Options{Group: group(up), FullTimeout: time.Minute})
	first := make(chan int, 2)
	ask := func() {
		resp, _, err := g.do("GET", "/", nil)
		if err != nil {
			t.Error(err)
			first <- 0
			return
		}
		first <- resp.StatusCode
	}
	go ask()
	<-entered
	go ask()
	short := newRig(t, Options{Group: upstream.NewGroup(upstream.Options{Members: []*upstream.Member{up}}), FullTimeout: time.Millisecond})
	if resp, _, err := short.do("GET", "/", nil); err != nil || resp.StatusCode != 503 || resp.Header.Get("Retry-After") != "1" {
		t.Errorf("%v %v", resp, err)
	}
	if !strings.Contains(short.log.String(), "upstream_full") {
		t.Error(short.log)
	}
	close(gate)
	if a, b := <-first, <-first; a != 200 || b != 200 {
		t.Errorf("%d, %d", a, b)
	}
}

// The cookie of a client leads it back to its upstream; a forged one does not.
func TestSticky(t *testing.T) {
	t.Parallel()
	name := func(s string) *upstream.Member {
		return serving(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, s) })
	}
	members := []*upstream.Member{name("a"), name("b")}
	policy := &upstream.Sticky{Otherwise: &upstream.RoundRobin{}}
	g := newRig(t, Options{Group: upstream.NewGroup(upstream.Options{Members: members, Policy: policy}), Sticky: &upstream.Cookie{Name: "up", Path: "/", Key: []byte("k")}})
	resp, first, err := g.do("GET", "/", nil)
	if err != nil || len(resp.Cookies()) != 1 {
		t.Fatal(resp, err)
	}
	c := resp.Cookies()[0]
	if !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" {
		t.Errorf("%+v", c)
	}
	for range 3 {
		resp, body, err := g.do("GET", "/", nil, "Cookie: up="+c.Value)
		if err != nil || body != first || len(resp.Cookies()) != 0 {
			t.Errorf("%v %v %q", resp, err, body)
		}
	}
	other := &upstream.Cookie{Name: "up", Path: "/", Key: []byte("other")}
	forged, _, _ := strings.Cut(strings.TrimPrefix(other.Field(members[0].Tag(), false), "up="), ";")
	for range 2 {
		if resp, _, err := g.do("GET", "/", nil, "Cookie: up="+forged); err != nil || len(resp.Cookies()) != 1 {
			t.Errorf("a forged cookie counts: %v %v", resp, err)
		}
	}
}

// tooLarge refuses each request because of the request itself.
type tooLarge struct{ error }

func (tooLarge) OfRequest() bool                                   { return true }
func (e tooLarge) RoundTrip(*http.Request) (*http.Response, error) { return nil, e }

// What a client causes puts no upstream out of service, and is not tried again.
func TestFaultsOfRequests(t *testing.T) {
	t.Parallel()
	up := &upstream.Member{Upstream: upstream.NewUpstream("a", "uwsgi", "a", time.Now()), Transport: upstream.RoundTripper{RoundTripper: tooLarge{io.EOF}}}
	other := &upstream.Member{Upstream: upstream.NewUpstream("b", "uwsgi", "b", time.Now()), Transport: upstream.RoundTripper{RoundTripper: tooLarge{io.EOF}}}
	g := newRig(t, Options{Group: upstream.NewGroup(upstream.Options{Members: []*upstream.Member{up, other}, Limits: upstream.Limits{MaxFails: 1, EjectTime: time.Hour}, RetryBudget: 20})})
	for range 4 {
		if resp, _, err := g.do("GET", "/", nil); err != nil || resp.StatusCode != 502 {
			t.Errorf("%v %v", resp, err)
		}
	}
	if now := time.Now(); up.State(now) != upstream.Available || other.State(now) != upstream.Available || strings.Contains(g.log.String(), "upstream_retried") {
		t.Errorf("%v %v\n%s", up.State(now), other.State(now), g.log)
	}
}
