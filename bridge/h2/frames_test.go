package h2

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// get is the field block of GET / for http.
var get = "\x82\x84\x86\x01\x01h"

func frame(kind, flags byte, stream uint32, payload string) string {
	n := len(payload)
	return string(binary.BigEndian.AppendUint32([]byte{byte(n >> 16), byte(n >> 8), byte(n), kind, flags}, stream)) + payload
}

// patience is how long what has to happen may take.
const patience = 2 * time.Minute

// dial opens a connection.
func dial(t *testing.T, url string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c
}

func send(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

// read reads one frame.
func read(c net.Conn) (kind byte, payload []byte, err error) {
	head := make([]byte, 9)
	if _, err := io.ReadFull(c, head); err != nil {
		return 0, nil, err
	}
	payload = make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
	_, err = io.ReadFull(c, payload)
	return head[3], payload, err
}

// goneAway reads up to GOAWAY, and returns the last stream and the error code that it has.
func goneAway(t *testing.T, c net.Conn) (last, code uint32) {
	t.Helper()
	for {
		kind, p, err := read(c)
		if err != nil {
			t.Fatalf("no GOAWAY: %v", err)
		}
		if kind == goAwayFrame {
			return binary.BigEndian.Uint32(p), binary.BigEndian.Uint32(p[4:])
		}
	}
}

// toEnd reads until the connection ends, and reports whether that was before patience.
func toEnd(c net.Conn) bool {
	_, err := io.Copy(io.Discard, c)
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

// taken waits until the server has n connections whose preface is to come.
func taken(t *testing.T, s *Server, n int) {
	t.Helper()
	for limit := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		s.mu.Lock()
		have := len(s.waiting)
		s.mu.Unlock()
		if have == n {
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("%d connections wait, want %d", have, n)
		}
	}
}

// A client has HeaderTimeout for the preface.
func TestNoPreface(t *testing.T) {
	_, url, _ := serveWith(t, Options{HeaderTimeout: 50 * time.Millisecond}, func(http.ResponseWriter, *http.Request) {})
	if c := dial(t, url); !toEnd(c) {
		t.Error("it stays open")
	}
}

// A head has an end.
func TestEndlessHead(t *testing.T) {
	_, url, _ := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a request") })
	c := dial(t, url)
	send(t, c, preface+frame(settingsFrame, 0, 0, "")+frame(headersFrame, endStream, 1, get))
	fields := strings.Repeat("\x00\x01a\x64"+strings.Repeat("b", 100), 150)
	for range 1000 {
		if _, err := io.WriteString(c, frame(continuationFrame, 0, 1, fields)); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("it stays open, and is not read any more")
			}
			return
		}
	}
	t.Error("15 MB of fields")
}

// Requests that are begun and reset at once do not run beyond the limit of streams, and do not queue without one.
func TestRapidReset(t *testing.T) {
	var running atomic.Int64
	gate := make(chan bool)
	_, url, _ := serve(t, func(http.ResponseWriter, *http.Request) { running.Add(1); <-gate })
	t.Cleanup(func() { close(gate) }) // before the server is closed
	c := dial(t, url)
	var all strings.Builder
	all.WriteString(preface + frame(settingsFrame, 0, 0, ""))
	for i := range uint32(1000) {
		all.WriteString(frame(headersFrame, endStream|endHeaders, 2*i+1, get) + frame(rstFrame, 0, 2*i+1, "\x00\x00\x00\x08"))
	}
	send(t, c, all.String())
	if _, code := goneAway(t, c); code != enhanceYourCalm {
		t.Errorf("the error of GOAWAY is %d", code)
	}
	if n := running.Load(); n > maxStreams {
		t.Errorf("%d requests ran at a time", n)
	}
}
