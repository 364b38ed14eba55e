package http1

import (
	"bytes"
	"net/url"
	"strings"
	"testing"
)

var fuzzLimits = referenceLimits{head: 1 << 20, fields: 20, target: 1000}

// parseWhole finds the end of the head that b begins with and reads it; 0: its end has not come.
func parseWhole(b []byte, lim *limits) (h head, n int, bad *Refusal) {
	var s scanner
	if n, bad = s.end(b); n == 0 || bad != nil {
		return h, 0, bad
	}
	bad = h.parse(b[:n], lim)
	if bad == nil {
		var u url.URL
		bad = h.setURL(&u)
	}
	return h, n, bad
}

// checkHead compares the parser with the reference on b.
func checkHead(t *testing.T, b []byte) {
	t.Helper()
	want := referenceHead(b, fuzzLimits)
	h, n, bad := parseWhole(bytes.Clone(b), &limits{head: fuzzLimits.head, fields: fuzzLimits.fields, target: fuzzLimits.target})
	switch {
	case want.free:
	case bad != nil && len(want.statuses) == 0:
		t.Errorf("%q: refused with %d (%s), and is valid", b, bad.Status, bad.Text)
	case bad != nil && !want.statuses[bad.Status]:
		t.Errorf("%q: refused with %d (%s), the reference has %v", b, bad.Status, bad.Text, want.statuses)
	case bad != nil:
	case n == 0 && (want.whole || want.bareLF):
		t.Errorf("%q: not whole; the reference: whole %v, bare LF %v, faults %v", b, want.whole, want.bareLF, want.statuses)
	case n == 0:
	case !want.whole:
		t.Errorf("%q: taken, and is not whole", b)
	case len(want.statuses) > 0:
		t.Errorf("%q: taken, the reference has %v", b, want.statuses)
	default:
		compareHead(t, b, &h, n, &want)
	}
}

func compareHead(t *testing.T, b []byte, h *head, n int, want *verdict) {
	t.Helper()
	differs := func(what string, got, want any) { t.Errorf("%q: %s is %v, want %v", b, what, got, want) }
	if n != want.n {
		differs("the length of the head", n, want.n)
	}
	if h.method != want.method || h.target != want.target || h.minor != want.minor {
		differs("the request line", []any{h.method, h.target, h.minor}, []any{want.method, want.target, want.minor})
	}
	if len(h.fields) != len(want.fields) {
		differs("the number of fields", len(h.fields), len(want.fields))
		return
	}
	for i, f := range h.fields {
		if f.name != fromLatin1(want.fields[i][0]) || f.value != fromLatin1(want.fields[i][1]) {
			differs("a field", f, want.fields[i])
		}
	}
	if length := want.length; want.chunked && h.length != -1 || !want.chunked && h.length != length {
		differs("the length", h.length, length)
	}
	if host, _ := authority(h.target); h.form != absoluteForm && want.hostKnown && h.host != want.host || h.form == absoluteForm && host != want.host {
		differs("the host", []string{h.host, host}, want.host)
	}
	if h.continues != (want.expect && (want.chunked || want.length > 0)) {
		differs("100-continue", h.continues, want.expect)
	}
	if h.close != want.askedClose || h.keepAlive != want.askedKeep {
		differs("close and keep-alive", []bool{h.close, h.keepAlive}, []bool{want.askedClose, want.askedKeep})
	}
}

// FuzzRequest: the parser says of any bytes what the reference says, also when they come in parts.
func FuzzRequest(f *testing.F) {
	for _, c := range corpusCases(f) {
		if b := strings.TrimPrefix(c.Bytes(), "\r\n"); len(b) < 2000 {
			f.Add([]byte(b), 0)
		}
	}
	for _, coding := range []string{"0;,Chunked", "a;b=c , chunked", `a;b="c",chunked`, "a;b=,chunked", "a;=c,chunked", `a;b="c;d";e,chunked`} {
		f.Add([]byte("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "+coding+"\r\n\r\n"), 0)
		f.Add([]byte("POST / HTTP/1.0\r\nTransfer-Encoding: "+coding+"\r\n\r\n"), 0)
	}
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		checkHead(t, b)
		if len(b) > 0 {
			checkHead(t, b[:uint(cut)%uint(len(b))])
		}
	})
}

// TestEveryPrefix: the parser refuses no valid head of the corpus early, and takes none early.
func TestEveryPrefix(t *testing.T) {
	t.Parallel()
	for _, c := range corpusCases(t) {
		b := []byte(strings.TrimPrefix(c.Bytes(), "\r\n"))
		for i := range min(len(b), 400) {
			checkHead(t, b[:i])
		}
	}
}

// FuzzChunked: likewise for chunked bodies.
func FuzzChunked(f *testing.F) {
	for _, c := range corpusCases(f) {
		if _, body, ok := strings.Cut(c.Bytes(), "\r\n\r\n"); ok && len(body) < 2000 && strings.Contains(c.Bytes(), "chunked") {
			f.Add([]byte(body), byte(200))
			f.Add([]byte(body+"GET / HTTP/1.1\r\n"), byte(0))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, step byte) {
		want := referenceChunked(b)
		body, rest, err := readChunked(bytes.Clone(b), &limits{fields: fuzzLimits.fields}, 1+int(step))
		switch {
		case want.free:
		case err == nil && !want.whole:
			t.Errorf("%q: taken as %q with %q behind, and is invalid or not whole", b, body, rest)
		case err != nil && want.whole:
			t.Errorf("%q: %v, and it is valid: %q", b, err, want.body)
		case err == nil && (string(body) != want.body || len(b)-len(rest) != want.n):
			t.Errorf("%q: %q and %d bytes, want %q and %d", b, body, len(b)-len(rest), want.body, want.n)
		}
	})
}
