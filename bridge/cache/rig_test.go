package cache

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/bridgetest"
	"github.com/standpipe/standpipe/bridge/chain"
	"github.com/standpipe/standpipe/bridge/http1"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/listen"
)

const patience = time.Minute

// rig is a Cache with one stage behind a real server.
type rig struct {
	t      testing.TB
	addr   string
	cache  *Cache
	client *http.Client
	logs   bridgetest.Log

	mu    sync.Mutex
	infos []httpx.RequestInfo // of the requests that have ended
	sent  int
	close func()
}

// newRig serves next behind the cache. Options that are zero get usual values.
func newRig(t testing.TB, o Options, so StageOptions, next http.HandlerFunc) *rig {
	t.Helper()
	g := &rig{t: t}
	if o.Memory == 0 {
		o.Memory = 64 << 20
	}
	if o.MaxObject == 0 {
		o.MaxObject = 32 << 20
	}
	if o.Wait == 0 {
		o.Wait = 30 * time.Second
	}
	if so.App == "" {
		so.App = "shop"
	}
	log := hclog.New(&hclog.LoggerOptions{Output: &g.logs, JSONFormat: true})
	o.Log = log
	g.cache = New(o)
	var h http.Handler = g.cache.Stage(so)(next)
	h = chain.Path()(h)
	h = chain.Panics(chain.PanicsOptions{Log: log})(h)
	h = chain.Done(func(rec *httpx.Writer, _ *http.Request, _ time.Time) {
		g.mu.Lock()
		g.infos = append(g.infos, rec.Info)
		g.mu.Unlock()
	})(h)
	ln, err := listen.Listen(context.Background(), listen.Spec{Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	g.addr = ln.Addr().String()
	server, group := http1.New(h, http1.Options{HeaderTimeout: patience, IdleTimeout: patience, Log: log}), listen.NewGroup(listen.Options{})
	served := make(chan error, 1)
	go func() { served <- group.Serve(ln, server) }()
	tr := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 100, DisableKeepAlives: strings.Contains(t.Name(), "Faults")} // a client repeats requests of connections that were used before
	g.client = &http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	var once sync.Once
	g.close = func() {
		once.Do(func() {
			tr.CloseIdleConnections()
			group.Close()
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			if err := server.Shutdown(ctx); err != nil {
				t.Error(err)
			}
			<-served
			g.cache.Close()
		})
	}
	t.Cleanup(g.close)
	return g
}

// reply is what a client got.
type reply struct {
	status int
	header http.Header
	body   string
	err    error // of reading the body
}

// cacheStatus is the member of ours.
func (r *reply) cacheStatus() string { return r.header.Get("Cache-Status") }

// do sends a request; fields are "Name: value".
func (g *rig) do(method, path string, fields ...string) *reply {
	g.t.Helper()
	req, err := http.NewRequest(method, "http://"+g.addr+path, nil)
	if err != nil {
		g.t.Fatal(err)
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		if name == "Host" {
			req.Host = value
			continue
		}
		req.Header.Add(name, value)
	}
	g.mu.Lock()
	g.sent++
	g.mu.Unlock()
	resp, err := g.client.Do(req)
	if err != nil {
		return &reply{err: err, header: http.Header{}}
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return &reply{resp.StatusCode, resp.Header, string(b), err}
}

func (g *rig) get(path string, fields ...string) *reply {
	g.t.Helper()
	return g.do(http.MethodGet, path, fields...)
}

// info is what the access log would have of the last request.
func (g *rig) info() (last httpx.RequestInfo) {
	g.t.Helper()
	bridgetest.Until(g.t, "the end of the requests", func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		if len(g.infos) > 0 {
			last = g.infos[len(g.infos)-1]
		}
		return len(g.infos) >= g.sent
	})
	return last
}

// raw sends bytes on a new connection and returns all that comes until it is closed.
func (g *rig) raw(request string) string {
	g.t.Helper()
	c, err := net.Dial("tcp", g.addr)
	if err != nil {
		g.t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, request); err != nil {
		g.t.Fatal(err)
	}
	b, _ := io.ReadAll(c)
	return string(b)
}

// counting is an app that counts its requests.
type counting struct {
	mu sync.Mutex
	n  int
}

func (c *counting) add() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	return c.n
}

func (c *counting) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}
