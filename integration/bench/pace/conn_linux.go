package main

import (
	"bytes"
	"strconv"
	"syscall"
)

// What a read has come to.
const (
	more  = iota // the answer is not whole yet
	whole        // it is
	ended        // the server has closed the connection, or something is wrong with it
)

// conn is one connection and the request on it. fd is -1 while it is closed.
type conn struct {
	fd      int
	request *request // nil: it is idle
	sent    bool
	fresh   bool // this request is its first

	buffer []byte
	block  [65536]byte
	status int
	close  bool // the server closes after this answer
}

func (c *conn) begin(q *request) {
	q.conn = c
	c.request, c.sent = q, false
	c.buffer, c.status, c.close = c.buffer[:0], 0, false
}

// connected tells whether a connection that was under way stands.
func (c *conn) connected() bool {
	code, err := syscall.GetsockoptInt(c.fd, syscall.SOL_SOCKET, syscall.SO_ERROR)
	return err == nil && code == 0
}

// send writes the whole request; one that does not fit into the empty buffer of a socket is a failure.
func (c *conn) send(request []byte) bool {
	n, err := syscall.Write(c.fd, request)
	c.sent = true
	return err == nil && n == len(request)
}

func (c *conn) read() int {
	for {
		n, err := syscall.Read(c.fd, c.block[:])
		if err == syscall.EAGAIN {
			return c.look(false)
		}
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return ended
		}
		if n == 0 {
			c.close = true
			return c.look(true)
		}
		c.buffer = append(c.buffer, c.block[:n]...)
		if n < len(c.block) {
			return c.look(false)
		}
	}
}

// look tells how much of an answer is there; atEnd: nothing more will come.
func (c *conn) look(atEnd bool) int {
	missing := more
	if atEnd {
		missing = ended
	}
	head, body, found := bytes.Cut(c.buffer, []byte("\r\n\r\n"))
	if !found || len(head) < len("HTTP/1.1 200") {
		return missing
	}
	c.status, _ = strconv.Atoi(string(head[9:12]))
	if head[7] == '0' {
		c.close = true
	}
	length, chunked := -1, false
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			length, _ = strconv.Atoi(string(value))
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			chunked = true
		case bytes.EqualFold(name, []byte("Connection")) && bytes.EqualFold(value, []byte("close")):
			c.close = true
		}
	}
	switch {
	case chunked && bytes.HasSuffix(body, []byte("0\r\n\r\n")), length >= 0 && len(body) >= length, length < 0 && !chunked && atEnd:
		return whole
	}
	return missing
}
