package upstream

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/standpipe/standpipe/bridge/cgi"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/proxyproto"
)

// Transport sends requests to one server. An HTTP is one, and RoundTripper makes one of other protocols'.
type Transport interface {
	// Send sends a request and reads the head of the response. It keeps nothing of the request beyond the end of the response's
	// body.
	Send(q *Request) (*Response, error)
}

// RoundTripper is a Transport that needs a message of net/http's.
type RoundTripper struct{ http.RoundTripper }

// Send is Transport's.
func (t RoundTripper) Send(q *Request) (*Response, error) {
	resp, err := t.RoundTrip(q.message())
	if err != nil {
		return nil, err
	}
	return responseOf(resp, q.Room), nil
}

// CloseIdleConnections closes the kept connections that no request uses.
func (t RoundTripper) CloseIdleConnections() {
	if c, ok := t.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// Request is a request to a server.
type Request struct {
	// From is the client's request, which it was made of.
	From *http.Request
	// Info makes CGI variables, for servers that get these; nil: for servers that speak HTTP.
	Info *cgi.Info
	// Ending ends it early. It is needed.
	Ending *Ending
	// Method, URL, Host and Target are those of an http.Request. Target, its RequestURI, is for CGI variables.
	Method string
	URL    *url.URL
	Host   string
	Target string
	// Fields are written in this order, but for those that frame a message.
	Fields []httpx.Field
	// Upgrade: Fields ask to change the protocol.
	Upgrade bool
	// Expect: Fields say "Expect: 100-continue".
	Expect bool
	// Body is closed by Send, or with the Body of the response; nil: there is none. Length is its length; -1: unknown.
	Body   io.ReadCloser
	Length int64
	// Again returns the body once more; nil: it cannot be read twice.
	Again func() (io.ReadCloser, error)
	// Trailer is complete when Body has been read.
	Trailer http.Header
	// Informer gets the informational responses (RFC 9110 15.2); nil: nothing does.
	Informer Informer
	// Client is named by a Dialer that has SendProxy.
	Client *proxyproto.Header
	// Busy is how many requests the server has, with this one.
	Busy int64
	// Begun is the present time.
	Begun time.Time
	// Room is memory for the Fields of the response.
	Room []httpx.Field
}

// field is the value of the first field with this name, which is in net/http's form.
func field(fields []httpx.Field, name string) string {
	for i := range fields {
		if f := &fields[i]; len(f.Name) == len(name) && isName(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// dialContext is the context of a wait for a connection.
func (q *Request) dialContext() context.Context {
	if q.Client != nil {
		return WithClient(q.Ending, q.Client)
	}
	return q.Ending
}

// hasBody reports whether there is a body to send.
func (q *Request) hasBody() bool { return q.Body != nil && q.Length != 0 }

// message is the request as one of net/http's. It shares nothing with q that is used again.
func (q *Request) message() *http.Request {
	ctx := context.Context(valued{q.Ending, q.From.Context()})
	if q.Client != nil {
		ctx = WithClient(ctx, q.Client)
	}
	if q.Info != nil {
		ctx = cgi.WithInfo(ctx, q.Info)
	}
	u := *q.URL
	r := q.From.WithContext(ctx)
	r.URL, r.Header, r.Trailer, r.Close, r.RequestURI = &u, Header(q.Fields), q.Trailer, false, q.Target
	r.Body, r.ContentLength, r.TransferEncoding, r.GetBody = http.NoBody, 0, nil, nil
	if q.Body != nil {
		r.Body, r.ContentLength, r.GetBody = q.Body, q.Length, q.Again
	}
	if q.Info == nil && r.Header["User-Agent"] == nil {
		r.Header["User-Agent"] = []string{""} // keeps net/http from adding its own
	}
	return r
}

// valued is an Ending with the values of the client's request, such as the script of a FastCGI request.
type valued struct {
	*Ending
	values context.Context
}

// Value is context.Context's.
func (v valued) Value(key any) any { return v.values.Value(key) }

// Response is what a server has answered.
type Response struct {
	// Status is the status of three digits, and Phrase the reason behind it.
	Status int
	Phrase string
	// Fields are in the order in which they came, but for those that frame the message and Trailer.
	Fields []httpx.Field
	// Length is what Content-Length says; -1: nothing.
	Length int64
	// Body is the body; http.NoBody: there is none. A tunnel is an io.ReadWriteCloser. It has to be closed.
	Body io.ReadCloser
	// Trailer points to the trailers. Before the end of Body it has the names of those that were announced.
	Trailer *http.Header
}

// Get is the value of the first field with this name, which is in net/http's form; empty: there is none.
func (p *Response) Get(name string) string { return field(p.Fields, name) }

// responseOf makes a Response of net/http's.
func responseOf(r *http.Response, room []httpx.Field) *Response {
	p := &Response{Status: r.StatusCode, Fields: fieldsOf(r.Header, room), Length: -1, Body: r.Body, Trailer: &r.Trailer}
	if v := r.Header["Content-Length"]; len(v) > 0 {
		if n, ok := parseLength(v[0]); ok {
			p.Length = n
		}
	}
	if len(r.Status) > 4 {
		p.Phrase = r.Status[4:]
	}
	return p
}

// fieldsOf appends the fields of h, sorted by name.
func fieldsOf(h http.Header, list []httpx.Field) []httpx.Field {
	names := make([]string, 0, len(h))
	for name := range h {
		if !frames(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		for _, v := range h[name] {
			list = append(list, httpx.Field{Name: httpx.Spelling(name), Value: v})
		}
	}
	return list
}

// Header is the list as net/http has it.
func Header(list []httpx.Field) http.Header {
	h := make(http.Header, len(list)+1)
	values := make([]string, len(list))
	for i, f := range list {
		name := http.CanonicalHeaderKey(f.Name)
		if had, ok := h[name]; ok {
			h[name] = append(had, f.Value)
			continue
		}
		values[i] = f.Value
		h[name] = values[i : i+1 : i+1]
	}
	return h
}

// frames reports a field, in net/http's form, that says where a message ends. A message of another connection has its own.
func frames(name string) bool {
	switch name {
	case "Host", "Content-Length", "Transfer-Encoding", "Trailer":
		return true
	}
	return false
}

// isName compares two names of one length, the second one in net/http's form, without regard to case, in ASCII alone.
func isName(name, canonical string) bool {
	if name == canonical {
		return true
	}
	for i := range len(name) {
		if lower(name[i]) != lower(canonical[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}
