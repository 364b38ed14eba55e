package wsgi

import (
	"bufio"
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
	"github.com/standpipe/standpipe/bridge/http1"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/listen"
	"github.com/standpipe/standpipe/bridge/spool"
	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/shimtest"
	"github.com/standpipe/standpipe/shim/wire"
)

// pool is one fake worker behind the Pool interface.
type pool struct {
	conn    *shim.Conn
	dies    func(shim.Fate) // the first call says how the worker has ended
	peer    *shimtest.Peer
	refuse  error // of Admit and Acquire
	lose    int   // so many exchanges lose their worker before they are sent
	gate    chan struct{}
	mu      sync.Mutex
	labels  []shim.Label
	expired []string
	hello   chan struct{} // closed by the worker's Hello
	freed   chan shim.Outcome
	cancels chan uint32
	admits  int
}

func newPool(t testing.TB, handle func(*shimtest.Request, *shimtest.Peer)) *pool {
	ends, peer := shimtest.Pipe()
	p := &pool{peer: peer, hello: make(chan struct{}), freed: make(chan shim.Outcome, 100), cancels: make(chan uint32, 100)}
	p.conn = shim.NewConn("shop/1", ends, p)
	var once sync.Once
	p.dies = func(f shim.Fate) { once.Do(func() { p.conn.SetFate(f) }) }
	peer.Handle = handle
	peer.Cancelled = func(id uint32) { p.cancels <- id }
	var wg sync.WaitGroup
	wg.Go(func() { _ = peer.Run() })
	wg.Go(func() {
		_ = p.conn.Run()
		p.dies(shim.Fate{ByItself: true, Why: "it has ended"})
	})
	t.Cleanup(func() {
		p.conn.Close()
		peer.Close()
		wg.Wait()
	})
	return p
}

func (p *pool) Admit() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.admits++
	return p.refuse
}

func (p *pool) Acquire(ctx context.Context, l shim.Label) (*shim.Exchange, error) {
	p.mu.Lock()
	p.labels = append(p.labels, l)
	refuse, lose, gate := p.refuse, p.lose > 0, p.gate
	if lose {
		p.lose--
	}
	p.mu.Unlock()
	if refuse != nil {
		return nil, refuse
	}
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if lose {
		ends, peer := shimtest.Pipe()
		c := shim.NewConn("shop/0", ends, &pool{freed: make(chan shim.Outcome, 1)})
		x, err := c.Open(l)
		c.Close()
		peer.Close()
		return x, err
	}
	return p.conn.Open(l)
}

func (p *pool) Noise([]byte)                     {}
func (p *pool) Hello(*wire.Hello)                { close(p.hello) }
func (p *pool) Ready(*wire.Ready)                {}
func (p *pool) Failed(*wire.Failed)              {}
func (p *pool) Log(*shim.Label, *wire.LogRecord) {}
func (p *pool) Stacks(string)                    {}
func (p *pool) Freed(_ *shim.Exchange, o shim.Outcome) {
	if p.freed != nil {
		select {
		case p.freed <- o:
		default:
		}
	}
}

func (p *pool) Stuck(int) {}

func (p *pool) Debug(shim.Debugging, func(string, error)) func() { return func() {} }
func (p *pool) Purge(_ *wire.Purge, done func(int, error))       { done(0, nil) }

func (p *pool) Expired(_ *shim.Exchange, _ shim.Cause, why string) {
	p.mu.Lock()
	p.expired = append(p.expired, why)
	p.mu.Unlock()
}

// rig is a Handler behind a real server.
type rig struct {
	t    testing.TB
	pool *pool
	addr string
	logs *logs
	done chan seen // what the access log would see, per request
}

type seen struct {
	info   httpx.RequestInfo
	status int
	bytes  int64
	abort  bool
}

type logs struct{ bridgetest.Log }

func (l *logs) count(s string) int { return strings.Count(l.String(), `"@message":"`+s+`"`) }

func newRig(t testing.TB, handle func(*shimtest.Request, *shimtest.Peer), change func(*Options)) *rig {
	g := &rig{t: t, pool: newPool(t, handle), logs: new(logs), done: make(chan seen, 100)}
	o := Options{App: "shop", Pool: g.pool, Spool: &spool.Spool{Dir: t.TempDir()}, MaxBody: 1 << 20, BodyPace: httpx.Pace{Silence: time.Minute}, Timeout: 10 * time.Second,
		Log: hclog.New(&hclog.LoggerOptions{Output: g.logs, JSONFormat: true})}
	if change != nil {
		change(&o)
	}
	h := New(o)
	group := listen.NewGroup(listen.Options{})
	ln, err := listen.Listen(t.Context(), listen.Spec{Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() {
		served <- group.Serve(ln, http1.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rec := w.(*httpx.Writer)
			rec.Info.ID = "REQ1"
			rec.Defaults.Add("Server", "standpipe")
			rec.Defaults.Add("X-Request-Id", "REQ1")
			defer func() {
				p := recover()
				g.done <- seen{rec.Info, rec.Status(), rec.Bytes(), p != nil || rec.Aborted()}
				if p != nil {
					panic(p)
				}
			}()
			h.ServeHTTP(rec, r)
		}), http1.Options{}))
	}()
	t.Cleanup(func() {
		group.Close()
		<-served
	})
	g.addr = ln.Addr().String()
	return g
}

// answer is what came over the socket.
type answer struct {
	head   string
	status int
	header http.Header
	body   string
	err    error // of reading the body
}

func (g *rig) dial() net.Conn {
	c, err := net.Dial("tcp", g.addr)
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(2 * time.Minute))
	return c
}

// raw sends bytes and reads one answer to method.
func (g *rig) raw(method, request string) answer {
	g.t.Helper()
	c := g.dial()
	if _, err := io.WriteString(c, request); err != nil {
		g.t.Fatal(err)
	}
	return g.read(method, bufio.NewReader(c))
}

func (g *rig) read(method string, br *bufio.Reader) answer {
	g.t.Helper()
	var head string
	for want := 1; ; want++ { // heads are smaller than br's buffer
		p, err := br.Peek(max(want, br.Buffered()))
		if before, _, ok := strings.Cut(string(p), "\r\n\r\n"); ok {
			head = before + "\r\n\r\n"
			break
		}
		if err != nil {
			return answer{head: string(p), err: err}
		}
		want = len(p)
	}
	res, err := http.ReadResponse(br, &http.Request{Method: method})
	if err != nil {
		g.t.Fatalf("%q: %v", head, err)
	}
	body, err := io.ReadAll(res.Body)
	return answer{head, res.StatusCode, res.Header, string(body), err}
}

func (g *rig) get(path string) answer {
	g.t.Helper()
	return g.raw("GET", "GET "+path+" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
}

func (g *rig) seen() seen {
	g.t.Helper()
	select {
	case s := <-g.done:
		return s
	case <-time.After(2 * time.Minute):
		g.t.Fatal("the handler did not return")
		panic("")
	}
}

// until polls.
func (g *rig) until(what string, ok func() bool) {
	g.t.Helper()
	for end := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(time.Millisecond) { // between polls
		if time.Now().After(end) {
			g.t.Fatalf("waited for %s in vain; log:\n%s", what, g.logs)
		}
	}
}

// shortTimeout is a limit that tests wait for. It is longer than a busy machine stands still between two steps of a test that are
// to be within it; such tests run beside each other.
const shortTimeout = 2 * time.Second

// disconnect closes a connection with a TCP reset: a client that closes its side at once after its request may still
// wait for its answer.
func disconnect(c net.Conn) {
	_ = c.(*net.TCPConn).SetLinger(0)
	c.Close()
}
