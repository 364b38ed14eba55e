package httpx

import (
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/trace"
	"github.com/standpipe/standpipe/shim/wire"
)

// RequestInfo is what the server knows of one request. The way in and the stages fill the
// first part before the handler runs; the handler fills the second; the access log reads all
// of it. It is valid until the handler has returned.
type RequestInfo struct {
	// ID is the request's id, 1..128 characters of [A-Za-z0-9._-].
	ID string
	// Start is when the head of the request was read.
	Start time.Time
	// Scheme is "http" or "https", as the client used it.
	Scheme string
	// Peer is the other end of the socket; invalid for a unix socket.
	Peer netip.AddrPort
	// Trusted: Peer is one of the trusted proxies.
	Trusted bool
	// RemoteAddr and RemotePort name the client: Peer, or the client that a trusted
	// proxy names. Empty: unknown (a unix socket; the port behind a proxy).
	RemoteAddr, RemotePort string
	// ServerName and ServerPort are the listener's, or a trusted proxy's.
	// The environ gets them when there is no Host field.
	ServerName, ServerPort string
	// Prefix is the path that a trusted proxy has removed from the front of the target
	// (X-Forwarded-Prefix, where that is trusted); without a slash at its end.
	Prefix string
	// ScriptName, ServerName when Named, and Extra come from a trusted server in front
	// that speaks uwsgi: the app's mount, which the path contains; the server's name,
	// which counts even where there is a Host field; variables for the environ, which
	// a connection with TLS has too.
	ScriptName string
	Named      bool
	Extra      []wire.Var
	// Unseen: the server in front cannot tell when the response is cut off.
	Unseen bool
	// Relayed: the request came from a server in front by another protocol than
	// HTTP, which has checked its form.
	Relayed bool
	// Ambiguous: servers read the path in different ways (CleanPath).
	Ambiguous bool
	// OddNames are the names of fields that the client has not written in net/http's form, as it has.
	OddNames []string
	// FieldCount counts the request's fields, each value of a repeated name; 0: they are
	// not counted yet.
	FieldCount int

	// App and Worker are the app and the worker that answered: "shop", "shop/3".
	App, Worker string
	// Source says where the response was made: "app", "server", "static", "upstream", "cache".
	Source string
	// Cache is what the HTTP cache had for the request: "hit", "miss", "stale", "revalidated",
	// "collapsed" (another request fetched it), "pass" (it is not stored). Empty: it was not asked.
	Cache string
	// Upstream is the upstream that was asked last. Empty: none.
	Upstream string
	// Asked is when the worker or the upstream that answers got the request; zero: none has.
	Asked time.Time
	// Wait is the time in the queue, Run the time from sending the request to a worker
	// to the end of its response.
	Wait, Run time.Duration
	// Receive is the time from Start until the body was read; 0: there is none. Received
	// is its size in bytes.
	Receive  time.Duration
	Received int64
	// BodyRead: the request body, if there is one, was read to its end. BodyWanted: the handler
	// goes on to read it while and after it answers.
	BodyRead, BodyWanted bool
	// Retries is how often the request was run again after its worker died, Recalls how
	// often it went to another worker because the first one had not begun with it.
	Retries, Recalls int
	// Status is logged when no head was sent: 499 when the client disconnected.
	Status int
	// Aborted: bytes of the response are missing, and the client can tell.
	Aborted bool
	// User is whose password the server has checked; empty: it has checked none. Identified: fields
	// of the request tell the app who the client is, as forward_auth has found out.
	User       string
	Identified bool
	// Err is why the response is not the one that the app intended; for logs.
	Err error
	// Refused is why the server itself has refused the request, in a word or two; empty: it has not, or Err says it.
	Refused string
	// Silent: no access log line (health checks).
	Silent bool
	// Trace is what is recorded for the traces; nil: nothing is.
	Trace *trace.Request
}

// Met fills in what the way in knows when it has read the head.
func (n *RequestInfo) Met(start time.Time, e *Ends) {
	n.Start = start
	n.Peer, n.RemoteAddr, n.RemotePort, n.ServerName, n.ServerPort = e.Peer, e.RemoteAddr, e.RemotePort, e.ServerName, e.ServerPort
	n.Extra = e.Extra
	n.Scheme = "http"
	if e.TLS {
		n.Scheme = "https"
	}
}

// Traced names the trace in a log record; nil: the request is not recorded.
func (n *RequestInfo) Traced() []any {
	if n.Trace == nil {
		return nil
	}
	return []any{"trace_id", n.Trace.Trace.String()}
}

// Spelling is a name in net/http's form as the client has written it, else in its usual spelling.
func (n *RequestInfo) Spelling(name string) string {
	for _, odd := range n.OddNames {
		if len(odd) == len(name) && strings.EqualFold(odd, name) {
			return odd
		}
	}
	return Spelling(name)
}

// Of returns the RequestInfo of the request that w answers. It looks through wrappers
// that have Unwrap. When there is none (a handler used without the chain), it returns a new
// RequestInfo, which is not used further.
func Of(w http.ResponseWriter) *RequestInfo {
	if rec := Find(w); rec != nil {
		return &rec.Info
	}
	return &RequestInfo{ID: NewID(time.Now()), Start: time.Now(), Scheme: "http"}
}

// Find returns the Writer inside w, or nil.
func Find(w http.ResponseWriter) *Writer {
	for {
		switch v := w.(type) {
		case *Writer:
			return v
		case interface{ Unwrap() http.ResponseWriter }:
			w = v.Unwrap()
		default:
			return nil
		}
	}
}
