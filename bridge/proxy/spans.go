package proxy

import (
	"cmp"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/trace"
)

// span is what traces have of the request to an upstream.
type span struct{ trace.Span }

// begin begins it, when the upstream is chosen.
func (s *span) begin(q *request, attempt int) {
	q.info.Asked = q.now
	if q.info.Trace.Recording() {
		s.Span = trace.Span{Phase: trace.Upstream, ID: trace.NewSpanID(), Start: time.Now(), Attempt: attempt, Worker: q.asked.Name}
	}
}

// tell has the upstream's own spans lie within.
func (s *span) tell(q *request) {
	t := q.info.Trace
	if !t.Recording() {
		return
	}
	o, parent := &q.out, t.At(s.ID).String()
	for i := range o.list {
		if f := &o.list[i]; len(f.Name) == len("traceparent") && strings.EqualFold(f.Name, "traceparent") {
			f.Value = parent
			return
		}
	}
	o.add("traceparent", parent) // the client's Connection field has named it
	o.Fields = o.list
}

// end ends it: the response has been read, or there will be none.
func (s *span) end(q *request) {
	if q.info.Trace.Recording() {
		s.End, s.Err = time.Now(), cmp.Or(s.Err, q.cut)
		q.info.Trace.Add(s.Span)
	}
}
