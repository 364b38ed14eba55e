// Package bridgetest holds what the tests of several packages of bridge share. No
// program imports it.
package bridgetest

import (
	"bytes"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// Log is where a logger of a test writes; it may be read meanwhile.
type Log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write adds to it.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// Close does nothing.
func (l *Log) Close() error { return nil }

// String is what was written so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Until polls until ok, for a minute; what names it.
func Until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) { // between polls
		if time.Now().After(end) {
			t.Fatal("waited in vain for " + what)
		}
	}
}

// Handler serves h as a way in does: h gets a *httpx.Writer, and an aborted answer ends the
// connection.
func Handler(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := new(httpx.Writer)
		rec.Reset(w)
		e := httpx.EndsOf(r.RemoteAddr, nil)
		e.TLS = r.TLS != nil
		rec.Info.Met(time.Now(), &e)
		h.ServeHTTP(rec, r)
		if rec.Aborted() {
			panic(http.ErrAbortHandler)
		}
	})
}

// Refusing is an address of TCP at which connections are refused until the end of the test: its port is that of a connection, so
// that nothing else can listen there.
func Refusing(t testing.TB) string {
	t.Helper()
	c, _ := Pair(t)
	return c.LocalAddr().String()
}

// Pair are the two ends of a connection of TCP, which are closed at the end of the test: the one that connected, and the one that was
// accepted.
func Pair(t testing.TB) (client, server net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	client, err = net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	server, err = ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return client, server
}
