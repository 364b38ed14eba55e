package proxy

import (
	"errors"
	"net/http"
	"time"

	"github.com/standpipe/standpipe/bridge/body"
	"github.com/standpipe/standpipe/bridge/upstream"
)

// errSilent: the upstream was silent for too long within its response.
var errSilent = errors.New("the upstream was silent for too long within its response")

// errNone: every upstream of the route is down, as configured.
var errNone = errors.New("no upstream of the route is in use")

// errConnect: there is no tunnel to where a client wants.
var errConnect = errors.New("CONNECT is not forwarded")

// verdict is how an error is answered.
type verdict struct {
	status     int
	text       string // for the client; empty: the status's own sentence
	retryAfter time.Duration
	client     bool // it is about the request's body: no upstream is to blame
}

// judge is the only map from errors to statuses.
func judge(err error) verdict {
	if status, retryAfter := body.StatusOf(err); status != 0 {
		return verdict{status: status, retryAfter: retryAfter, client: true}
	}
	switch {
	case errors.Is(err, upstream.ErrFull):
		return verdict{status: http.StatusServiceUnavailable, retryAfter: time.Second}
	case upstream.StatusOf(err) != 0:
		return verdict{status: upstream.StatusOf(err)}
	case upstream.TimedOut(err) || errors.Is(err, errSilent):
		return verdict{status: http.StatusGatewayTimeout, text: "The server behind this one took too long to answer."}
	}
	return verdict{status: http.StatusBadGateway, text: "The server behind this one did not answer as it should."}
}
