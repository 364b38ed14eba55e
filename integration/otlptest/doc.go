// Package otlptest is a collector of traces for tests. It takes what OTLP over HTTP sends, and nothing that the protocol does not
// have: messages are decoded by Google's own protobuf with the descriptors of opentelemetry-proto, and every span is checked.
//
//	schema.go     the messages, as descriptors
//	decode.go     Decode: a message as Spans, with all checks
//	collector.go  Collector: the server
//
// The package is for tests alone. Its goroutines are those of net/http/httptest, which Collector ends with the test.
package otlptest
