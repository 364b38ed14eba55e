package chain

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// Observer is called for each request when its answer is out, at the time now. It must not
// keep the Writer, nor block.
type Observer func(rec *httpx.Writer, r *http.Request, now time.Time)

// Done is the outermost stage: it calls the observers, but for requests that are Silent
// (health checks).
func Done(observers ...Observer) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return &done{observers, next} }
}

type done struct {
	observers []Observer
	next      http.Handler
}

func (s *done) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec := w.(*httpx.Writer)
	s.next.ServeHTTP(rec, r)
	if rec.Info.Silent {
		return
	}
	now := time.Now()
	for _, observe := range s.observers {
		observe(rec, r, now)
	}
}

// Refused calls the observers for a request that a way in has answered itself: its head
// could not be read, so that nothing else is known of it.
func Refused(remote string, status int, observers []Observer) {
	var rec httpx.Writer
	now := time.Now()
	rec.Info = httpx.RequestInfo{ID: httpx.NewID(now), Start: now, Source: "server", Status: status}
	if ap, err := netip.ParseAddrPort(remote); err == nil {
		rec.Info.Peer = ap
		rec.Info.RemoteAddr = httpx.PlainAddr(ap.Addr()).String()
	}
	r := &http.Request{Method: "-", RequestURI: "-", Proto: "-", RemoteAddr: remote, Header: http.Header{}}
	for _, observe := range observers {
		observe(&rec, r, time.Now())
	}
}
