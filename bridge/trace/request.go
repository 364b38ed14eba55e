package trace

import (
	"strings"
	"time"
)

// Request is what is recorded of a request that is sampled. It belongs to the goroutine of its request. The methods of a nil
// *Request do nothing.
type Request struct {
	// Context is that of the request's own span: the parent of all others.
	Context
	// Parent is the span of another process, or of the request that this one belongs to; zero: the trace begins here.
	Parent SpanID
	// State is the tracestate.
	State string
	// Link is another span that had a part in this one; none where it is not Valid.
	Link Context
	// Head is when the head of the answer went out; zero: it has not.
	Head time.Time
	// Lost is how many spans there was no room for.
	Lost int

	spans []Span
	room  [4]Span
	sink  Sink
}

// Sink takes what was recorded.
type Sink interface {
	// Apart is called at the end of a request that Fork has made. It keeps nothing of it.
	Apart(*Request)
}

// Phase is what a span is about.
type Phase uint8

// The phases of a request.
const (
	Receiving Phase = iota // its body comes
	Waiting                // it waits in the queue for a worker
	App                    // a worker runs it
	Upstream               // another server has it
	Sending                // from the head of the answer to its end
	Fetching               // the HTTP cache has it asked for
)

// Span is one phase, or one attempt at it.
type Span struct {
	Phase      Phase
	ID         SpanID
	Start, End time.Time
	// Attempt counts from 1; 0: it has no meaning.
	Attempt int
	// App is the app's name, for Waiting and App.
	App string
	// Worker, Generation and PID are those of the worker; Worker is the upstream's name for Upstream.
	Worker          string
	Generation, PID int
	// Status is that of the answer of the app or the upstream; 0: there was none.
	Status int
	// Err is why it failed, and Why what became of it then; empty: nothing.
	Err error
	Why string
}

// mostSpans bounds what is recorded of one request, which may be sent to many upstreams.
const mostSpans = 32

// NewRequest begins to record a request.
func NewRequest(c Context, parent SpanID, state string, sink Sink) *Request {
	return &Request{Context: c, Parent: parent, State: state, sink: sink}
}

// Recording reports whether spans are wanted.
func (t *Request) Recording() bool { return t != nil }

// Add adds a span, which has an id.
func (t *Request) Add(s Span) {
	if t == nil {
		return
	}
	if t.spans == nil {
		t.spans = t.room[:0]
	}
	if len(t.spans) == mostSpans {
		t.Lost++
		return
	}
	t.spans = append(t.spans, s)
}

// Spans are those that were added.
func (t *Request) Spans() []Span { return t.spans }

// At is the position of a span of the request, for the server that gets a part of its work.
func (t *Request) At(id SpanID) Context { return Context{t.Trace, id, t.Flags} }

// Answered notes when the head of the answer goes out.
func (t *Request) Answered(now time.Time) {
	if t != nil && t.Head.IsZero() {
		t.Head = now
	}
}

// Fork is for work that goes on beside the request, and perhaps after it. Its span is a child of the request's. EndFork must be
// called.
func (t *Request) Fork() *Request {
	if t == nil {
		return nil
	}
	return &Request{Context: t.At(NewSpanID()), Parent: t.Span, State: strings.Clone(t.State), sink: t.sink}
}

// EndFork ends what Fork has made. status is the status of its answer; 0: there is none. err is why it failed.
func (t *Request) EndFork(start, end time.Time, status int, err error) {
	if t != nil {
		t.Add(Span{Phase: Fetching, ID: t.Span, Start: start, End: end, Status: status, Err: err})
		t.sink.Apart(t)
	}
}

// LinkTo notes that other had a part in t.
func (t *Request) LinkTo(other *Request) {
	if t != nil && other != nil {
		t.Link = other.Context
	}
}
