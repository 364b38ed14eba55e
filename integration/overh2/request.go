package overh2

import (
	"bytes"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// untranslatable says why a request has no form in HTTP/2.
type untranslatable string

func (u untranslatable) Error() string { return string(u) }

func noForm(format string, args ...any) error { return untranslatable(fmt.Sprintf(format, args...)) }

// head is the head of a request.
type head struct {
	method  string
	fields  [][2]string // with the pseudo fields first
	length  int64       // of the body; -1: it is chunked
	last    bool        // the connection ends after its answer
	bodyEnd bool        // there is no body
}

// requests reads requests.
type requests struct {
	in     *pipe
	scheme string
	buf    []byte
}

// fill reads more.
func (r *requests) fill() error {
	b := make([]byte, 32<<10)
	n, _, err := r.in.read(b, false)
	r.buf = append(r.buf, b[:n]...)
	return err
}

// line reads one line, which must end with CR LF.
func (r *requests) line() (string, error) {
	for {
		if i := bytes.IndexByte(r.buf, '\n'); i >= 0 {
			text := string(r.buf[:i+1])
			r.buf = r.buf[i+1:]
			if !strings.HasSuffix(text, "\r\n") {
				return "", noForm("a line that ends without CR: %.100q", text)
			}
			return text[:len(text)-2], nil
		}
		if err := r.fill(); err != nil {
			return "", err
		}
	}
}

// next reads a head.
func (r *requests) next() (*head, error) {
	line, err := r.line()
	if err != nil {
		return nil, err
	}
	words := strings.Split(line, " ")
	if len(words) != 3 || words[2] != "HTTP/1.1" {
		return nil, noForm("the request line %.100q", line)
	}
	h := &head{method: words[0]}
	authority := ""
	var fields [][2]string
	for {
		line, err := r.line()
		if err != nil {
			return nil, err
		}
		if line == "" {
			break
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || strings.TrimSpace(name) != name || name == "" {
			return nil, noForm("the field line %.100q", line)
		}
		value = strings.Trim(value, " \t")
		switch name = strings.ToLower(name); name {
		case "host":
			if authority != "" || value == "" {
				return nil, noForm("Host: %q", value)
			}
			authority = value
		case "connection", "transfer-encoding":
			if err := h.connection(name, value); err != nil {
				return nil, err
			}
		default:
			if err := h.sized(name, value); err != nil {
				return nil, err
			}
			fields = append(fields, [2]string{name, value})
		}
	}
	h.bodyEnd = h.length == 0
	return h, h.address(words[1], authority, r.scheme, fields)
}

// connection takes a field of the connection.
func (h *head) connection(name, value string) error {
	switch low := strings.ToLower(value); {
	case name == "connection" && low == "close":
		h.last = true
	case name == "connection" && low == "keep-alive":
	case name == "transfer-encoding" && low == "chunked" && h.length == 0:
		h.length = -1
	default:
		return noForm("%s: %q", name, value)
	}
	return nil
}

// sized looks for the body's length.
func (h *head) sized(name, value string) error {
	switch name {
	case "content-length":
		n, err := strconv.ParseUint(value, 10, 62)
		if err != nil || h.length != 0 {
			return noForm("Content-Length: %q", value)
		}
		h.length = int64(n)
	case "upgrade", "keep-alive", "proxy-connection", "http2-settings":
		return noForm("%s: %q", name, value)
	}
	return nil
}

// address makes the pseudo fields.
func (h *head) address(target, authority, scheme string, fields [][2]string) error {
	pseudo := [][2]string{{":method", h.method}}
	if h.method == "CONNECT" {
		h.fields = append(append(pseudo, [2]string{":authority", target}), fields...)
		return nil
	}
	if !strings.HasPrefix(target, "/") && target != "*" {
		u, err := url.Parse(target)
		if err != nil || u.Host == "" {
			return noForm("the target %.100q", target)
		}
		authority = u.Host
		target = target[strings.Index(target, u.Host)+len(u.Host):]
		if !strings.HasPrefix(target, "/") {
			target = "/" + target
		}
	}
	pseudo = append(pseudo, [2]string{":scheme", scheme}, [2]string{":path", target})
	if authority != "" {
		pseudo = append(pseudo, [2]string{":authority", authority})
	}
	h.fields = append(pseudo, fields...)
	return nil
}

// body sends the body of h on s.
func (r *requests) body(h *head, s *stream) error {
	if h.bodyEnd {
		return nil
	}
	if h.length > 0 {
		return r.data(h.length, s, true)
	}
	for {
		line, err := r.line()
		if err != nil {
			return err
		}
		digits, _, _ := strings.Cut(line, ";")
		n, err := strconv.ParseUint(strings.TrimSpace(digits), 16, 62)
		if err != nil {
			return noForm("the chunk's size %.100q", line)
		}
		if n == 0 {
			break
		}
		if err := r.data(int64(n), s, false); err != nil {
			return err
		}
		if line, err := r.line(); err != nil || line != "" {
			if err == nil {
				err = noForm("%.100q after a chunk", line)
			}
			return err
		}
	}
	var trailers [][2]string
	for {
		line, err := r.line()
		if err != nil {
			return err
		}
		if line == "" {
			return s.finish(trailers)
		}
		name, value, _ := strings.Cut(line, ":")
		trailers = append(trailers, [2]string{strings.ToLower(name), strings.Trim(value, " \t")})
	}
}

// data sends n bytes as they come. last: the body ends with them.
func (r *requests) data(n int64, s *stream, last bool) error {
	for n > 0 {
		if len(r.buf) == 0 {
			if err := r.fill(); err != nil {
				return err
			}
		}
		part := r.buf[:min(int64(len(r.buf)), n)]
		r.buf, n = r.buf[len(part):], n-int64(len(part))
		if err := s.send(part, last && n == 0); err != nil {
			return err
		}
	}
	return nil
}
