package listen

import (
	"net"
	"path/filepath"
	"testing"
	"time"
)

// pairOf is a connection of a Group and its client.
func pairOf(t testing.TB) (*Conn, *net.TCPConn) {
	t.Helper()
	c, client := pairOn(t, "tcp", NewGroup(Options{}))
	_ = client.(*net.TCPConn).SetReadBuffer(64 << 10)
	return c, client.(*net.TCPConn)
}

// streamClient is the client's side of a connection.
type streamClient interface {
	net.Conn
	CloseWrite() error
}

// pairOn is a connection of g over network, and its client.
func pairOn(t testing.TB, network string, g *Group) (*Conn, streamClient) {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "s")
	}
	ln, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	ln = accepting(ln)
	defer ln.Close()
	client, err := net.Dial(network, ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	served, err := (&limitListener{Listener: ln, group: g}).Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); served.Close(); g.Close() })
	return served.(*Conn), client.(streamClient)
}

// patience is how long a test waits for what has to come.
const patience = time.Minute

func waitUntil(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never came: %s", what)
		}
	}
}
