package fastcgi

import (
	"bufio"
	"io"
	"net/http"
	"strconv"
	"sync"

	"github.com/standpipe/standpipe/bridge/cgi"
)

// head reads the response's head (RFC 3875 6): fields, of which Status is the status and
// Location alone is a redirect with 302. A Location that is only a path is given to the client
// too; no server behind this one may choose another page for a request (6.2.2).
func (x *exchange) head() (*http.Response, error) {
	br := headBuffers.Get().(*bufio.Reader)
	br.Reset(&x.stream)
	resp := &http.Response{Request: x.req, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: make(http.Header, 8), ContentLength: -1}
	if err := cgi.NewHeadReader(br, true).Fields(resp); err != nil {
		return nil, err
	}
	if err := setStatus(resp); err != nil {
		return nil, err
	}
	if resp.Header["Transfer-Encoding"] != nil { // the framing would count as body
		return nil, cgi.Bad("it has a Transfer-Encoding, which FastCGI does not have")
	}
	b := &responseBody{Body: cgi.Body{From: br, Left: resp.ContentLength, Why: x.Cause}, x: x, br: br}
	rest, whole := x.stream.rest()
	if whole && x.t.Keep == 0 { // all of it is in our buffer, and a process of PHP-FPM waits for the connection's end
		x.End()
	}
	switch {
	case x.req.Method == http.MethodHead, resp.StatusCode == http.StatusNoContent, resp.StatusCode == http.StatusNotModified:
		if b.none = true; resp.StatusCode == http.StatusNoContent {
			delete(resp.Header, "Content-Length")
			resp.ContentLength = 0
		}
	case b.Left < 0 && whole: // a small response goes out at once, with its length
		b.Left = int64(br.Buffered() + rest)
		resp.ContentLength = b.Left
		resp.Header["Content-Length"] = []string{strconv.FormatInt(b.Left, 10)}
	}
	resp.Body = b
	return resp, nil
}

// headBuffers and connBuffers are the readers of heads, and of connections that are not kept.
var (
	headBuffers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 4<<10) }}
	connBuffers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 16<<10) }}
)

// setStatus takes the status from the fields.
func setStatus(resp *http.Response) error {
	switch status := resp.Header["Status"]; {
	case len(resp.Header) == 0:
		return cgi.Bad("its head has no field")
	case len(status) > 1:
		return cgi.Bad("it has two Status fields")
	case len(status) == 1:
		if err := cgi.ParseStatus(resp, status[0]); err != nil {
			return err
		}
		if resp.StatusCode < 200 {
			return cgi.Bad("the status %d is not one of a response", resp.StatusCode)
		}
		delete(resp.Header, "Status")
	case resp.Header["Location"] != nil:
		resp.StatusCode, resp.Status = http.StatusFound, "302 Found"
	default:
		resp.StatusCode, resp.Status = http.StatusOK, "200 OK"
	}
	return nil
}

// maxRest is how much of a response without content is read, so that its end is seen and its
// connection can be kept; bytes.
const maxRest = 64 << 10

// responseBody ends at the declared length, else where the request ends.
type responseBody struct {
	cgi.Body
	x    *exchange
	br   *bufio.Reader // of the stream, with what came beside the head
	none bool          // the response has no content

	settled, closed bool
}

func (b *responseBody) Read(p []byte) (int, error) {
	if b.none && b.Err == nil {
		b.br.Reset(&b.x.stream)
		_ = b.x.stream.finish(maxRest) // what fails ends the connection in Close
		b.Err = io.EOF
	}
	n, err := b.Body.Read(p)
	if err == io.EOF {
		b.settle() // the client may be slow, and the server needs its process
	}
	return n, err
}

// settle keeps the connection if all of the response has come, else ends it. It returns when no goroutine of the exchange runs
// any more.
func (b *responseBody) settle() {
	x := b.x
	if b.settled {
		return
	}
	b.settled = true
	if b.Left == 0 && !x.stream.ended && b.br.Buffered() == 0 { // the rest came with it, usually
		x.over = true
		_ = x.stream.finish(0) // else the connection is not kept
	}
	if x.stream.ended && x.stream.status != 0 {
		x.t.Log.Warn("fastcgi_status", "upstream", x.t.Name, "id", x.id(), "method", x.req.Method, "target", x.req.RequestURI, "exit", x.stream.status)
	}
	x.errors.end()
	if x.t.Keep > 0 && x.stream.drained() && x.Release() {
		x.t.pool.put(x.c)
		return
	}
	x.end(b.Left != 0 && !b.none)
	x.c.br.Reset(nil)
	connBuffers.Put(x.c.br)
}

// Close ends the exchange.
func (b *responseBody) Close() error {
	if b.closed {
		return nil
	}
	b.closed, b.Err = true, http.ErrBodyReadAfterClose
	b.settle()
	b.br.Reset(nil)
	headBuffers.Put(b.br)
	return nil
}

func (x *exchange) id() string { return cgi.InfoOf(x.req.Context()).ID }
