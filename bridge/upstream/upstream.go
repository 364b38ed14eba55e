package upstream

import (
	"net/http"
	"sync/atomic"
	"time"
)

// Upstream is one server that requests are forwarded to.
type Upstream struct {
	// Name is its address as configured, for logs.
	Name string
	// Scheme is "http", "https", or the name of a protocol that carries CGI variables.
	Scheme string
	// Host is the host of the URLs; it keeps connections to different servers apart.
	Host string
	// Transport sends requests to it.
	Transport http.RoundTripper

	leftOut atomic.Int64 // until then; nanoseconds of Unix time; 0: it is not left out
}

// State is whether an Upstream gets requests.
type State int

const (
	// Available: it gets its share.
	Available State = iota
	// LeftOut: it has refused a connection. It gets requests only where no other one is
	// left.
	LeftOut
)

// leaveOutFor is how long an upstream that refuses connections is left out.
const leaveOutFor = 10 * time.Second

// State returns the state at now.
func (u *Upstream) State(now time.Time) State {
	if u.leftOut.Load() <= now.UnixNano() {
		return Available
	}
	return LeftOut
}

// Report accounts for the outcome of a request at now; err nil: u has answered.
func (u *Upstream) Report(now time.Time, err error) {
	switch {
	case err == nil:
		u.leftOut.Store(0)
	case Refused(err):
		u.leftOut.Store(now.Add(leaveOutFor).UnixNano())
	}
}

// SpeaksHTTP reports whether fields tell u who the client is; else CGI variables do.
func (u *Upstream) SpeaksHTTP() bool { return u.Scheme == "http" || u.Scheme == "https" }
