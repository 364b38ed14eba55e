package proxy

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/bridgetest"
	"github.com/standpipe/standpipe/bridge/http1"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/listen"
	"github.com/standpipe/standpipe/bridge/upstream"
)

// rig is a Handler on a real socket, with what the chain would put around it.
type rig struct {
	t    *testing.T
	url  string
	log  *bridgetest.Log
	mu   sync.Mutex
	last httpx.RequestInfo
}

func newRig(t *testing.T, o Options) *rig {
	t.Helper()
	g := &rig{t: t, log: &bridgetest.Log{}}
	s := httptest.NewServer(g.around(o, func(w http.ResponseWriter) *httpx.Writer {
		rec := &httpx.Writer{}
		rec.Reset(w)
		return rec
	}))
	t.Cleanup(s.Close)
	g.url = s.URL
	return g
}

// newOwnRig is newRig with our own HTTP/1.1 server.
func newOwnRig(t *testing.T, o Options) *rig {
	t.Helper()
	g := &rig{t: t, log: &bridgetest.Log{}}
	s := http1.New(g.around(o, func(w http.ResponseWriter) *httpx.Writer { return w.(*httpx.Writer) }), http1.Options{})
	group := listen.NewGroup(listen.Options{})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g.url = "http://" + ln.Addr().String()
	done := make(chan error, 1)
	go func() { done <- group.Serve(ln, s) }()
	t.Cleanup(func() {
		_ = group.Close()
		<-done
	})
	return g
}

// around is the Handler with what the chain would put around it.
func (g *rig) around(o Options, writer func(http.ResponseWriter) *httpx.Writer) http.Handler {
	o.Log = hclog.New(&hclog.LoggerOptions{Output: g.log})
	if o.RetryOn.Statuses == nil {
		o.RetryOn.Error = true
	}
	h := New(o)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := writer(w)
		rec.Info = httpx.RequestInfo{OddNames: rec.Info.OddNames, ID: "id1", Start: time.Now(), Scheme: "https", Peer: netip.MustParseAddrPort("192.0.2.1:99"), RemoteAddr: "192.0.2.1"}
		rec.Defaults.Add("Server", "standpipe")
		rec.Defaults.Add("X-Request-Id", "id1")
		defer func() {
			p := recover()
			g.mu.Lock()
			g.last = rec.Info
			g.mu.Unlock()
			if p != nil {
				panic(p)
			} else if rec.Aborted() {
				panic(http.ErrAbortHandler)
			}
		}()
		h.ServeHTTP(rec, r)
	})
}

func (g *rig) info() httpx.RequestInfo {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.last
}

func (g *rig) do(method, path string, body io.Reader, headers ...string) (*http.Response, string, error) {
	g.t.Helper()
	req, err := http.NewRequest(method, g.url+path, body)
	if err != nil {
		g.t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Add(name, value)
	}
	resp, err := (&http.Transport{DisableKeepAlives: true, DisableCompression: true}).RoundTrip(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp, string(b), err
}

// serving is an HTTP upstream; its address is its name.
func serving(t *testing.T, h http.HandlerFunc) *upstream.Member {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return at(s.Listener.Addr().String())
}

func at(address string) *upstream.Member { return within(address, time.Minute) }

func within(address string, read time.Duration) *upstream.Member {
	limits := upstream.Timeouts{Connect: time.Minute, Send: time.Minute, Read: read}
	return &upstream.Member{Upstream: upstream.NewUpstream("http://"+address, "http", address, time.Now()), Transport: upstream.NewHTTP(upstream.Dialer{Network: "tcp", Address: address, Timeouts: limits}, upstream.HTTPOptions{Keep: 64, IdleTime: 30 * time.Second})}
}

// group are upstreams that are asked round-robin.
func group(members ...*upstream.Member) *upstream.Group {
	return upstream.NewGroup(upstream.Options{Members: members, Policy: &upstream.RoundRobin{}, RetryBudget: 20})
}

// nobody is an address at which connections are refused.
func nobody(t *testing.T) *upstream.Member {
	t.Helper()
	return at(bridgetest.Refusing(t))
}
