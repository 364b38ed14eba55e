package uwsgi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/standpipe/standpipe/bridge/cgi"
	"github.com/standpipe/standpipe/bridge/upstream"
	"github.com/standpipe/standpipe/shim/wire"
)

// Transport sends requests to one server that speaks uwsgi, each on its own connection. It
// needs the length of a body. Values that a request does not have come from cgi.InfoOf.
type Transport struct{ to upstream.Dialer }

// NewTransport is for the server that to reaches.
func NewTransport(to upstream.Dialer) *Transport { return &Transport{to} }

// BufferSize: the server has closed the connection after a large packet without an answer, as
// uWSGI does when the packet does not fit into its buffer.
type BufferSize struct {
	Size int // bytes of variables
	Err  error
}

func (e *BufferSize) Error() string {
	return fmt.Sprintf("the upstream closed the connection before any byte of a response: uWSGI's buffer-size (4096 by default) is probably too small for the %d bytes of this request's variables: %v", e.Size, e.Err)
}

func (e *BufferSize) Unwrap() error { return e.Err }

// usualBuffer is uWSGI's default buffer-size; bytes.
const usualBuffer = 4096

var errNoLength = errors.New("a uwsgi request needs the length of its body")

// RoundTrip sends a request and reads the head of the response. When there is no connection,
// the error is net's, with Op "dial".
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	body := req.Body
	if body != nil {
		defer func() {
			if body != nil { // it is not sent
				body.Close()
			}
		}()
	}
	if req.ContentLength < 0 && body != nil && body != http.NoBody {
		return nil, errNoLength
	}
	packet, err := appendPacket(nil, requestVars(req))
	if err != nil {
		return nil, err
	}
	nc, err := t.to.Dial(req.Context())
	if err != nil {
		return nil, err
	}
	x := &exchange{Conn: nc, t: t, req: req, packet: packet}
	x.unhook = context.AfterFunc(req.Context(), func() { nc.SetDeadline(time.Unix(1, 0)) }) // every wait ends
	if err := x.send(packet); err != nil {
		x.end()
		return nil, x.why(err)
	}
	if body != nil && body != http.NoBody && req.ContentLength > 0 {
		sent := body
		x.body = sent
		x.sending.Go(func() { // ends with the connection, and end waits for it
			x.sendBody(sent)
		})
		body = nil
	}
	resp, err := x.response()
	if err != nil {
		x.end()
		return nil, x.why(err)
	}
	return resp, nil
}

// exchange is one request's connection.
type exchange struct {
	net.Conn
	t       *Transport
	req     *http.Request
	packet  []byte
	unhook  func() bool
	sending sync.WaitGroup
	once    sync.Once

	body io.Closer // is being sent; nil: none

	mu      sync.Mutex
	bodyErr error // of the body's reading
	got     bool  // bytes of a response came
}

// end closes the connection.
func (x *exchange) end() {
	x.once.Do(func() {
		x.unhook()
		x.Conn.Close()
		if x.body != nil {
			x.body.Close() // which ends a read of it
		}
		x.sending.Wait()
	})
}

// why finds the cause of an error: the request's end, its own body, a buffer that is
// too small.
func (x *exchange) why(err error) error {
	if cause := context.Cause(x.req.Context()); cause != nil {
		return cause
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.bodyErr != nil {
		return x.bodyErr
	}
	if size := len(x.packet) - headerSize; !x.got && size > usualBuffer && upstream.Closed(err) {
		return &BufferSize{size, err}
	}
	return err
}

// deadline sets a deadline, unless the request is over.
func (x *exchange) deadline(set func(time.Time) error, limit time.Duration) error {
	if limit > 0 {
		if err := set(time.Now().Add(limit)); err != nil {
			return err
		}
	}
	if err := x.req.Context().Err(); err != nil {
		return err
	}
	return nil
}

func (x *exchange) send(p []byte) error {
	if err := x.deadline(x.SetWriteDeadline, x.t.to.Send); err != nil {
		return err
	}
	_, err := x.Conn.Write(p)
	return err
}

// sendBody sends exactly the declared bytes. When the other side does not take all of them, its
// response counts, not our error; when the body is shorter, the connection ends.
func (x *exchange) sendBody(body io.Reader) {
	buf := make([]byte, 32<<10)
	for left := x.req.ContentLength; left > 0; {
		n, err := body.Read(buf[:min(left, int64(len(buf)))])
		if n > 0 {
			left -= int64(n)
			if x.send(buf[:n]) != nil {
				return
			}
		}
		if err != nil && left > 0 {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			x.mu.Lock()
			x.bodyErr = err
			x.mu.Unlock()
			x.Conn.Close() // half a body must not look complete
			return
		}
	}
}

// Read reads from the other side, within the limit.
func (x *exchange) Read(p []byte) (int, error) {
	if err := x.deadline(x.SetReadDeadline, x.t.to.Read); err != nil {
		return 0, err
	}
	n, err := x.Conn.Read(p)
	if n > 0 {
		x.mu.Lock()
		x.got = true
		x.mu.Unlock()
	}
	return n, err
}

// requestVars are the variables of a request: those of any CGI, and further ones of uWSGI.
func requestVars(req *http.Request) []wire.Var {
	in := cgi.InfoOf(req.Context())
	list := cgi.AppendVars(make([]wire.Var, 0, 32), req, in)
	vars := list[:0]
	scheme := "http"
	for _, v := range list {
		switch {
		case v.Name == "wsgi.url_scheme":
			scheme = v.Value
			continue
		case strings.Contains(v.Name, "."), v.Name == "RAW_URI", v.Name == "REQUEST_SCHEME": // ours, or added below
			continue
		}
		vars = append(vars, v)
	}
	return append(vars, wire.Var{Name: "REQUEST_SCHEME", Value: scheme}, wire.Var{Name: "UWSGI_SCHEME", Value: scheme})
}
