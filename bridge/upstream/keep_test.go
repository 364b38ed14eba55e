package upstream

import (
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/bridgetest"
	"github.com/standpipe/standpipe/bridge/httpx"
)

// ends are the two ends of a connection, the first one as the keep has it.
func ends(t *testing.T) (*conn1, net.Conn) {
	t.Helper()
	c, s := bridgetest.Pair(t)
	k, err := newSocket(c, 0)
	if err != nil {
		t.Fatal(err)
	}
	return &conn1{Conn: k, socket: k}, s
}

// closed waits until the other end of c is closed.
func closed(t *testing.T, c net.Conn) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := c.Read(make([]byte, 1)); !Closed(err) {
		t.Error(err)
	}
}

func TestKeptConnections(t *testing.T) {
	t.Parallel()
	k := &keep{max: 2, idle: time.Minute}
	dead, other := ends(t)
	spoken, loud := ends(t)
	k.put(dead)
	k.put(spoken)
	other.Close()
	io.WriteString(loud, "x")
	bridgetest.Until(t, "an end and a byte", func() bool { return !dead.socket.alive() && !spoken.socket.alive() })
	if c := k.take(false, time.Now().Add(2*fresh)); c != nil {
		t.Error("a dead connection, or one that has spoken unasked, is used")
	}
	closed(t, loud)

	k.proven = time.Hour
	just, over := ends(t)
	k.put(just)
	over.Close()
	bridgetest.Until(t, "the end", func() bool { return !just.socket.alive() })
	if k.take(false, just.since) != just {
		t.Error("a connection that was just used is looked at")
	}
	k.put(just)
	if k.take(true, just.since) != nil {
		t.Error("a dead connection is used by a request that must not run twice")
	}
	k.proven = 0

	old, peer := ends(t)
	k.put(old)
	old.since = time.Now().Add(-time.Hour)
	if k.take(false, time.Now()) != nil {
		t.Error("an old connection is used")
	}
	closed(t, peer)

	a, _ := ends(t)
	b, _ := ends(t)
	c, beyond := ends(t)
	if !k.put(a) || !k.put(b) || k.put(c) {
		t.Error("max is not respected")
	}
	c.Close()
	closed(t, beyond)
	if k.take(true, time.Now()) != nil { // nothing is known of the server
		t.Error("a request that must not run twice uses a kept connection")
	}
	a.since = time.Now().Add(-20 * time.Second)
	k.sweep()
	if k.take(true, time.Now()) != b || k.take(true, time.Now()) != nil || k.take(false, time.Now()) != a { // 20 s are proven: b is young, a is not
		t.Error("a server that keeps connections for 20 s is not used so")
	}
	k.put(a)
	k.close()
	if k.put(b) || k.take(false, time.Now()) != nil {
		t.Error("there is one after close")
	}
}

// No byte of a request ends a line but ours.
func TestHeadsOfRequests(t *testing.T) {
	t.Parallel()
	for _, change := range []func(*Request){
		func(q *Request) { q.Fields = []httpx.Field{{Name: "X", Value: "a\r\nB: c"}} },
		func(q *Request) { q.Fields = []httpx.Field{{Name: "X\n", Value: "a"}} },
		func(q *Request) { q.Host = "h\r\nX: y" },
		func(q *Request) { q.Method = "GET / HTTP/1.1\r\n" },
		func(q *Request) { q.URL.Opaque = "/a b" },
	} {
		q := &Request{Method: "GET", URL: &url.URL{Host: "h", Path: "/x"}, Host: "h"}
		change(q)
		if b, err := appendHead(nil, q, false); !errors.Is(err, errField) {
			t.Errorf("%q", b)
		}
	}
	q := &Request{Method: "POST", URL: &url.URL{Host: "h", Path: "/x", RawQuery: "y"}, Body: io.NopCloser(strings.NewReader("abc")), Length: 3}
	q.Fields = []httpx.Field{{Name: "content-length", Value: "9"}, {Name: "Transfer-Encoding", Value: "chunked"}, {Name: "SOAPAction", Value: "x"}, {Name: "a", Value: ""}}
	if b, err := appendHead(nil, q, true); err != nil || string(b) != "POST /x?y HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nConnection: close\r\nSOAPAction: x\r\na: \r\n\r\n" {
		t.Errorf("%q %v", b, err)
	}
}
