package integration

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
)

// tapped is a connection that keeps the head of the last TLS record that came whole.
type tapped struct {
	net.Conn
	rest []byte // of the record that comes
	last []byte // type, version and length of the last one
}

func (c *tapped) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.rest = append(c.rest, p[:n]...)
	for len(c.rest) >= 5 {
		size := 5 + int(c.rest[3])<<8 + int(c.rest[4])
		if len(c.rest) < size {
			break
		}
		c.last, c.rest = append([]byte(nil), c.rest[:5]...), c.rest[size:]
	}
	return n, err
}

// closedByAlert reports whether the last record was an alert: Go's client takes an end without one for an end.
func (c *tapped) closedByAlert() bool {
	const alert, data = 21, 23
	sealed := len(c.last) == 5 && c.last[0] == data && c.last[3] == 0 && c.last[4] == 2+1+16 // TLS 1.3: the alert, its type, the tag
	return len(c.rest) == 0 && (sealed || len(c.last) == 5 && c.last[0] == alert)
}

// Tunnels by HTTPS are counted as those without; a reload leaves them alone, with their certificate and their route gone; at a stop
// and after an upgrade they end by an alert close_notify: a client that gets none takes it for an attack that cuts the end off.
func TestTunnelsByHTTPS(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "tunnels")
	cert, key := a.forNames(t, "localhost", "127.0.0.1")
	config := func(upstream string) map[string]string {
		files := tunnelConfig(secureListen+"[stop]\ngraceful_timeout = \"10s\"", upstream)
		files["cert.pem"], files["key.pem"] = cert, key
		return files
	}
	first, second := lasting(t, "a"), lasting(t, "b")
	s := start(t, opts{Apps: -1, Dir: project(t, config(first.URL)), Bare: true, Args: []string{"-c", "standpipe.toml", "--log-format", "json"}})
	taps := map[*bufio.Reader]*tapped{}
	open := func(want string, version uint16) (*tls.Conn, *bufio.Reader) {
		t.Helper()
		plain, err := net.Dial("tcp", s.Addr)
		if err != nil {
			t.Fatal(err)
		}
		tap := &tapped{Conn: plain}
		c := tls.Client(tap, &tls.Config{RootCAs: a.pool, ServerName: "localhost", MaxVersion: version, NextProtos: []string{"http/1.1"}})
		upgrade(t, c)
		br := namedAs(t, c, want)
		taps[br] = tap
		return c, br
	}
	ended := func(br *bufio.Reader) {
		t.Helper()
		ends(t, br)
		if !taps[br].closedByAlert() {
			t.Errorf("no close_notify: the last record began with % x", taps[br].last)
		}
	}
	newest, ofNewest := open("a", tls.VersionTLS13)
	older, ofOlder := open("a", tls.VersionTLS12)
	listens, ofListens := open("a", tls.VersionTLS13)
	if err := listens.CloseWrite(); err != nil { // it only listens from now on
		t.Fatal(err)
	}
	var st struct{ Tunnels struct{ Open int } }
	if err := json.Unmarshal([]byte(s.must("status", "--json")), &st); err != nil || st.Tunnels.Open != 3 {
		t.Errorf("%+v, %v", st, err)
	}
	if m := s.metrics("unix", s.controlSocket()); m["standpipe_tunnels{}"] != 3 || m["standpipe_connections{}"] < 3 {
		t.Errorf("standpipe_tunnels is %v, standpipe_connections %v", m["standpipe_tunnels{}"], m["standpipe_connections{}"])
	}

	cert, key = a.forNames(t, "localhost")
	write(t, s.Cmd.Dir, config(second.URL))
	s.must("reload")
	says(t, newest, ofNewest, strings.Repeat("0123456789abcdef", 8<<10))
	says(t, older, ofOlder, "still there")

	s.usr2()
	s.upgraded()
	next, ofNext := open("b", tls.VersionTLS13)
	says(t, newest, ofNewest, "still there")
	for _, br := range []*bufio.Reader{ofNewest, ofOlder, ofListens} {
		ended(br)
	}
	if code := s.oldEnded(bootPatience); code != 0 {
		t.Errorf("exit code %d", code)
	}
	says(t, next, ofNext, "of the new process")
	if err := syscall.Kill(s.Pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	ended(ofNext)
	eventually(t, "both processes name what they have closed", func() bool {
		r := s.events("tunnels_closed")
		return len(r) == 2 && fmt.Sprint(r[0]["tunnels"], r[1]["tunnels"]) == "3 1" && strings.Count(r[0].str("closed"), "GET /ws ") == 3
	})
}
