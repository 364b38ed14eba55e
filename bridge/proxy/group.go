package proxy

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// Upstream is a place to send requests.
type Upstream struct {
	// Name is its address as configured, for logs.
	Name string
	// Scheme is "http", "https", or another word for what takes CGI variables.
	Scheme string
	// Host is what stands in the URL: it keeps connections apart.
	Host string
	// Transport asks it.
	Transport http.RoundTripper

	leftOut atomic.Int64 // until then, in nanoseconds of Unix time; 0: it is not
}

// Available reports whether u is to be asked. An upstream that refuses connections
// is left out for a while; checks of its health, or a bound on what it may have at a
// time, have their place here.
func (u *Upstream) Available(now time.Time) bool { return u.leftOut.Load() <= now.UnixNano() }

// speaksHTTP: fields tell it who the client is, not variables.
func (u *Upstream) speaksHTTP() bool { return u.Scheme == "http" || u.Scheme == "https" }

// leaveOutFor is how long an upstream that refuses is not asked while others are
// there.
const leaveOutFor = 10 * time.Second

// Group uses upstreams in turn. It is an http.RoundTripper for requests of a turn.
type Group struct {
	list    []*Upstream
	turn    atomic.Uint32
	log     hclog.Logger
	limiter httpx.LogLimiter
}

// RoundTrip asks the upstreams, one after the other, until one has answered or must
// not be followed by another.
func (g *Group) RoundTrip(req *http.Request) (*http.Response, error) {
	t := turnOf(req.Context())
	first := int(g.turn.Add(1) - 1)
	var tried uint64 // a bit each: the configuration has no more than 64 of them in one route
	for {
		i := g.next(first, tried)
		u := g.list[i]
		tried |= 1 << i
		t.upstream = u
		t.info.Upstream = u.Name
		resp, err := u.Transport.RoundTrip(t.outgoing(req, u))
		if err == nil && !acceptable(req, resp.StatusCode) {
			resp.Body.Close()
			err = fmt.Errorf("the status %d is none of an answer", resp.StatusCode)
		}
		if err == nil {
			u.leftOut.Store(0)
			return resp, nil
		}
		if refused(err) {
			u.leftOut.Store(time.Now().Add(leaveOutFor).UnixNano())
		}
		if !t.mayAgain(req, err) || g.next(first, tried) < 0 {
			return nil, err
		}
		t.info.Recalls++
		if g.limiter.Allow(u.Name, time.Now()) {
			g.log.Warn("upstream_skipped", "upstream", u.Name, "error", err, "id", t.info.ID, "message", "the request went to another upstream (said once a minute)")
		}
	}
}

// acceptable: the status ends the request; 101 only where the request asked to change the protocol.
func acceptable(req *http.Request, status int) bool {
	return status >= 200 && status <= 599 || status == http.StatusSwitchingProtocols && req.Header["Upgrade"] != nil
}

// next is the upstream whose turn it is, of those that were not tried: an available
// one, else the one that has been left out for the longest time. -1: none is left.
func (g *Group) next(first int, tried uint64) int {
	now := time.Now()
	best, since := -1, int64(0)
	for k := range g.list {
		i := (first + k) % len(g.list)
		if tried&(1<<i) != 0 {
			continue
		}
		u := g.list[i]
		if u.Available(now) {
			return i
		}
		if left := u.leftOut.Load(); best < 0 || left < since {
			best, since = i, left
		}
	}
	return best
}

// refused: no connection came to be, so nothing was sent.
func refused(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// mayAgain reports whether another upstream may be asked after err: when nothing was
// sent to this one; and when it died over a request that may be run twice (RFC 9110
// 9.2.2) and whose body, if any, can be sent again. Who was silent for too long is not
// dead.
func (t *turn) mayAgain(req *http.Request, err error) bool {
	switch {
	case req.Context().Err() != nil || t.body.Err() != nil || !t.body.Repeatable():
		return false
	case refused(err):
		return true
	case timeout(err) || statusOf(err) != 0:
		return false
	}
	switch req.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return died(err)
	}
	return false
}
