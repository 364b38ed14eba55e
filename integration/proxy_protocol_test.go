package integration

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const proxiedApp = `import json
def app(environ, start_response):
    keep = ("REMOTE_", "SERVER_P", "SSL_", "PROXY_PROTOCOL_", "wsgi.url_scheme", "HTTPS", "HTTP_X_FORWARDED")
    body = json.dumps({k: str(v) for k, v in environ.items() if k.startswith(keep)}).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
`

// v2Header is a header of version 2 for a client 203.0.113.7:4711 of 192.0.2.2:443 with the fields.
func v2Header(command byte, fields string) string {
	rest := "\xcb\x00\x71\x07\xc0\x00\x02\x02\x12\x67\x01\xbb" + fields
	return "\r\n\r\n\x00\r\nQUIT\n" + string([]byte{command, 0x11, byte(len(rest) >> 8), byte(len(rest))}) + rest
}

// proxied sends bytes and a request on one connection to an address, and returns the environ. ok false: the connection ended
// without an answer.
func proxied(t *testing.T, network, address, header string) (environ map[string]string, ok bool) {
	t.Helper()
	c, err := net.DialTimeout(network, address, patience)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	fmt.Fprint(c, header+"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 6.6.6.6\r\nConnection: close\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return nil, false
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&environ); err != nil {
		t.Fatal(err)
	}
	return environ, true
}

// A header names the client, the server's address, and the client's TLS; without one, or from elsewhere, there is no answer.
func TestProxyProtocol(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": proxiedApp})
	sock := filepath.Join(socketDir(t), "s")
	write(t, dir, map[string]string{"standpipe.toml": fmt.Sprintf(`trusted_proxies = ["127.0.0.1", "unix"]
[limits]
header_timeout = "10s"
max_connections_per_client = 6
[[listen]]
address = "127.0.0.1:0"
proxy_protocol = "on"
[[listen]]
address = "unix:%s"
proxy_protocol = "on"
[[app]]
name = "a"
module = "app:app"
workers = 1
`, sock)})
	s := start(t, opts{Dir: dir, Bare: true, Args: []string{"--log-format", "json"}})
	half := dialFor(t, s.Addr) // waits for the rest of its header while all else is tried
	fmt.Fprint(half, "PROXY TC")
	ssl := "\x20\x00\x23\x01\x00\x00\x00\x00\x21\x00\x07TLSv1.3\x22\x00\x03Joe\x23\x00\x0bAES256-GCM!" // no certificate
	cert := "\x20\x00\x0b\x07\x00\x00\x00\x00\x22\x00\x03Joe"
	vpce := "\xea\x00\x07\x01vpce-1"
	client := map[string]string{"REMOTE_ADDR": "203.0.113.7", "REMOTE_PORT": "4711", "wsgi.url_scheme": "http", "HTTP_X_FORWARDED_FOR": ""}
	over := func(base map[string]string, pairs ...string) map[string]string {
		out := map[string]string{}
		for k, v := range base {
			out[k] = v
		}
		for i := 0; i < len(pairs); i += 2 {
			out[pairs[i]] = pairs[i+1]
		}
		return out
	}
	for _, c := range []struct {
		name, header string
		want         map[string]string
	}{
		{"v1", "PROXY TCP4 203.0.113.7 192.0.2.2 4711 443\r\n", over(client, "SERVER_PROTOCOL", "HTTP/1.1")},
		{"v1, IPv6", "PROXY TCP6 2001:db8::7 2001:db8::2 4711 443\r\n", over(client, "REMOTE_ADDR", "2001:db8::7")},
		{"v2", v2Header(0x21, ""), over(client, "SSL_PROTOCOL", "", "HTTPS", "")},
		{"v2, AWS", v2Header(0x21, vpce), over(client, "PROXY_PROTOCOL_AWS_VPCE_ID", "vpce-1")},
		{"v2, TLS", v2Header(0x21, ssl), over(client, "wsgi.url_scheme", "https", "HTTPS", "on", "SSL_PROTOCOL", "TLSv1.3", "SSL_CIPHER", "AES256-GCM!", "SSL_CLIENT_VERIFY", "NONE", "SSL_CLIENT_S_DN_CN", "")},
		{"v2, a certificate", v2Header(0x21, cert), over(client, "wsgi.url_scheme", "https", "SSL_CLIENT_VERIFY", "SUCCESS", "SSL_CLIENT_S_DN_CN", "Joe")},
	} {
		for network, address := range map[string]string{"tcp": s.Addr, "unix": sock} {
			environ, ok := proxied(t, network, address, c.header)
			if !ok {
				t.Errorf("%s, %s: no answer", c.name, network)
			}
			for k, v := range c.want {
				if environ[k] != v {
					t.Errorf("%s, %s: %s is %q, want %q", c.name, network, k, environ[k], v)
				}
			}
		}
	}
	// The connection's own addresses: the peer is a trusted proxy, whose word counts.
	for _, header := range []string{"PROXY UNKNOWN\r\n", v2Header(0x20, ""), v2Header(0x20, ssl)} {
		if environ, ok := proxied(t, "tcp", s.Addr, header); !ok || environ["REMOTE_ADDR"] != "6.6.6.6" || environ["wsgi.url_scheme"] != "http" {
			t.Errorf("%q: %v, %v", header, ok, environ)
		}
	}
	counted := func(reason string) float64 {
		return s.metrics("unix", s.controlSocket())[fmt.Sprintf(`standpipe_refused_total{reason=%q}`, reason)]
	}
	for reason, header := range map[string]string{"proxy_header_none": "", "proxy_header_bad": "PROXY TCP4 203.0.113.7\r\n"} {
		if _, ok := proxied(t, "tcp", s.Addr, header); ok {
			t.Errorf("%q is answered", header)
		}
		eventually(t, reason+" is counted", func() bool { return counted(reason) == 1 })
	}
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP("127.0.0.9")}, Timeout: patience}
	if c, err := d.Dial("tcp", s.Addr); err == nil {
		_ = c.SetDeadline(time.Now().Add(patience))
		fmt.Fprint(c, v2Header(0x21, "")+"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		if p, _ := io.ReadAll(c); len(p) > 0 {
			t.Errorf("a peer that is not trusted gets %q", p)
		}
		c.Close()
	}
	eventually(t, "the peer is counted", func() bool { return counted("proxy_untrusted") == 1 })
	if r := s.waitLog(func(r record) bool {
		return r.event() == "proxy_header_refused" && r.str("reason") == "proxy_untrusted"
	}, "proxy_header_refused"); r.str("peer") != "127.0.0.9" {
		t.Errorf("%v", r)
	}
	s.waitLog(func(r record) bool {
		return r.event() == "proxy_header_refused" && r.str("reason") == "proxy_header_none"
	}, "proxy_header_refused")

	// Half a header: the connection ends in time.
	if _, err := half.Read(make([]byte, 1)); err == nil || strings.Contains(err.Error(), "timeout") {
		t.Errorf("half a header: %v", err)
	}
	eventually(t, "the slow proxy is counted", func() bool { return counted("proxy_header_late") == 1 })

	// The client of the header has a limit of its own.
	eventually(t, "the connections before have ended", func() bool { return s.metrics("unix", s.controlSocket())["standpipe_connections{}"] == 0 })
	served := 0
	for range 8 {
		c, err := net.DialTimeout("tcp", s.Addr, patience)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(patience))
		fmt.Fprint(c, v2Header(0x21, "")+"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		if _, err := http.ReadResponse(bufio.NewReader(c), nil); err == nil {
			served++
		}
	}
	if served != 6 {
		t.Errorf("%d connections of one client are served", served)
	}
	eventually(t, "two are refused", func() bool { return counted("max_connections_per_client") == 2 })
	for _, line := range s.access() {
		if !strings.Contains(line, "203.0.113.7") && !strings.Contains(line, "2001:db8::7") && !strings.Contains(line, "6.6.6.6") {
			t.Errorf("the access log has the proxy: %s", line)
		}
	}
}

// A route tells its upstreams by the PROXY protocol whose request it is: each one's own client, its TLS included.
func TestSendProxy(t *testing.T) {
	t.Parallel()
	back := start(t, opts{Dir: project(t, map[string]string{"app.py": proxiedApp, "standpipe.toml": `trusted_proxies = ["127.0.0.1"]
[[listen]]
address = "127.0.0.1:0"
proxy_protocol = "on"
[[app]]
name = "a"
module = "app:app"
workers = 1
`}), Bare: true})
	front := start(t, opts{Dir: project(t, map[string]string{"app.py": proxiedApp, "standpipe.toml": fmt.Sprintf(`trusted_proxies = ["127.0.0.1"]
[[listen]]
address = "127.0.0.1:0"
proxy_protocol = "on"
[[app]]
name = "a"
module = "app:app"
workers = 1
[[route]]
handler = "proxy"
upstreams = ["http://%s"]
send_proxy = "v2"
`, back.Addr)}), Bare: true})
	for i := range 4 {
		client := fmt.Sprintf("203.0.113.%d", i+1)
		header := "PROXY TCP4 " + client + " 192.0.2.2 4711 443\r\n"
		scheme, version := "http", ""
		if i == 3 {
			client, scheme, version = "203.0.113.7", "https", "TLSv1.3"
			header = v2Header(0x21, "\x20\x00\x0f\x01\x00\x00\x00\x01\x21\x00\x07TLSv1.3")
		}
		environ, ok := proxied(t, "tcp", front.Addr, header)
		if !ok || environ["REMOTE_ADDR"] != client || environ["REMOTE_PORT"] != "4711" || environ["wsgi.url_scheme"] != scheme || environ["SSL_PROTOCOL"] != version {
			t.Errorf("%s: %v, %v", client, ok, environ)
		}
	}
}
