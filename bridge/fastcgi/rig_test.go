package fastcgi

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/fcgi"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/upstream"
)

var usual = upstream.Timeouts{Connect: time.Minute, Send: time.Minute, Read: time.Minute}

// events is a log whose records a test looks at.
type events struct {
	mu sync.Mutex
	bytes.Buffer
}

func (e *events) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.Buffer.Write(p)
}

// of returns the records of an event.
func (e *events) of(name string) (list []map[string]any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for line := range bytes.Lines(e.Bytes()) {
		var m map[string]any
		if json.Unmarshal(line, &m) == nil && m["@message"] == name {
			list = append(list, m)
		}
	}
	return list
}

// serving is net/http/fcgi behind a Transport.
func serving(t *testing.T, network string, keep int, h http.HandlerFunc) (*Transport, *events) {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "s")
	}
	ln, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	go fcgi.Serve(ln, h) // ends with the listener
	t.Cleanup(func() { ln.Close() })
	return transport(ln, keep, usual)
}

func transport(ln net.Listener, keep int, limits upstream.Timeouts) (*Transport, *events) {
	e := &events{}
	log := hclog.New(&hclog.LoggerOptions{Output: e, JSONFormat: true})
	return NewTransport(upstream.Dialer{Network: ln.Addr().Network(), Address: ln.Addr().String(), Timeouts: limits}, Options{Name: "up", Keep: keep, Log: log}), e
}

// byHand answers each connection by hand; it gets what the client sent until the end of its STDIN.
func byHand(t *testing.T, keep int, limits upstream.Timeouts, answer func(c net.Conn, request []byte)) (*Transport, *events) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer c.Close()
				answer(c, readRequest(c))
			})
		}
	})
	t.Cleanup(func() { ln.Close(); running.Wait() })
	return transport(ln, keep, limits)
}

// readRequest reads one request; nil: the connection has ended.
func readRequest(c io.Reader) (all []byte) {
	for {
		head := make([]byte, headerSize)
		if _, err := io.ReadFull(c, head); err != nil {
			return nil
		}
		h, _ := parseHeader(head)
		content := make([]byte, h.length+h.padding)
		if _, err := io.ReadFull(c, content); err != nil {
			return nil
		}
		all = append(append(all, head...), content...)
		if h.kind == typeStdin && h.length == 0 {
			return all
		}
	}
}

func request(t *testing.T, method, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, "http://h/a%2Fb?q=1", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body == "" {
		r.Body = http.NoBody
	}
	r.RequestURI = "/a%2Fb?q=1"
	return r
}

// send sends a request and reads its response.
func send(tr *Transport, r *http.Request) (*http.Response, string, error) {
	resp, err := tr.RoundTrip(r)
	if err != nil {
		return nil, "", err
	}
	b, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	return resp, string(b), err
}

func ok(head, body string) string {
	return rec(typeStdout, 1, head+"\r\n\r\n"+body, 0) + rec(typeStdout, 1, "", 0) + endRec(0, 0)
}
