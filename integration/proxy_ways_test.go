package integration

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// behindHeader is a client whose connections begin with a PROXY header.
func behindHeader(a *authority, address, header string, set func(*http.Transport)) *http.Client {
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: a.pool, ServerName: "localhost"}, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			_, err = io.WriteString(c, header)
		}
		return c, err
	}}
	set(tr)
	return &http.Client{Transport: tr, Timeout: patience}
}

// A header in front of TLS, and of HTTP/2 without TLS, names the client of each request of the connection; what it says of TLS counts where
// TLS does not end here.
func TestProxyProtocolWays(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "test CA")
	cert, key := a.forNames(t, "localhost")
	s := start(t, opts{Dir: project(t, map[string]string{"app.py": proxiedApp, "cert.pem": cert, "key.pem": key, "standpipe.toml": `trusted_proxies = ["127.0.0.1"]
[limits]
header_timeout = "10s"
[tls]
tls_cert = "cert.pem"
tls_key = "key.pem"
[[listen]]
address = "https://127.0.0.1:0"
proxy_protocol = "on"
[[listen]]
address = "127.0.0.1:0"
h2c = "on"
proxy_protocol = "on"
[[app]]
name = "a"
module = "app:app"
workers = 1
`}), Bare: true, Args: []string{"--log-format", "json"}})
	at := s.listening()
	ssl := "\x20\x00\x0f\x01\x00\x00\x00\x01\x21\x00\x07TLSv1.1" // TLS to the proxy, without a certificate
	fields := "\x04\x00\x02\x00\x00" + "\x05\x00\x06conn-1" + "\xea\x00\x07\x01vpce-1" + ssl
	one := func(*http.Transport) {}
	two := func(tr *http.Transport) { tr.ForceAttemptHTTP2 = true }
	clear := func(tr *http.Transport) {
		tr.Protocols = new(http.Protocols)
		tr.Protocols.SetUnencryptedHTTP2(true)
	}
	for _, c := range []struct {
		name, url, address, protocol, ssl string
		set                               func(*http.Transport)
	}{
		{"https", "https://localhost/", at[0], "HTTP/1.1", "TLSv1.3", one},
		{"https, HTTP/2", "https://localhost/", at[0], "HTTP/2.0", "TLSv1.3", two},
		{"h2c", "http://localhost/", at[1], "HTTP/2.0", "TLSv1.1", clear},
		{"h2c, HTTP/1.1", "http://localhost/", at[1], "HTTP/1.1", "TLSv1.1", one},
	} {
		client := behindHeader(a, c.address, v2Header(0x21, fields), c.set)
		for range 2 {
			_, body, err := page(client, c.url, "X-Forwarded-For", "6.6.6.6")
			var environ map[string]string
			if err != nil || json.Unmarshal([]byte(body), &environ) != nil {
				t.Fatalf("%s: %v %s", c.name, err, body)
			}
			for k, want := range map[string]string{"REMOTE_ADDR": "203.0.113.7", "REMOTE_PORT": "4711", "SERVER_PROTOCOL": c.protocol, "wsgi.url_scheme": "https", "HTTPS": "on", "SSL_PROTOCOL": c.ssl,
				"PROXY_PROTOCOL_UNIQUE_ID": "conn-1", "PROXY_PROTOCOL_AWS_VPCE_ID": "vpce-1", "HTTP_X_FORWARDED_FOR": ""} {
				if environ[k] != want {
					t.Errorf("%s: %s is %q, want %q", c.name, k, environ[k], want)
				}
			}
		}
		client.CloseIdleConnections()
	}
	counted := func(reason string) float64 {
		return s.metrics("unix", s.controlSocket())[fmt.Sprintf(`standpipe_refused_total{reason=%q}`, reason)]
	}
	bad := 0
	for _, address := range at {
		c := dialFor(t, address)
		fmt.Fprint(c, v2Header(0x21, "\x03\x00\x04\x00\x00\x00\x00")) // a wrong checksum
		if p, _ := io.ReadAll(c); len(p) > 0 {
			t.Errorf("%s: a wrong checksum is answered: %q", address, p)
		}
		bad++
		eventually(t, "it is counted", func() bool { return counted("proxy_header_bad") == float64(bad) })
	}
	// A hello without a header, and one whose header comes byte by byte.
	if _, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", at[0], &tls.Config{RootCAs: a.pool, ServerName: "localhost"}); err == nil {
		t.Error("there is no header")
	}
	eventually(t, "it is counted", func() bool { return counted("proxy_header_none") == 1 })
	trickle(t, dialFor(t, at[0]), []byte(v2Header(0x21, strings.Repeat("\x04\x00\x00", 200))))
	eventually(t, "it is counted", func() bool { return counted("proxy_header_late") == 1 })
}

func dialFor(t testing.TB, address string) net.Conn {
	t.Helper()
	c, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c
}

// trickle sends one byte after the other, ten in a second, until the server ends the connection; text lasts for much longer.
func trickle(t testing.TB, c net.Conn, text []byte) {
	t.Helper()
	gone := make(chan error, 1)
	go func() { // ends with the connection
		_, err := io.Copy(io.Discard, c)
		gone <- err
	}()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for i := range text {
		select {
		case <-gone:
			return
		case <-tick.C:
			if _, err := c.Write(text[i : i+1]); err != nil {
				return
			}
		}
	}
	t.Errorf("the server has waited for all of %d bytes", len(text))
}

// The header goes to real servers: nginx over HTTP and over HTTPS, and a uWSGI behind a proxy that takes the header off.
func TestSendProxyToServers(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "test CA")
	dir := t.TempDir()
	cert, key := a.forNames(t, "localhost", "127.0.0.1")
	write(t, dir, map[string]string{"cert.pem": cert, "key.pem": key, "ca.pem": a.pem})
	plain, secure := "127.0.0.1:"+freePort(t), "127.0.0.1:"+freePort(t)
	nginx(t, plain, fmt.Sprintf(`server {
    listen %s proxy_protocol;
    listen %s ssl proxy_protocol;
    ssl_certificate %s/cert.pem;
    ssl_certificate_key %s/key.pem;
    location / {
        default_type text/plain;
        return 200 "$proxy_protocol_addr $proxy_protocol_port $proxy_protocol_server_addr $proxy_protocol_server_port $scheme";
    }
}
`, plain, secure, dir, dir))
	_, behind, _ := uwsgiBoth(t)
	headers := make(chan string, 10)
	uwsgiFront := takesHeaders(t, behind, headers)
	s := start(t, opts{Dir: project(t, map[string]string{"app.py": proxiedApp, "standpipe.toml": fmt.Sprintf(`trusted_proxies = ["127.0.0.1"]
[[listen]]
address = "127.0.0.1:0"
proxy_protocol = "on"
[[app]]
name = "a"
module = "app:app"
workers = 1
[[route]]
path = "/plain"
handler = "proxy"
upstreams = ["http://%s"]
send_proxy = "v2"
[[route]]
path = "/secure"
handler = "proxy"
upstreams = ["https://%s"]
send_proxy = "v2"
[[route]]
path = "/uwsgi"
handler = "proxy"
upstreams = ["uwsgi://%s"]
send_proxy = "v2"
`, plain, secure, uwsgiFront)}), Bare: true, Env: []string{"SSL_CERT_FILE=" + dir + "/ca.pem"}})
	for path, want := range map[string]string{"/plain": "203.0.113.7 4711 192.0.2.2 443 http", "/secure": "203.0.113.7 4711 192.0.2.2 443 https", "/uwsgi": ""} {
		for range 2 {
			c := dialFor(t, s.Addr)
			fmt.Fprintf(c, "%sGET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", v2Header(0x21, "\x20\x00\x0f\x01\x00\x00\x00\x01\x21\x00\x07TLSv1.3"), path)
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != 200 || want != "" && string(body) != want {
				t.Errorf("%s: %v %d %s", path, err, resp.StatusCode, body)
			}
			if path == "/uwsgi" {
				if h := <-headers; !strings.HasPrefix(h, v2Header(0x21, "")[:13]+"\x11") || !strings.Contains(h, "\xcb\x00\x71\x07\xc0\x00\x02\x02\x12\x67\x01\xbb") {
					t.Errorf("the header of uwsgi: %q", h)
				}
			}
		}
	}
}

// takesHeaders is an address whose connections go to another one, without the PROXY header of version 2 that they begin with.
func takesHeaders(t testing.TB, to string, headers chan<- string) string {
	t.Helper()
	front := httptest.NewUnstartedServer(nil) // for its listener
	t.Cleanup(func() { front.Listener.Close() })
	go func() { // ends with the listener
		for {
			c, err := front.Listener.Accept()
			if err != nil {
				return
			}
			go func() { // ends with the connection
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(patience))
				head := make([]byte, 16)
				if _, err := io.ReadFull(c, head); err != nil {
					return
				}
				rest := make([]byte, int(head[14])<<8|int(head[15]))
				if _, err := io.ReadFull(c, rest); err != nil {
					return
				}
				headers <- string(head) + string(rest)
				up, err := net.Dial("tcp", to)
				if err != nil {
					return
				}
				defer up.Close()
				go func() { _, _ = io.Copy(up, c) }() // ends with c
				_, _ = io.Copy(c, up)
			}()
		}
	}()
	return front.Listener.Addr().String()
}
