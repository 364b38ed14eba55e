package uwsgi

import (
	"bufio"
	"net/http"
	"strings"

	"github.com/standpipe/standpipe/bridge/cgi"
)

// response reads the head. A server that speaks uwsgi answers as one of HTTP/1.0: a
// status line, fields, and a body that ends with the connection or where
// Content-Length says (RFC 9112 4, 5, 6.3).
func (x *exchange) response() (*http.Response, error) {
	br := bufio.NewReaderSize(x, 16<<10)
	for range 8 {
		resp, err := x.head(br)
		if err != nil || resp.StatusCode >= 200 {
			return resp, err
		}
		if resp.StatusCode == http.StatusSwitchingProtocols {
			return nil, cgi.Bad("it switches protocols, which uwsgi does not have")
		}
	}
	return nil, cgi.Bad("more than 8 informational responses")
}

// head reads one head; the body follows it.
func (x *exchange) head(br *bufio.Reader) (*http.Response, error) {
	h := cgi.NewHeadReader(br, false)
	line, err := h.Line()
	if err != nil {
		return nil, err
	}
	resp := &http.Response{Request: x.req, ProtoMajor: 1, Header: make(http.Header, 8), ContentLength: -1, Close: true}
	if err := parseStatusLine(resp, line); err != nil {
		return nil, err
	}
	if err := h.Fields(resp); err != nil {
		return nil, err
	}
	if resp.StatusCode < 200 {
		return resp, nil
	}
	if resp.Header["Transfer-Encoding"] != nil { // the framing would count as body
		return nil, cgi.Bad("it has a Transfer-Encoding, which uwsgi does not have")
	}
	switch {
	case x.req.Method == http.MethodHead, resp.StatusCode == http.StatusNoContent, resp.StatusCode == http.StatusNotModified:
		x.End()
		resp.Body = http.NoBody
		if x.req.Method != http.MethodHead && resp.StatusCode == http.StatusNoContent {
			resp.ContentLength = 0
		}
	default:
		resp.Body = &responseBody{cgi.Body{From: br, Left: resp.ContentLength, Why: x.why}, x}
	}
	return resp, nil
}

// parseStatusLine: RFC 9112 4.
func parseStatusLine(resp *http.Response, line string) error {
	version, rest, ok := strings.Cut(line, " ")
	if !ok || version != "HTTP/1.1" && version != "HTTP/1.0" {
		return cgi.Bad("%.100q is no status line", line)
	}
	resp.Proto, resp.ProtoMinor = version, int(version[7]-'0')
	return cgi.ParseStatus(resp, rest)
}

// responseBody ends at the declared length, else with the connection.
type responseBody struct {
	cgi.Body
	x *exchange
}

// Close ends the connection, and returns when no goroutine of the exchange runs any more.
func (b *responseBody) Close() error {
	b.x.End()
	return nil
}
