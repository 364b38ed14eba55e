package integration

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"testing"
)

// clientAt is a client with an address of its own. It returns its connection, and whether it is served.
func (s *server) clientAt(address string) (net.Conn, bool) {
	s.t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}, Timeout: patience}
	c, err := d.Dial("tcp", s.Addr)
	if err != nil {
		return nil, false
	}
	s.t.Cleanup(func() { c.Close() })
	fmt.Fprint(c, "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	return c, err == nil && resp.StatusCode == 200
}

// One client has at most max_connections_per_client. A further connection is closed at once, counted, and logged once; others,
// and trusted proxies, are served. A reload changes the limit.
func TestConnectionsPerClient(t *testing.T) {
	t.Parallel()
	const most = 3
	settings := "trusted_proxies = [\"127.0.0.1\"]\nbind = \"127.0.0.1:0\"\n[limits]\nmax_connections_per_client = %d\n[[app]]\nname = \"a\"\nmodule = \"app:app\"\nworkers = 1\n"
	dir := project(t, map[string]string{"app.py": hello("ok"), "standpipe.toml": fmt.Sprintf(settings, most)})
	s := start(t, opts{Dir: dir, Bare: true, Args: []string{"--log-format", "json"}})
	var open []net.Conn
	for i := range most {
		c, ok := s.clientAt("127.0.0.9")
		if open = append(open, c); !ok {
			t.Fatalf("connection %d is not served", i)
		}
	}
	for range 2 {
		if _, ok := s.clientAt("127.0.0.9"); ok {
			t.Error("served beyond the limit")
		}
	}
	for range most + 2 {
		if _, ok := s.clientAt("127.0.0.1"); !ok {
			t.Error("a trusted proxy is not served")
		}
	}
	if _, ok := s.clientAt("127.0.0.8"); !ok {
		t.Error("another client is not served")
	}
	r := s.waitEvent("connection_refused")
	if r.str("peer") != "127.0.0.9" || r.str("reason") != "max_connections_per_client" || r.str("max_connections") != fmt.Sprint(most) || len(s.events("connection_refused")) != 1 {
		t.Errorf("%v", s.events("connection_refused"))
	}
	if n := s.metrics("unix", s.controlSocket())[`standpipe_refused_total{reason="max_connections_per_client"}`]; n != 2 {
		t.Errorf("%v are counted", n)
	}
	open[0].Close()
	eventually(t, "the client is served again", func() bool { _, ok := s.clientAt("127.0.0.9"); return ok })
	write(t, dir, map[string]string{"standpipe.toml": fmt.Sprintf(settings, 0)})
	if r := s.order("reload"); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	for range most {
		if _, ok := s.clientAt("127.0.0.9"); !ok {
			t.Error("not served without a limit")
		}
	}
}
