// Package otlp sends what is recorded of requests to an OpenTelemetry collector: OTLP over HTTP, as protobuf
// (https://opentelemetry.io/docs/specs/otlp/). The SDK of OpenTelemetry would make the program larger by a third.
//
//	exporter.go  Exporter: the goroutine, its tries and records
//	request.go   Observe and Apart: the spans of a request, with the attributes of the semantic conventions
//	span.go      writer: one span
//	queue.go     queue: spans that wait, bounded
//	message.go   message: a batch as ExportTraceServiceRequest
//	post.go      one post, and what its answer means
//	answer.go    ExportTraceServiceResponse
//	wire.go      protobuf, as much as is needed
//
// A request that is recorded writes its spans as bytes into the queue, at its end, and never waits: where the queue is full they
// are dropped, and counted. A collector that does not answer therefore costs nothing but the spans.
//
// Goroutines: one, which Start starts and Close ends and waits for; and those of net/http's Transport for its one connection.
package otlp
