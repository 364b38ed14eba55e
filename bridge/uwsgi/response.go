package uwsgi

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// maxResponseHead bounds a response's head; bytes.
const maxResponseHead = 256 << 10

// BadResponse: the server's response does not follow HTTP, so no part of it is used.
type BadResponse struct{ Reason string }

func (e *BadResponse) Error() string { return "the upstream's response cannot be used: " + e.Reason }

func bad(format string, args ...any) error { return &BadResponse{fmt.Sprintf(format, args...)} }

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
			return nil, bad("it switches protocols, which uwsgi does not have")
		}
	}
	return nil, bad("more than 8 informational responses")
}

// head reads one head; the body follows it.
func (x *exchange) head(br *bufio.Reader) (*http.Response, error) {
	left := maxResponseHead
	line, err := readLine(br, &left)
	if err != nil {
		return nil, err
	}
	resp := &http.Response{Request: x.req, ProtoMajor: 1, Header: make(http.Header, 8), ContentLength: -1, Close: true}
	if err := parseStatusLine(resp, line); err != nil {
		return nil, err
	}
	for {
		if line, err = readLine(br, &left); err != nil {
			return nil, err
		}
		if line == "" {
			break
		}
		if err := parseField(resp, line); err != nil {
			return nil, err
		}
	}
	if resp.StatusCode < 200 {
		return resp, nil
	}
	if resp.Header["Transfer-Encoding"] != nil { // the framing would count as body
		return nil, bad("it has a Transfer-Encoding, which uwsgi does not have")
	}
	switch {
	case x.req.Method == http.MethodHead, resp.StatusCode == http.StatusNoContent, resp.StatusCode == http.StatusNotModified:
		x.end()
		resp.Body = http.NoBody
		if x.req.Method != http.MethodHead && resp.StatusCode == http.StatusNoContent {
			resp.ContentLength = 0
		}
	default:
		resp.Body = &responseBody{x: x, br: br, left: resp.ContentLength}
	}
	return resp, nil
}

// readLine reads a line and removes its CR and LF.
func readLine(br *bufio.Reader, left *int) (string, error) {
	var line []byte
	for {
		part, err := br.ReadSlice('\n')
		if *left -= len(part); *left < 0 {
			return "", bad("its head is larger than %d bytes", maxResponseHead)
		}
		line = append(line, part...)
		if err == nil {
			break
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err == io.EOF && len(line) > 0 {
			err = io.ErrUnexpectedEOF
		}
		return "", err
	}
	if len(line) < 2 || line[len(line)-2] != '\r' {
		return "", bad("the line %.100q does not end in CR LF", line)
	}
	line = line[:len(line)-2]
	for _, c := range line {
		if c < ' ' && c != '\t' || c == 0x7f {
			return "", bad("the line %.100q holds the control byte %#02x", line, c)
		}
	}
	return string(line), nil
}

// parseStatusLine: RFC 9112 4.
func parseStatusLine(resp *http.Response, line string) error {
	version, rest, ok := strings.Cut(line, " ")
	if !ok || version != "HTTP/1.1" && version != "HTTP/1.0" {
		return bad("%.100q is no status line", line)
	}
	resp.Proto, resp.ProtoMinor = version, int(version[7]-'0')
	code, _, _ := strings.Cut(rest, " ")
	n, err := strconv.ParseUint(code, 10, 16)
	if err != nil || len(code) != 3 || n < 100 || n > 599 {
		return bad("%.100q is no status", rest)
	}
	resp.StatusCode, resp.Status = int(n), rest
	return nil
}

// parseField: RFC 9112 5; a folded line (5.2) is none.
func parseField(resp *http.Response, line string) error {
	name, value, ok := strings.Cut(line, ":")
	if !ok || !httpx.IsToken(name) {
		return bad("%.100q is no field", line)
	}
	value = strings.Trim(value, " \t")
	key := textproto.CanonicalMIMEHeaderKey(name)
	if key == "Content-Length" {
		n, err := strconv.ParseUint(value, 10, 63)
		if err != nil {
			return bad("Content-Length %.100q is no length", value)
		}
		if resp.Header[key] != nil {
			return bad("it has two Content-Length fields")
		}
		resp.ContentLength = int64(n)
	}
	resp.Header[key] = append(resp.Header[key], value)
	return nil
}

// responseBody ends at the declared length, else with the connection. A connection that
// ends before is an error.
type responseBody struct {
	x    *exchange
	br   *bufio.Reader
	left int64 // -1: until the end
	err  error
}

func (b *responseBody) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if b.left == 0 {
		return 0, io.EOF
	}
	if b.left > 0 && int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.br.Read(p)
	if b.left > 0 {
		b.left -= int64(n)
	}
	switch {
	case err == io.EOF && b.left > 0:
		err = io.ErrUnexpectedEOF
	case err == nil && b.left == 0:
		err = io.EOF
	}
	if err != nil && err != io.EOF {
		err = b.x.why(err)
	}
	b.err = err
	return n, err
}

// Close ends the connection, and returns when no goroutine of the exchange runs any more.
func (b *responseBody) Close() error {
	b.x.end()
	return nil
}
