package access

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

const (
	maxAsking  = 64       // questions to the service of a table at a time
	maxAnswer  = 64 << 10 // bytes of a body that is passed on to the client
	maxHead    = 64 << 10
	idleAsking = time.Minute
)

// ForwardOptions are the settings of Forward.
type ForwardOptions struct {
	// URL of the service.
	URL string
	// Fields of its answer that the request gets, in canonical form.
	Fields []string
	// Timeout is how long the answer may take.
	Timeout time.Duration
}

// Forward asks a service whether a request may pass, as auth_request of nginx and forward_auth of Caddy and Traefik do.
type Forward struct {
	o         ForwardOptions
	transport *http.Transport
	slots     chan struct{}
}

// NewForward returns a Forward. Close closes its connections.
func NewForward(o ForwardOptions) *Forward {
	dialer := &net.Dialer{Timeout: o.Timeout}
	return &Forward{o: o, slots: make(chan struct{}, maxAsking), transport: &http.Transport{
		DialContext: dialer.DialContext, TLSHandshakeTimeout: o.Timeout, MaxConnsPerHost: maxAsking, MaxIdleConnsPerHost: maxAsking / 4, IdleConnTimeout: idleAsking,
		MaxResponseHeaderBytes: maxHead, DisableCompression: true,
	}}
}

// Close closes idle connections.
func (f *Forward) Close() { f.transport.CloseIdleConnections() }

// strip removes the fields from the request that only the service may set, in every spelling that an app takes for the same
// variable.
func (f *Forward) strip(r *http.Request) {
	for name := range r.Header {
		if slices.ContainsFunc(f.o.Fields, func(own string) bool { return strings.EqualFold(strings.ReplaceAll(name, "_", "-"), own) }) {
			delete(r.Header, name)
		}
	}
}

// pass asks the service. It returns the refusal: the service's answer, or, if there is none, an error.
func (f *Forward) pass(rec *httpx.Writer, r *http.Request, client netip.Addr) *refusal {
	ctx, cancel := context.WithTimeout(r.Context(), f.o.Timeout)
	defer cancel()
	resp, body, err := f.ask(ctx, rec, r, client)
	status := 0
	if err == nil {
		status = resp.StatusCode
	}
	switch {
	case status >= 200 && status < 300:
		for _, name := range f.o.Fields {
			if v := resp.Header[name]; len(v) > 0 {
				r.Header[name] = v
				rec.Info.Identified = true
			}
		}
		return nil
	case status >= 300 && status < 400, status == http.StatusUnauthorized, status == http.StatusForbidden:
		v := Verdict{Denied: true, Rule: fmt.Sprintf("forward_auth %s: %d", f.o.URL, status), Kind: fmt.Sprintf("forward_auth %d", status)}
		return &refusal{status: status, verdict: v, fields: resp.Header, body: body, passed: true, quiet: status != http.StatusForbidden}
	case err == nil:
		err = fmt.Errorf("it answered %s", resp.Status)
	}
	refused := &refusal{status: http.StatusServiceUnavailable, text: "It cannot be found out whether this request may pass.", verdict: Verdict{Denied: true, Rule: "forward_auth " + f.o.URL + " failed", Kind: "forward_auth failed"}, err: err}
	if r.Context().Err() != nil { // the client has disconnected
		refused.err, refused.quiet = nil, true
	}
	return refused
}

var errLargeAnswer = errors.New("its answer is larger than 64 KiB")

func (f *Forward) ask(ctx context.Context, rec *httpx.Writer, r *http.Request, client netip.Addr) (*http.Response, []byte, error) {
	select {
	case f.slots <- struct{}{}:
		defer func() { <-f.slots }()
	case <-ctx.Done():
		return nil, nil, fmt.Errorf("%d questions wait for its answer: %w", maxAsking, ctx.Err())
	}
	out, err := http.NewRequestWithContext(ctx, http.MethodGet, f.o.URL, nil)
	if err != nil {
		return nil, nil, err
	}
	tell(out.Header, &rec.Info, r, client)
	resp, err := f.transport.RoundTrip(out)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, nil, err
	case len(body) > maxAnswer && resp.StatusCode >= 300:
		return nil, nil, errLargeAnswer
	}
	return resp, body, nil
}

// own are fields of the client's request that the question does not have: those of its connection and its body (RFC 9110 7.6.1),
// those that ask for a part of a page, and those that the server itself sets.
var own = []string{
	"Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Http2-Settings", "Content-Length", "Content-Type",
	"Content-Encoding", "Expect", "Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "Accept-Encoding", "Forwarded", "X-Real-Ip", "Proxy",
}

// tell describes the client's request to the service.
func tell(h http.Header, n *httpx.RequestInfo, r *http.Request, client netip.Addr) {
	for name, values := range r.Header {
		if !slices.Contains(own, name) && !strings.HasPrefix(name, "X-Forwarded-") && !strings.HasPrefix(name, "Sec-Websocket-") && !strings.Contains(name, "_") {
			h[name] = values
		}
	}
	for _, v := range r.Header["Connection"] {
		for name := range strings.SplitSeq(v, ",") {
			h.Del(strings.TrimSpace(name))
		}
	}
	if h["User-Agent"] == nil {
		h["User-Agent"] = nil // net/http adds none of its own
	}
	h["X-Forwarded-Method"] = []string{r.Method}
	h["X-Forwarded-Proto"] = []string{n.Scheme}
	h["X-Forwarded-Host"] = []string{r.Host}
	h["X-Forwarded-Uri"] = []string{r.URL.RequestURI()} // without dot segments, as the app's path
	h["X-Request-Id"] = []string{n.ID}
	if client.IsValid() {
		h["X-Forwarded-For"] = []string{client.String()}
	}
}

// ofConnection are fields of the service's answer that are not the client's, or that the server writes itself.
var ofConnection = []string{"Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Content-Length", "Date", "Alt-Svc"}

// passOn writes the service's answer.
func (x *refusal) passOn(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	for name, values := range x.fields {
		if !slices.Contains(ofConnection, name) {
			h[name] = values
		}
	}
	if x.status != http.StatusNotModified {
		h["Content-Length"] = []string{fmt.Sprint(len(x.body))}
	}
	w.WriteHeader(x.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(x.body) // the client may have disconnected
	}
}
