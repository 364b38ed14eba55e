package proxy

import (
	"cmp"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/trace"
)

// asking begins the span of the request to an upstream.
func (q *request) asking(attempt int) {
	q.info.Asked = q.now
	if q.info.Trace.Recording() {
		q.span = trace.Span{Phase: trace.Upstream, ID: trace.NewSpanID(), Start: time.Now(), Attempt: attempt, Worker: q.asked.Name}
	}
}

// tellTrace has the upstream's own spans lie within that of the request to it.
func (q *request) tellTrace() {
	t := q.info.Trace
	if !t.Recording() {
		return
	}
	o, parent := &q.out, t.At(q.span.ID).String()
	for i := range o.list {
		if f := &o.list[i]; len(f.Name) == len("traceparent") && strings.EqualFold(f.Name, "traceparent") {
			f.Value = parent
			return
		}
	}
	o.add("traceparent", parent) // the client's Connection field has named it
	o.Fields = o.list
}

// answered ends the span: the response has been read, or there will be none.
func (q *request) answered() {
	if q.info.Trace.Recording() {
		q.span.End, q.span.Err = time.Now(), cmp.Or(q.span.Err, q.cut)
		q.info.Trace.Add(q.span)
	}
}
