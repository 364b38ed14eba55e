package httpx

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/standpipe/standpipe/shim/wire"
)

// RequestInfo is what the server knows of one request. The way in and the stages fill the first
// part before the request goes inward; the handler that answers fills the second; the
// access log reads all of it. It is valid until the handler has returned.
type RequestInfo struct {
	// ID is the request's id, 1..128 characters of [A-Za-z0-9._-].
	ID string
	// Start is when the head of the request had been read.
	Start time.Time
	// Scheme is "http" or "https", as the client used it.
	Scheme string
	// Peer is the other end of the socket; invalid for a unix socket.
	Peer netip.AddrPort
	// Trusted: Peer is one of the trusted proxies.
	Trusted bool
	// RemoteAddr and RemotePort name the client: Peer, or what a trusted proxy
	// says. Empty: not known (a unix socket; the port behind a proxy).
	RemoteAddr, RemotePort string
	// ServerName and ServerPort are the listener's, or a trusted proxy's.
	// They are what an environ gets when the Host field says nothing.
	ServerName, ServerPort string
	// Prefix is the path that a trusted proxy has cut off in front of the
	// target (X-Forwarded-Prefix, when that is asked for); without a slash at its end.
	Prefix string
	// ScriptName, ServerName when Named, and Extra are the word of a trusted server
	// in front that speaks uwsgi: the app's place, which the path holds; its own name,
	// which counts beside a Host field too; variables for the environ.
	ScriptName string
	Named      bool
	Extra      []wire.Var
	// Unseen: if the answer is cut off, the server in front cannot tell.
	Unseen bool
	// Relayed: the request came from a server in front by a protocol of its own, which
	// has checked its form.
	Relayed bool
	// Ambiguous: the path does not mean the same to all who read it (CleanPath).
	Ambiguous bool
	// FieldCount counts the request's fields, each value of a repeated name; 0: they are
	// not counted yet.
	FieldCount int

	// App and Worker name who answered: "shop", "shop/3". Empty: nobody of ours.
	App, Worker string
	// Source says where the answer was made: "app", "server", "static", "upstream".
	Source string
	// Upstream is the address that a proxy route asked last. Empty: none.
	Upstream string
	// Wait is the time spent in line, Run the time from the sending of the
	// request to a worker until its answer's end.
	Wait, Run time.Duration
	// Receive is the time from Start until the body was there; 0: there is none.
	// Received are its octets.
	Receive  time.Duration
	Received int64
	// BodyRead: the request body, if there is one, was read to its end.
	BodyRead bool
	// Retries counts how often it was run again after its worker's death, Recalls
	// how often it went to another worker because the first had not begun with it.
	Retries, Recalls int
	// Status is logged when no head was sent: 499 when the client has left.
	Status int
	// Aborted: bytes of the answer are missing, and the client can tell.
	Aborted bool
	// Err is why the answer is not what the app meant; for logs.
	Err error
	// Silent: no access log line (health checks).
	Silent bool
}

// Met fills what the way in knows of a request before it reads more than the head.
func (n *RequestInfo) Met(start time.Time, e *Ends, tls bool) {
	n.Start = start
	n.Peer, n.RemoteAddr, n.RemotePort, n.ServerName, n.ServerPort = e.Peer, e.RemoteAddr, e.RemotePort, e.ServerName, e.ServerPort
	n.Scheme = "http"
	if tls {
		n.Scheme = "https"
	}
}

// Of returns the RequestInfo of the request that w answers. It looks through wrappers
// that have Unwrap. When there is none (a handler used without the chain), it
// returns a fresh RequestInfo that nobody will read.
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
