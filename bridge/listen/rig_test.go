package listen

import (
	"net"
	"testing"
)

// pairOf is a connection of a Group and its client.
func pairOf(t *testing.T) (*Conn, *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	served, err := (&limitListener{Listener: ln, group: NewGroup(Options{})}).Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); served.Close() })
	_ = client.(*net.TCPConn).SetReadBuffer(64 << 10)
	return served.(*Conn), client.(*net.TCPConn)
}
