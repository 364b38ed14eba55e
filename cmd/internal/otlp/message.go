package otlp

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"os"
	"slices"
)

// scopeName is who has made the spans.
const scopeName = "github.com/standpipe/standpipe"

// about is the part of a message that is the same for all.
type about struct {
	resource []byte // ResourceSpans.resource
	scope    []byte // ScopeSpans.scope
}

// describe says which service this is (https://opentelemetry.io/docs/specs/semconv/resource/).
func describe(o *Options) (a about) {
	b, at := open(nil, 1)
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	own := []string{"service.name", o.Service, "service.instance.id", fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:]),
		"telemetry.sdk.name", "standpipe", "telemetry.sdk.language", "go", "telemetry.sdk.version", o.Version}
	if host, err := os.Hostname(); err == nil {
		own = append(own, "host.name", host)
	}
	for pair := range slices.Chunk(own, 2) {
		if !slices.ContainsFunc(slices.Collect(slices.Chunk(o.Attributes, 2)), func(other []string) bool { return other[0] == pair[0] }) {
			b = appendText(b, ofResource, pair[0], pair[1], longText)
		}
	}
	for pair := range slices.Chunk(o.Attributes, 2) {
		b = appendText(b, ofResource, pair[0], pair[1], longText)
	}
	b = appendInt(b, ofResource, "process.pid", int64(os.Getpid()))
	a.resource = closed(b, at)

	b, at = open(nil, 1)
	b = appendSized(b, 1, scopeName)
	b = appendSized(b, 2, o.Version)
	a.scope = closed(b, at)
	return a
}

// message is an ExportTraceServiceRequest with the spans of a batch, compressed. It is valid until the next one is made.
func (x *Exporter) message(b *batch) []byte {
	spans := len(x.about.scope) + len(b.b)
	inner := binary.AppendUvarint(appendTag(nil, 2, sized), uint64(spans)) // ResourceSpans.scope_spans
	outer := binary.AppendUvarint(appendTag(nil, 1, sized), uint64(len(x.about.resource)+len(inner)+spans))
	x.out.Reset()
	x.zip.Reset(&x.out)
	for _, p := range [][]byte{outer, x.about.resource, inner, x.about.scope, b.b} {
		_, _ = x.zip.Write(p) // memory does not fail
	}
	_ = x.zip.Close()
	return x.out.Bytes()
}
