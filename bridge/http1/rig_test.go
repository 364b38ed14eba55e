package http1

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/bridgetest"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/listen"
)

// patience is how long a test waits for what has to come.
const patience = time.Minute

// rig is a Server behind a Group on a socket of its own.
type rig struct {
	t      testing.TB
	ln     net.Listener
	addr   net.Addr
	server *Server
	group  *listen.Group
	logs   bridgetest.Log
	served chan error
	over   bool // Serve has returned
}

// newRig serves h over TCP.
func newRig(t testing.TB, o Options, h http.HandlerFunc) *rig {
	t.Helper()
	return newRigOn(t, "tcp", o, listen.Options{}, h)
}

func newRigOn(t testing.TB, network string, o Options, of listen.Options, h http.HandlerFunc) *rig {
	t.Helper()
	g := heldRigOn(t, network, o, of, h)
	g.serve()
	return g
}

// heldRigOn is a rig whose connections wait for serve in the kernel's backlog.
func heldRigOn(t testing.TB, network string, o Options, of listen.Options, h http.HandlerFunc) *rig {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = "unix:" + filepath.Join(t.TempDir(), "s")
	}
	ln, err := listen.Listen(context.Background(), listen.Spec{Address: address})
	if err != nil {
		t.Fatal(err)
	}
	g := &rig{t: t, ln: ln, addr: ln.Addr(), served: make(chan error, 1)}
	if o.Log == nil {
		o.Log = hclog.New(&hclog.LoggerOptions{Output: &g.logs, JSONFormat: true})
	}
	g.server, g.group = New(h, o), listen.NewGroup(of)
	return g
}

func (g *rig) serve() {
	go func() { g.served <- g.group.Serve(g.ln, g.server) }()
	g.t.Cleanup(g.close)
}

// close ends the server and waits for all that it has started.
func (g *rig) close() {
	if g.over {
		return
	}
	g.over = true
	if err := g.group.Close(); err != nil {
		g.t.Error(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := g.server.Shutdown(ctx); err != nil {
		g.t.Error(err)
	}
	if err := <-g.served; err != nil {
		g.t.Error(err)
	}
}

// each runs a test over both kinds of sockets.
func each(t *testing.T, test func(t *testing.T, network string)) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) { test(t, network) })
	}
}

// peer is a client's side of a connection.
type peer struct {
	net.Conn
	t  testing.TB
	br *bufio.Reader
}

func (g *rig) dial() *peer {
	g.t.Helper()
	c, err := net.Dial(g.addr.Network(), g.addr.String())
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return &peer{c, g.t, bufio.NewReaderSize(c, 32<<10)}
}

// send writes bytes in one piece.
func (p *peer) send(bytes string) {
	p.t.Helper()
	if _, err := io.WriteString(p, bytes); err != nil {
		p.t.Fatal(err)
	}
}

// reply is one answer as it came.
type reply struct {
	head    string // with the empty line
	status  int
	fields  http.Header
	chunked bool
	length  int64
	close   bool // the answer says that the connection ends
	body    string
	err     error // of the body
}

// read reads one answer to a request with the method.
func (p *peer) read(method string) reply {
	p.t.Helper()
	a, err := p.try(method)
	if err != nil {
		p.t.Fatalf("no answer: %v", err)
	}
	return a
}

func (p *peer) try(method string) (a reply, err error) {
	for want := 1; ; {
		b, err := p.br.Peek(want)
		b = b[:len(b):len(b)]
		if more := p.br.Buffered(); err == nil && more > want {
			b, _ = p.br.Peek(more)
		}
		if before, _, ok := strings.Cut(string(b), "\r\n\r\n"); ok {
			a.head = before + "\r\n\r\n"
			break
		}
		if err != nil {
			return a, err
		}
		want = len(b) + 1
	}
	res, err := http.ReadResponse(p.br, &http.Request{Method: method})
	if err != nil {
		return a, err
	}
	body, err := io.ReadAll(res.Body)
	a.status, a.fields, a.body, a.err = res.StatusCode, res.Header, string(body), err
	a.chunked, a.length, a.close = len(res.TransferEncoding) > 0, res.ContentLength, slices.Contains(a.lines("Connection"), "close")
	return a, nil
}

// lines are the values of the field lines with the name, which is spelled as it is.
func (a *reply) lines(name string) (values []string) {
	for line := range strings.SplitSeq(a.head, "\r\n") {
		if v, ok := strings.CutPrefix(line, name+": "); ok {
			values = append(values, v)
		}
	}
	return values
}

// get sends a GET with HTTP/1.1 and reads its answer.
func (p *peer) get(target string, fields ...string) reply {
	p.t.Helper()
	p.send(requestOf("GET "+target+" HTTP/1.1", fields...))
	return p.read("GET")
}

// requestOf is a head with a Host field and further lines.
func requestOf(line string, fields ...string) string {
	return strings.Join(append([]string{line, "Host: h"}, fields...), "\r\n") + "\r\n\r\n"
}

// ends waits for the end of the connection: nothing more may come.
func (p *peer) ends() {
	p.t.Helper()
	if rest, err := p.rest(); rest != "" || err != nil && !errors.Is(err, syscall.ECONNRESET) {
		p.t.Errorf("%q came where the connection had to end: %v", rest, err)
	}
}

// rest is what comes until the server closes.
func (p *peer) rest() (string, error) {
	b, err := io.ReadAll(p.br)
	return string(b), err
}

// kept checks that the connection takes one more request.
func (p *peer) kept() {
	p.t.Helper()
	p.send(requestOf("GET /kept HTTP/1.1"))
	if a, err := p.try("GET"); err != nil {
		p.t.Errorf("the connection was not kept: %v", err)
	} else if a.status == 0 {
		p.t.Error("no status")
	}
}

func (p *peer) closeWrite() {
	p.t.Helper()
	if err := p.Conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		p.t.Fatal(err)
	}
}

// reset closes a TCP connection so that the server sees a reset.
func (p *peer) reset() {
	if c, ok := p.Conn.(*net.TCPConn); ok {
		_ = c.SetLinger(0)
	}
	p.Close()
}

// wait waits for c to be closed, or for a value.
func wait[T any](t testing.TB, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatal("waited in vain for " + what)
	}
	return v
}

// recOf is the Writer that a handler gets.
func recOf(w http.ResponseWriter) *httpx.Writer { return w.(*httpx.Writer) }

// flush sends what was written.
func flush(t testing.TB, w http.ResponseWriter) {
	if err := http.NewResponseController(w).Flush(); err != nil {
		t.Errorf("flush: %v", err)
	}
}

// gone counts how often it is told that the client has disconnected.
type gone struct {
	n  atomic.Int32
	ch chan bool
}

func newGone() *gone { return &gone{ch: make(chan bool, 10)} }

func (g *gone) ClientGone() {
	g.n.Add(1)
	g.ch <- true
}
