package httpx

import (
	"net"
	"testing"
)

func TestEnds(t *testing.T) {
	four := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 8000}
	six := &net.TCPAddr{IP: net.ParseIP("2001:db8::1"), Port: 80}
	for _, c := range []struct {
		remote, addr, port string
		local              net.Addr
		name, serverPort   string
	}{
		{"192.0.2.7:40000", "192.0.2.7", "40000", four, "192.0.2.1", "8000"},
		{"[2001:db8::7]:1", "2001:db8::7", "1", six, "[2001:db8::1]", "80"},
		{"[fe80::1%eth0]:2", "fe80::1", "2", six, "[2001:db8::1]", "80"},
		{"[::ffff:192.0.2.7]:3", "192.0.2.7", "3", nil, "", ""},
		{"@", "", "", &net.UnixAddr{Name: "/run/s", Net: "unix"}, "", ""},
		{"", "", "", nil, "", ""},
	} {
		e := EndsOf(c.remote, c.local)
		if e.RemoteAddr != c.addr || e.RemotePort != c.port || e.ServerName != c.name || e.ServerPort != c.serverPort || e.Peer.IsValid() != (c.addr != "") {
			t.Errorf("%s, %v: %+v", c.remote, c.local, e)
		}
	}
}
