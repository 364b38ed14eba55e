package wsgi

import (
	"net/http"

	"github.com/standpipe/standpipe/bridge/body"
	"github.com/standpipe/standpipe/bridge/cgi"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
)

// request is what a client asks for: its body, its variables and its label. It knows no
// worker and no response.
type request struct {
	r      *http.Request
	info   *httpx.RequestInfo
	body   body.Body
	stream bool // the body goes to the worker while it comes
	ran    bool // a worker died while it ran the request
	vars   []wire.Var
	conn   httpx.Connection // nil: the request's context alone tells that the client disconnects
}

// begin prepares q for r.
func (q *request) begin(o *Options, w *httpx.Writer, r *http.Request) {
	q.r, q.info, q.conn = r, &w.Info, w.Conn
	q.body.Begin(w, r, body.Options{Max: o.MaxBody, Pace: o.BodyPace, Spool: o.Spool})
}

// variables fills vars. It returns the names of the fields that do not reach the app.
func (q *request) variables(o *Options) (dropped []string) {
	n := q.info
	in := cgi.Info{ID: n.ID, Scheme: n.Scheme, ScriptName: o.Mount, Prefix: n.Prefix, RemoteAddr: n.RemoteAddr, RemotePort: n.RemotePort,
		ServerName: n.ServerName, ServerPort: n.ServerPort, Allowed: o.Underscores}
	if b := q.body.Buffered(); b != nil {
		in.BodySize = b.Size()
	} else if q.stream {
		in.BodySize = -1
	}
	in.Relay(n.ScriptName, n.Named, n.Extra)
	q.vars = cgi.AppendVars(q.vars[:0], q.r, &in)
	if q.stream && o.Timeout > 0 { // the worker knows Timeout from its boot; while the body comes it is not known when it is over
		q.vars = append(q.vars, wire.Var{Name: "standpipe.timeout_ms", Value: "0"})
	}
	return in.Dropped
}

// runAgain notes that the next attempt is the request's second run.
func (q *request) runAgain() {
	q.ran = true
	q.info.Retries++
	q.vars = append(q.vars, wire.Var{Name: "standpipe.attempt", Value: "2"})
}

// label names the request for the pool and the logs.
func (q *request) label(o *Options, try int) shim.Label {
	return shim.Label{ID: q.info.ID, Method: q.r.Method, Target: q.r.RequestURI, Client: q.info.RemoteAddr, Start: q.info.Start, Attempt: try, Again: q.again(o)}
}

// again is the Label's word on a second run: a request that has started is run once
// more at most, only with a method that is safe (RFC 9110 9.2.1), and only when its
// worker's death was not its own doing, which shim.Fate knows.
func (q *request) again(o *Options) string {
	switch {
	case q.r.Method != http.MethodGet && q.r.Method != http.MethodHead && q.r.Method != http.MethodOptions:
		return "" // "POST had started"
	case o.NoRetry:
		return "retry is never"
	case q.stream:
		return "its body was not kept (request_buffering = off)"
	case q.ran:
		return "it had been run twice"
	}
	return "yes"
}

// free gives back what was buffered.
func (q *request) free() {
	q.body.Free()
	clear(q.vars)
	*q = request{vars: q.vars[:0]}
}
