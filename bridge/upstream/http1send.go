package upstream

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/standpipe/standpipe/bridge/cpu"
)

// headBuffers hold heads of requests, with small bodies.
var headBuffers = sync.Pool{New: func() any { return new(make([]byte, 0, 4<<10)) }}

const (
	// smallBody is the largest body that is written with the head; bytes.
	smallBody = 16 << 10
	// maxPooled is the largest buffer that is kept; bytes.
	maxPooled = 64 << 10
)

var errField = errors.New("a field of the request has a control byte")

// send writes the request: a small body with the head, a larger one, or one that is still coming, by a goroutine while the
// response is awaited.
func (x *exchange1) send() error {
	buf := headBuffers.Get().(*[]byte)
	defer func() {
		if cap(*buf) <= maxPooled {
			headBuffers.Put(buf)
		}
	}()
	req, sends := x.req, x.req.hasBody()
	var err error
	if *buf, err = appendHead((*buf)[:0], req, x.t.pool.max == 0); err != nil {
		return err
	}
	small := sends && req.Again != nil && req.Length > 0 && req.Length <= smallBody
	if small {
		if *buf, err = appendBody(*buf, req); err != nil {
			x.bodyErr = err
			return err
		}
	}
	n, err := x.c.Conn.Write(*buf)
	if err != nil && (n == 0 || !Closed(err)) { // else there may be a response all the same
		return err
	}
	if !sends || small {
		x.await(req.Begun)
		cpu.Yield(req.Busy) // then the response may be there
		return nil
	}
	if req.Expect {
		x.ask = make(chan struct{})
	}
	x.unsent = true
	x.sending.Go(x.sendBody) // ends with the connection, and end waits for it
	return nil
}

// appendBody appends a body that is there.
func appendBody(b []byte, req *Request) ([]byte, error) {
	n := len(b)
	b = append(b, make([]byte, req.Length)...)
	_, err := io.ReadFull(req.Body, b[n:])
	return b, err
}

// sendBody sends the body. When the server does not take all of it, its response counts, not our error; when the body is
// shorter, the connection ends: half a body must not look complete.
func (x *exchange1) sendBody() {
	if x.ask != nil {
		timer := time.NewTimer(continueTime)
		select {
		case <-x.ask:
		case <-timer.C:
		}
		timer.Stop()
		x.mu.Lock()
		ended := x.ended // a read would ask the client for the body
		x.mu.Unlock()
		if ended {
			return
		}
	}
	chunked := x.req.Length < 0
	buf := make([]byte, partHead+partSize+2)
	for left := x.req.Length; left != 0; {
		room := int64(partSize)
		if !chunked {
			room = min(room, left)
		}
		n, err := x.req.Body.Read(buf[partHead:][:room])
		if n > 0 {
			left -= int64(n)
			part := buf[partHead:][:n]
			if chunked {
				left = -1
				part = chunk(buf, n)
			}
			if _, err := x.c.Conn.Write(part); err != nil {
				return
			}
		}
		if err == io.EOF && chunked {
			break
		}
		if err != nil && left != 0 {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			x.mu.Lock()
			x.bodyErr = err
			x.mu.Unlock()
			x.c.Close()
			return
		}
	}
	if chunked {
		tail, err := appendTrailers([]byte("0\r\n"), x.req.Trailer)
		if err != nil {
			x.c.Close()
			return
		}
		if _, err := x.c.Conn.Write(append(tail, "\r\n"...)); err != nil {
			return
		}
	}
	x.await(time.Now())
	x.mu.Lock()
	x.unsent = false
	x.mu.Unlock()
}

// partHead is the room in front of a part for the size of a chunk; bytes.
const partHead = 8

// chunk frames the n bytes behind partHead in buf (RFC 9112 7.1).
func chunk(buf []byte, n int) []byte {
	size := strconv.FormatInt(int64(n), 16)
	from := partHead - len(size) - 2
	copy(buf[from:], size)
	copy(buf[partHead-2:], "\r\n")
	copy(buf[partHead+n:], "\r\n")
	return buf[from : partHead+n+2]
}

// appendHead appends the head of a request. last: the connection is for this request only.
func appendHead(b []byte, req *Request, last bool) ([]byte, error) {
	b = append(append(b, req.Method...), ' ')
	target := req.URL.RequestURI()
	b = append(append(b, target...), " HTTP/1.1\r\nHost: "...)
	host := req.Host
	if host == "" { // of an HTTP/1.0 request: RFC 9112 3.2 wants one
		host = req.URL.Host
	}
	b = append(append(b, host...), "\r\n"...)
	sends := req.hasBody()
	switch {
	case sends && req.Length < 0:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
		if len(req.Trailer) > 0 {
			names := slices.Collect(maps.Keys(req.Trailer))
			b = append(append(append(b, "Trailer: "...), strings.Join(names, ", ")...), "\r\n"...)
		}
	case sends || req.Method == http.MethodPost || req.Method == http.MethodPut || req.Method == http.MethodPatch:
		b = append(strconv.AppendInt(append(b, "Content-Length: "...), max(req.Length, 0), 10), "\r\n"...)
	}
	if last && !req.Upgrade || req.Method == http.MethodHead {
		b = append(b, "Connection: close\r\n"...)
	}
	if hasControl(req.Method) || hasControl(target) || strings.ContainsRune(target, ' ') || hasControl(req.Host) {
		return b, errField
	}
	for i := range req.Fields {
		f := &req.Fields[i]
		if hasControl(f.Name) || hasControl(f.Value) {
			return b, errField
		}
		if !framesLike(f.Name) {
			b = append(append(append(append(b, f.Name...), ": "...), f.Value...), "\r\n"...)
		}
	}
	return append(b, "\r\n"...), nil
}

// framesLike is frames for a name in any case.
func framesLike(name string) bool {
	switch len(name) {
	case len("Host"):
		return isName(name, "Host")
	case len("Trailer"):
		return isName(name, "Trailer")
	case len("Content-Length"):
		return isName(name, "Content-Length")
	case len("Transfer-Encoding"):
		return isName(name, "Transfer-Encoding")
	}
	return false
}

// appendTrailers appends the fields behind a chunked body.
func appendTrailers(b []byte, h http.Header) ([]byte, error) {
	for name, values := range h {
		for _, v := range values {
			if hasControl(name) || hasControl(v) {
				return b, errField
			}
			if !frames(name) {
				b = append(append(append(append(b, name...), ": "...), v...), "\r\n"...)
			}
		}
	}
	return b, nil
}

// hasControl reports whether s has a byte that could end a line.
func hasControl(s string) bool {
	for i := range len(s) {
		if controls[s[i]] {
			return true
		}
	}
	return false
}

var controls = func() (t [256]bool) {
	for c := range t {
		t[c] = c < ' ' && c != '\t' || c == 0x7f
	}
	return t
}()
