package limit

import (
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// mostWaiting bounds the requests of one limit that wait, whatever their keys are.
const mostWaiting = 10_000

// wait waits as long as the verdict says, and reports whether the request goes on then. It has no
// worker meanwhile. A client that disconnects gives its place back.
func (l *limiter) wait(rec *httpx.Writer, s *subject, v Verdict) bool {
	if l.o.DryRun {
		return true
	}
	st := l.o.State
	defer st.waiting.Add(-1)
	if st.waiting.Add(1) > mostWaiting {
		l.giveBack(s)
		st.overrule(s.hash, v)
		return !l.refuse(rec, s, Verdict{Retry: v.Wait}, "waiting")
	}
	ctx := s.r.Context()
	if rec.Conn != nil {
		ctx = rec.Conn.WaitContext()
	}
	timer := time.NewTimer(v.Wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	}
	l.giveBack(s)
	n := &rec.Info
	n.Source, n.Status, n.Err = "server", httpx.StatusClientGone, httpx.ErrClientGone
	rec.Abort()
	return false
}
