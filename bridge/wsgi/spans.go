package wsgi

import (
	"errors"
	"time"

	"github.com/standpipe/standpipe/bridge/trace"
	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
)

// run is what is recorded of one attempt: the wait for the worker, and the app. The zero run is of a request that is not
// recorded.
type run struct {
	id    trace.SpanID // of the span that the app sees as its parent
	since time.Time    // when the wait began
}

// refused records a wait that has ended without a worker.
func (q *request) refused(app string, since time.Time, err error) {
	if t := q.info.Trace; t.Recording() {
		t.Add(trace.Span{Phase: trace.Waiting, ID: trace.NewSpanID(), Start: since, End: time.Now(), App: app, Err: err})
	}
}

// parentVar is the variable of Traceparent.
const parentVar = "HTTP_TRACEPARENT"

// begun prepares the span of an attempt that has a worker: the app gets its id, so that its own spans lie within.
func (q *request) begun(since time.Time) (u run) {
	t := q.info.Trace
	if !t.Recording() {
		return u
	}
	u = run{trace.NewSpanID(), since}
	parent := t.At(u.id).String()
	for i := range q.vars {
		if q.vars[i].Name == parentVar {
			q.vars[i].Value = parent
			return u
		}
	}
	q.vars = append(q.vars, wire.Var{Name: parentVar, Value: parent})
	return u
}

// end records the attempt, when its exchange has ended. why says whether it may run again.
func (u run) end(s *scratch, err error, why string) {
	q, a, status := &s.request, &s.attempt, 0
	t := q.info.Trace
	if !t.Recording() {
		return
	}
	if a.begun {
		status = s.response.w.Status()
	}
	x := a.x.State()
	now := time.Now()
	from, till := x.Sent, x.Ended
	if from.IsZero() {
		from = now
	}
	if till.IsZero() || till.Before(from) {
		till = now
	}
	wait := trace.Span{Phase: trace.Waiting, ID: trace.NewSpanID(), Start: u.since, End: from, App: a.o.App, Worker: a.x.Worker()}
	if x.Sent.IsZero() { // another worker gets it
		if err != nil && !errors.Is(err, shim.ErrRecalled) {
			wait.Err = err
		}
		t.Add(wait)
		return
	}
	t.Add(wait)
	t.Add(trace.Span{Phase: trace.App, ID: u.id, Start: from, End: till, Attempt: q.info.Retries + 1, App: a.o.App, Worker: a.x.Worker(),
		Generation: x.Process.Generation, PID: x.Process.PID, Status: status, Err: err, Why: why})
}
