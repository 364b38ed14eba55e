package http1

import (
	"net/http"
	"net/url"
)

// request is the memory of a *http.Request. It is used for one request after the other, as
// long as no handler has asked for the context's channel.
type request struct {
	ctx    *requestContext
	http   *http.Request
	url    url.URL
	values []string // of the fields
	odd    []string // names that do not have net/http's form
}

// again makes q ready for the next request.
func (q *request) again() {
	if q.http != nil && q.ctx.again() {
		return
	}
	ctx := new(requestContext)
	*q = request{ctx: ctx, http: (&http.Request{Header: make(http.Header, 16)}).WithContext(ctx), values: q.values, odd: q.odd}
	q.http.URL = &q.url
}

// chunkedCoding is shared by all requests: handlers read it only.
var chunkedCoding = []string{"chunked"}

// fill sets the request to what h says.
func (q *request) fill(h *head, remote string) (*http.Request, *Refusal) {
	r := q.http
	r.Method, r.RequestURI, r.Proto, r.ProtoMajor, r.ProtoMinor = h.method, h.target, h.proto, 1, h.minor
	r.RemoteAddr, r.Host, r.ContentLength, r.Close = remote, h.host, h.length, h.close
	r.Body, r.TransferEncoding, r.Trailer, r.TLS, r.Form, r.PostForm, r.MultipartForm = http.NoBody, nil, nil, nil, nil, nil, nil
	r.Pattern, r.Response = "", nil
	if h.length < 0 {
		r.TransferEncoding = chunkedCoding
	}
	q.setFields(h)
	r.URL = &q.url
	if err := h.setURL(&q.url); err != nil {
		return r, err
	}
	if h.form == absoluteForm {
		r.Host = q.url.Host // RFC 9112 3.2.2
	} else if h.form == authorityForm {
		r.Host = h.target
	}
	return r, nil
}

// setFields sets the fields, without those that speak about the connection's framing.
func (q *request) setFields(h *head) {
	fields := q.http.Header
	clear(fields)
	if cap(q.values) < len(h.fields) {
		q.values = make([]string, len(h.fields)+8)
	}
	values := q.values[:len(h.fields)]
	q.odd = q.odd[:0]
	for i := range h.fields {
		f := &h.fields[i]
		if f.known != nil && (f.known.kind == hostField || f.known.kind == codingField || f.known.kind == trailerField) {
			continue
		}
		name := f.canonical()
		if name != f.name {
			q.odd = append(q.odd, f.name)
		}
		values[i] = f.value
		if before, ok := fields[name]; ok {
			fields[name] = append(before, f.value)
		} else {
			fields[name] = values[i : i+1 : i+1]
		}
	}
}

// free drops the strings of the request.
func (q *request) free() {
	clear(q.values[:cap(q.values)])
	clear(q.odd[:cap(q.odd)])
	if q.http != nil {
		clear(q.http.Header)
	}
}
