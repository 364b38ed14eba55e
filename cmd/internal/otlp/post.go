package otlp

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits of one post.
const (
	postTime  = 10 * time.Second
	dialTime  = 5 * time.Second
	maxAnswer = 64 << 10 // bytes that are read of an answer
)

// newClient makes the client of an Exporter. It has no connections with others.
func newClient() *http.Client {
	return &http.Client{
		Timeout: postTime,
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: dialTime}).DialContext, TLSHandshakeTimeout: dialTime, ForceAttemptHTTP2: true,
			MaxIdleConns: 1, MaxConnsPerHost: 1, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: maxAnswer,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // an API key is for this server alone
	}
}

// verdict is what an answer means.
type verdict int

const (
	taken   verdict = iota
	refused         // another try would end alike
	again
)

// answer is what a collector has said.
type answer struct {
	verdict  verdict
	status   int           // 0: there was no answer
	after    time.Duration // it wants no other try before
	rejected int64         // spans that it has not taken
	message  string        // what it says; empty: nothing
	err      error         // of again
}

// post sends a message once.
func (x *Exporter) post(body []byte) answer {
	req, err := http.NewRequestWithContext(x.ctx, http.MethodPost, x.o.URL.String(), bytes.NewReader(body))
	if err != nil {
		return answer{verdict: refused, message: err.Error()}
	}
	for pair := range slices.Chunk(x.o.Fields, 2) {
		if http.CanonicalHeaderKey(pair[0]) == "Host" {
			req.Host = pair[1]
		}
		req.Header.Set(pair[0], pair[1])
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	req.Header.Set("Content-Encoding", "gzip")
	req.Header.Set("User-Agent", "standpipe/"+x.o.Version)
	resp, err := x.client.Do(req)
	if err != nil {
		if ue, ok := err.(*url.Error); ok { // which has the URL, that records name
			err = ue.Err
		}
		return answer{verdict: again, err: err}
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return judge(resp, b, err, time.Now())
}

// judge reads an answer (https://opentelemetry.io/docs/specs/otlp/#otlphttp-response).
func judge(resp *http.Response, b []byte, readErr error, now time.Time) (a answer) {
	a.status = resp.StatusCode
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	proto := kind == "application/x-protobuf"
	switch {
	case a.status >= 200 && a.status < 300:
		switch {
		case readErr != nil: // it was taken all the same
		case proto:
			var err error
			if a.rejected, a.message, err = partial(b); err != nil {
				a.message = err.Error()
			}
		case kind == "text/html":
			a.message = "its answer is a web page: this is no collector"
		}
	case a.status >= 300 && a.status < 400:
		a.verdict, a.message = refused, "redirects are not followed: "+text(resp.Header.Get("Location"), shortText)
	case a.status == http.StatusTooManyRequests, a.status == http.StatusBadGateway, a.status == http.StatusServiceUnavailable, a.status == http.StatusGatewayTimeout:
		a.verdict, a.after, a.err = again, retryAfter(resp.Header.Get("Retry-After"), now), fmt.Errorf("it answered %s", resp.Status)
	default:
		a.verdict = refused
		if proto {
			a.message = complaint(b)
		} else if strings.HasPrefix(kind, "text/plain") || kind == "application/json" {
			a.message = string(b)
		}
		a.message = cmp.Or(a.message, "it answered "+resp.Status)
	}
	a.message = text(a.message, longText)
	return a
}

// retryAfter reads the field of that name (RFC 9110 10.2.3); 0: there is none.
func retryAfter(v string, now time.Time) time.Duration {
	if n, err := strconv.ParseUint(v, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(t.Sub(now), 0)
	}
	return 0
}
