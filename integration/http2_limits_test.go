package integration

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// Types and flags of frames (RFC 9113 6).
const (
	dataFrame, headersFrame, rstFrame, settingsFrame, goAwayFrame = 0, 1, 3, 4, 7

	endStream, endHeaders = 1, 4
)

// Field blocks for the host h.
const (
	getBlock  = "\x82\x84\x86\x01\x01h" // GET /
	postBlock = "\x83\x84\x86\x01\x01h"
	bigBlock  = "\x82\x04\x04/big\x86\x01\x01h"
)

// rawTwo is a client of HTTP/2 that writes its frames itself.
type rawTwo struct {
	net.Conn
	t testing.TB
}

// rawTwo opens a connection without TLS. settings are those of the client.
func (s *server) rawTwo(t testing.TB, settings string) *rawTwo {
	t.Helper()
	c, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	two := &rawTwo{c, t}
	two.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	two.frame(settingsFrame, 0, 0, settings)
	return two
}

// write sends bytes; the server may have closed the connection.
func (c *rawTwo) write(text string) { _, _ = io.WriteString(c.Conn, text) }

func (c *rawTwo) frame(kind, flags byte, stream uint32, payload string) {
	n := len(payload)
	c.write(string(binary.BigEndian.AppendUint32([]byte{byte(n >> 16), byte(n >> 8), byte(n), kind, flags}, stream)) + payload)
}

// until reads up to a frame of a kind and a stream, and returns its payload; ok false: the connection has ended.
func (c *rawTwo) until(kind byte, stream uint32) (payload []byte, ok bool) {
	c.t.Helper()
	for {
		head := make([]byte, 9)
		_, err := io.ReadFull(c, head)
		if err == nil {
			payload = make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
			_, err = io.ReadFull(c, payload)
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			c.t.Fatal("the connection stays open")
		}
		if err != nil {
			return nil, false
		}
		if head[3] == kind && binary.BigEndian.Uint32(head[5:]) == stream {
			return payload, true
		}
	}
}

// twoLimits serves HTTP/2 without TLS with these limits, and with short ones for bodies and answers.
func twoLimits(t testing.TB, limits string) *server {
	return start(t, opts{Dir: project(t, map[string]string{"app.py": `
def app(environ, start_response):
    environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] == "/big":
        return (b"x" * 65536 for _ in range(1000))
    return [b"hello"]
`, "standpipe.toml": `[[listen]]
address = "127.0.0.1:0"
h2c = "on"
[limits]
body_timeout = "1s"
send_timeout = "1s"
min_rate = "1KiB"
` + limits + `
[[app]]
name = "a"
module = "app:app"
workers = 1
`}), Bare: true, Args: []string{"--log-format", "json"}})
}

// logged waits for a line of the access log.
func (s *server) logged(t testing.TB, text string) {
	t.Helper()
	eventually(t, "the access log has "+text, func() bool { return strings.Contains(strings.Join(s.access(), "\n"), text) })
}

// endedBy waits for the record and the count of a connection that ends.
func (s *server) endedBy(t testing.TB, reason string) {
	t.Helper()
	eventually(t, "connection_ended: "+reason, func() bool {
		for _, r := range s.events("connection_ended") {
			if r.str("reason") == reason && strings.HasPrefix(r.str("peer"), "127.0.0.1:") {
				return s.metrics("unix", s.controlSocket())[`standpipe_http2_connections_ended_total{reason="`+reason+`"}`] == 1
			}
		}
		return false
	})
}

// The limits for slow clients hold for streams, whatever frames they are made of; the connection and its other streams go on.
func TestHTTP2SlowClients(t *testing.T) {
	t.Parallel()
	s := twoLimits(t, "idle_timeout = \"10m\"")
	t.Run("a body does not come", func(t *testing.T) {
		c := s.rawTwo(t, "")
		c.frame(headersFrame, endHeaders, 1, postBlock+"\x0f\x0d\x015") // Content-Length: 5
		if _, ok := c.until(headersFrame, 1); !ok {
			t.Error("no answer")
		}
		s.logged(t, `"status":408`)
		c.frame(headersFrame, endHeaders|endStream, 3, getBlock)
		if _, ok := c.until(dataFrame, 3); !ok {
			t.Error("the connection has ended")
		}
	})
	t.Run("a body comes byte by byte", func(t *testing.T) {
		c := s.rawTwo(t, "")
		c.frame(headersFrame, endHeaders, 1, postBlock)
		done := make(chan struct{})
		go func() {
			defer close(done)
			if _, ok := c.until(headersFrame, 1); !ok {
				t.Error("no answer")
			}
		}()
		tick := time.NewTicker(20 * time.Millisecond) // 50 bytes in a second
		defer tick.Stop()
		for over := false; !over; {
			select {
			case <-done:
				over = true
			case <-tick.C:
				c.frame(dataFrame, 0, 1, "x")
			}
		}
		eventually(t, "the access log has both", func() bool { return strings.Count(strings.Join(s.access(), "\n"), `"status":408`) == 2 })
	})
	t.Run("the window stays shut", func(t *testing.T) {
		c := s.rawTwo(t, "\x00\x04\x00\x00\x00\x00")
		c.frame(headersFrame, endHeaders|endStream, 1, bigBlock)
		if _, ok := c.until(rstFrame, 1); !ok {
			t.Error("the connection has ended, and not the stream")
		}
		if r := s.waitEvent("slow_client"); r.str("reason") != "send_timeout" || r.str("peer") != c.LocalAddr().String() {
			t.Errorf("%v", r)
		}
		c.frame(settingsFrame, 0, 0, "\x00\x04\x00\x01\x00\x00") // it opens
		c.frame(headersFrame, endHeaders|endStream, 3, getBlock)
		if p, ok := c.until(dataFrame, 3); !ok || string(p) != "hello" {
			t.Errorf("the next stream: %q", p)
		}
	})
	t.Run("fields do not end", func(t *testing.T) {
		s := twoLimits(t, "header_timeout = \"1s\"")
		c := s.rawTwo(t, "")
		c.frame(headersFrame, endStream, 1, getBlock)
		if _, ok := c.until(headersFrame, 1); ok {
			t.Error("an answer")
		}
		s.endedBy(t, "header_timeout")
	})
	t.Run("it is idle", func(t *testing.T) {
		s := twoLimits(t, "idle_timeout = \"2s\"")
		c := s.rawTwo(t, "")
		p, ok := c.until(goAwayFrame, 0)
		if !ok || binary.BigEndian.Uint32(p[4:]) != 0 {
			t.Errorf("no GOAWAY without an error: %x", p)
		}
		if _, ok := c.until(goAwayFrame, 0); ok {
			t.Error("a second GOAWAY")
		}
	})
}

// A flood ends its connection, and is counted; what is refused without a handler has a line in the access log.
func TestHTTP2Floods(t *testing.T) {
	t.Parallel()
	s := twoLimits(t, "idle_timeout = \"10m\"")
	c := s.rawTwo(t, "")
	// As much as the server takes before it closes the connection: more would be answered by a reset, which discards its GOAWAY.
	c.write(strings.Repeat("\x00\x00\x00\x04\x00\x00\x00\x00\x00", 1000))
	if p, ok := c.until(goAwayFrame, 0); !ok || binary.BigEndian.Uint32(p[4:]) != 11 {
		t.Errorf("no GOAWAY with ENHANCE_YOUR_CALM: %x", p)
	}
	s.endedBy(t, "settings_flood")
	bad := s.rawTwo(t, "")
	field := "\x00\x01a\x7f\x01" + strings.Repeat("b", 128)
	for i, block := range []string{getBlock + strings.Repeat(field, 120), getBlock + "\x00\x0aconnection\x05close", "\x82\x86\x01\x01h"} {
		flags := byte(endStream | endHeaders)
		if i == 0 {
			flags = endStream
		}
		bad.frame(headersFrame, flags, uint32(2*i+1), block)
		if i == 0 {
			bad.frame(9, endHeaders, 1, strings.Repeat(field, 110))
		}
	}
	if _, ok := bad.until(rstFrame, 5); !ok {
		t.Error("no reset")
	}
	eventually(t, "all are counted, logged and recorded", func() bool {
		m, lines := s.metrics("unix", s.controlSocket()), strings.Join(s.access(), "\n")
		for _, reason := range []string{"head_too_large", "connection_field", "stream_error"} {
			if m[`standpipe_requests_refused_total{reason="`+reason+`"}`] != 1 {
				return false
			}
		}
		return strings.Count(lines, `"status":431`) == 1 && strings.Count(lines, `"status":400`) == 2 && len(s.events("request_refused")) == 3
	})
	for _, r := range s.events("request_refused") {
		if r.str("client") != "127.0.0.1" || r.str("reason") == "" {
			t.Errorf("%v", r)
		}
	}
}
