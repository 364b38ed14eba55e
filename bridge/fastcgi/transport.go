package fastcgi

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"os"
	"sync"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/cgi"
	"github.com/standpipe/standpipe/bridge/upstream"
	"github.com/standpipe/standpipe/shim/wire"
)

// Options are those of a Transport.
type Options struct {
	// Name is the upstream's, for logs.
	Name string
	// Keep is how many idle connections are kept; 0: each request has its own. A process of
	// PHP-FPM serves one connection at a time, so each that is kept occupies one.
	Keep int
	// Params are variables of every request; they replace others of the same name.
	Params []wire.Var
	// Log gets fastcgi_stderr, fastcgi_status and fastcgi_repeated; nil: no log.
	Log hclog.Logger
}

// Transport sends requests to one server that speaks FastCGI. It needs the length of a body.
// Values that a request does not have come from cgi.InfoOf, the script from WithScript.
type Transport struct {
	Options
	to    upstream.Dialer
	pool  pool
	limit quota // of fastcgi_stderr
}

// NewTransport is for the server that to reaches.
func NewTransport(to upstream.Dialer, o Options) *Transport {
	if o.Log == nil {
		o.Log = hclog.NewNullLogger()
	}
	if to.SendProxy { // a connection names one client
		o.Keep = 0
	}
	return &Transport{Options: o, to: to, pool: pool{max: o.Keep}}
}

// CloseIdleConnections closes the kept connections that no request uses.
func (t *Transport) CloseIdleConnections() { t.pool.close() }

var errNoLength = errors.New("a FastCGI request needs the length of its body")

// requestBuffers hold the records that begin a request, and its variables while these are made.
var requestBuffers = sync.Pool{New: func() any { return &requestBuffer{vars: make([]wire.Var, 0, 48)} }}

type requestBuffer struct {
	records []byte
	vars    []wire.Var
}

// The largest buffer that is kept; bytes, and variables.
const (
	maxPooled = 64 << 10
	maxVars   = 256
)

// RoundTrip sends a request and reads the head of the response. A request that may run twice
// (RFC 9110 9.2.2) is sent again, once and on a new connection, when the connection breaks
// before any byte of a response: a server that is reloaded, or a kept connection that it has
// closed, costs no such request. Others never use a kept connection. When there is no
// connection, the error is net's, with Op "dial".
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	body := req.Body
	defer func() {
		if body != nil { // it is not sent
			body.Close()
		}
	}()
	sends := upstream.HasBody(req)
	if sends && req.ContentLength < 0 {
		return nil, errNoLength
	}
	buf := requestBuffers.Get().(*requestBuffer)
	defer func() {
		if cap(buf.records) <= maxPooled {
			requestBuffers.Put(buf)
		}
	}()
	buf.fill(t, req)
	if !sends {
		buf.records = appendHeader(buf.records, typeStdin, 0)
	}
	again := repeatable(req)
	for fresh := !again; ; {
		x, kept, err := t.connect(req, fresh)
		if err != nil {
			return nil, err
		}
		var resp *http.Response
		sent := body
		if sends {
			body = nil // x closes it
		} else {
			sent = nil
		}
		if resp, err = x.run(buf.records, sent); err == nil {
			return resp, nil
		}
		got := x.Got()
		x.end(true)
		err = x.Cause(err)
		x.errors.end()
		if !again || got || req.Context().Err() != nil || upstream.TimedOut(err) || !upstream.Broken(err) {
			return nil, err
		}
		again, fresh = kept && again, true
		if !kept {
			t.Log.Info("fastcgi_repeated", "upstream", t.Name, "id", cgi.InfoOf(req.Context()).ID, "method", req.Method, "target", req.RequestURI, "error", err)
		}
		if sends {
			if body, err = req.GetBody(); err != nil {
				return nil, err
			}
		}
	}
}

// fill makes the records of a request without its STDIN.
func (b *requestBuffer) fill(t *Transport, req *http.Request) {
	vars := t.params(b.vars[:0], req)
	b.records = appendParams(appendBegin(b.records[:0], t.Keep > 0), vars)
	clear(vars[:cap(vars)])
	if cap(vars) <= maxVars {
		b.vars = vars
	}
}

// repeatable reports whether a request may run twice, and can be sent twice.
func repeatable(req *http.Request) bool {
	switch req.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return !upstream.HasBody(req) || req.GetBody != nil
	}
	return false
}

// connect begins an exchange. fresh: on a new connection.
func (t *Transport) connect(req *http.Request, fresh bool) (x *exchange, kept bool, err error) {
	var c *conn
	if !fresh {
		c = t.pool.take()
	}
	if kept = c != nil; !kept {
		nc, err := t.to.DialCall(req.Context())
		if err != nil {
			return nil, false, err
		}
		c = &conn{Conn: nc}
	}
	x = &exchange{Call: upstream.NewCall(c, t.to.Timeouts, req), c: c, t: t, req: req}
	x.errors = errorLog{x: x}
	if c.br == nil {
		c.br = connBuffers.Get().(*bufio.Reader)
	}
	c.br.Reset(x)
	x.stream = stream{br: c.br, errors: &x.errors}
	return x, kept, nil
}

// exchange is one request on its connection.
type exchange struct {
	*upstream.Call
	c      *conn
	t      *Transport
	req    *http.Request
	stream stream
	errors errorLog
	sent   bool // all but the body
	over   bool // no more is waited for
}

// Read is what the stream reads from.
func (x *exchange) Read(p []byte) (int, error) {
	if x.over {
		return 0, os.ErrDeadlineExceeded
	}
	return x.Call.Read(p)
}

// run sends the request and reads the head of the response.
func (x *exchange) run(request []byte, body io.ReadCloser) (*http.Response, error) {
	if _, err := x.Write(request); err != nil {
		if body != nil {
			body.Close()
		}
		return nil, err
	}
	x.sent = true
	if body != nil {
		x.SendBody(body, upstream.Framing{Size: headerSize, Fill: fillStdin, Tail: endOfStdin})
	}
	return x.head()
}

// end closes the connection. wanted: more of the response was to come. Such a request is aborted first if the connection could
// have been kept (FastCGI 1.0, 5.4): without FCGI_KEEP_CONN, the server waits for the end of the connection alone. The
// connection is not kept even if the server obeys, because one that goes on meanwhile would answer the next request.
func (x *exchange) end(wanted bool) {
	if wanted && x.sent && x.t.Keep > 0 && !x.stream.ended {
		x.Leave(abort)
	}
	x.End()
}

var abort = appendHeader(nil, typeAbort, 0)

func fillStdin(head []byte, n int) { putHeader(head, typeStdin, n) }

var endOfStdin = appendHeader(nil, typeStdin, 0)
