package uwsgi

import (
	"errors"
	"fmt"
	"net/http"

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

// OfRequest tells that other requests may well get a response (upstream.OfRequest).
func (*BufferSize) OfRequest() bool { return true }

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
	if req.ContentLength < 0 && upstream.HasBody(req) {
		return nil, errNoLength
	}
	packet, err := appendPacket(nil, requestVars(req))
	if err != nil {
		return nil, err
	}
	nc, err := t.to.DialCall(req.Context())
	if err != nil {
		return nil, err
	}
	x := &exchange{upstream.NewCall(nc, t.to.Timeouts, req), req, packet}
	if _, err := x.Write(packet); err != nil {
		x.End()
		return nil, x.why(err)
	}
	if upstream.HasBody(req) {
		x.SendBody(body, upstream.Framing{})
		body = nil
	}
	resp, err := x.response()
	if err != nil {
		x.End()
		return nil, x.why(err)
	}
	return resp, nil
}

// exchange is one request's connection.
type exchange struct {
	*upstream.Call
	req    *http.Request
	packet []byte
}

// why finds the cause of an error: also a buffer that is too small.
func (x *exchange) why(err error) error {
	if cause := x.Cause(err); cause != err {
		return cause
	}
	if size := len(x.packet) - headerSize; size > usualBuffer && !x.Got() && upstream.Closed(err) {
		return &BufferSize{size, err}
	}
	return err
}

// requestVars are the variables of a request: those of any CGI, and further ones of uWSGI.
func requestVars(req *http.Request) []wire.Var {
	in := cgi.InfoOf(req.Context())
	vars, scheme := cgi.Plain(cgi.AppendVars(make([]wire.Var, 0, 32), req, in))
	return append(vars, wire.Var{Name: "REQUEST_SCHEME", Value: scheme}, wire.Var{Name: "UWSGI_SCHEME", Value: scheme})
}
