// Package trace has what several packages of bridge need for traces, by W3C Trace Context (level 2): the position of a request in
// a trace, and what is recorded of a request that is sampled.
//
//	context.go  Context: traceparent
//	state.go    State: tracestate
//	sample.go   Sampler: which traces that begin here are recorded
//	request.go  Request: one that is recorded, and its Spans
//
// The stage that reads the fields and decides is bridge/chain's (Trace); the handlers and the cache add spans to
// httpx.RequestInfo.Trace; cmd/internal/otlp makes messages of them and sends these.
//
// A nil *Request records nothing: it is the request that is not sampled, and each request while traces are off.
//
// The package is a leaf: it imports the standard library only. It starts no goroutine.
package trace
