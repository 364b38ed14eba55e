package integration

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// threeListen is secureListen with HTTP/3.
const threeListen = "[[listen]]\naddress = \"https://127.0.0.1:0\"\nhttp3 = \"on\"\n[tls]\ntls_cert = \"cert.pem\"\ntls_key = \"key.pem\"\n"

// patientQUIC are the settings of clients that wait for a busy machine: quic-go gives a handshake 5 s.
func patientQUIC() *quic.Config {
	return &quic.Config{HandshakeIdleTimeout: patience, MaxIdleTimeout: patience, KeepAlivePeriod: 10 * time.Second}
}

// secureThree is secureClient for HTTP/3.
func secureThree(t testing.TB, a *authority, o *tls.Config) *http.Client {
	if o == nil {
		o = &tls.Config{}
	}
	o.RootCAs = a.pool
	tr := &http3.Transport{TLSClientConfig: o, QUICConfig: patientQUIC()}
	t.Cleanup(func() { tr.Close() })
	return &http.Client{Transport: tr, Timeout: patience}
}

// The environ of HTTP/3 is that of HTTP/1.1 and HTTP/2 but for the version.
func TestHTTP3(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "test CA")
	alice, _, _ := a.sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: "alice"}})
	s := secureServer(t, a, threeListen+"client_ca = \"ca.pem\"\nclient_auth = \"request\"\n", map[string]string{"app.py": http2App})
	certified := func() *tls.Config { return &tls.Config{Certificates: []tls.Certificate{alice}} }
	seen := map[string]map[string]string{}
	for version, client := range map[string]*http.Client{"HTTP/3.0": secureThree(t, a, certified()), "HTTP/2.0": secureTwo(t, a, certified()), "HTTP/1.1": secureClient(a, certified())} {
		resp, environ := postEnviron(t, client, "https://localhost:"+port(s), "")
		for k, want := range map[string]string{"SERVER_PROTOCOL": version, "HTTP_COOKIE": "a=1; b=2", "HTTP_HOST": "localhost:" + port(s), "PATH_INFO": "/a b", "QUERY_STRING": "c=d", "REMOTE_ADDR": "127.0.0.1",
			"wsgi.url_scheme": "https", "HTTPS": "on", "SSL_PROTOCOL": "TLSv1.3", "SSL_TLS_SNI": "localhost", "SSL_CLIENT_VERIFY": "SUCCESS", "SSL_CLIENT_S_DN_CN": "alice", "SERVER_PORT": port(s), "n": "300000", "CONTENT_LENGTH": "300000"} {
			if environ[k] != want {
				t.Errorf("%s: %s is %q, want %q", version, k, environ[k], want)
			}
		}
		alt := resp.Header.Get("Alt-Svc")
		if resp.Proto != version || resp.Header.Get("X-Request-Id") == "" || version != "HTTP/3.0" && alt != `h3=":`+port(s)+`"; ma=86400` {
			t.Errorf("%s, %v", resp.Proto, resp.Header)
		}
		seen[version] = environ
	}
	for _, version := range []string{"HTTP/1.1", "HTTP/2.0"} {
		for k := range seen[version] {
			if _, ok := seen["HTTP/3.0"][k]; !ok {
				t.Errorf("%s is missing in HTTP/3", k)
			}
		}
		for k := range seen["HTTP/3.0"] {
			if _, ok := seen[version][k]; !ok {
				t.Errorf("%s is in HTTP/3 alone", k)
			}
		}
	}
	eventually(t, "the access log has HTTP/3", func() bool { return strings.Contains(strings.Join(s.access(), "\n"), "HTTP/3.0") })
	t.Run("100 fields", func(t *testing.T) {
		client := secureThree(t, a, nil)
		for n, want := range map[int]int{90: 200, 101: 431} {
			fields := make([]string, 0, 2*n)
			for range n {
				fields = append(fields, "X-Field", "v")
			}
			if resp, _, err := page(client, s.URL, fields...); err != nil || resp.StatusCode != want || resp.ProtoMajor != 3 {
				t.Errorf("%d fields: %v %+v", n, err, resp)
			}
		}
	})
}

// Without http3 there is no UDP socket, and no Alt-Svc.
func TestHTTP3Off(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "test CA")
	s := secureServer(t, a, secureListen, nil)
	resp, _, err := page(secureTwo(t, a, nil), s.URL)
	if err != nil || resp.Header.Get("Alt-Svc") != "" {
		t.Error(err, resp)
	}
	if n := packetSockets(t, s.Pid); n != 0 {
		t.Errorf("the server has %d sockets of UDP", n)
	}
	if n := packetSockets(t, secureServer(t, a, threeListen, nil).Pid); n != 1 {
		t.Errorf("with http3 the server has %d sockets of UDP", n)
	}
}

// packetSockets counts the sockets of UDP that a process has open.
func packetSockets(t testing.TB, pid int) (n int) {
	t.Helper()
	table := ""
	for _, file := range []string{"udp", "udp6"} {
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, file)) // without IPv6 there is no udp6
		table += string(b)
	}
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil || len(files) == 0 || table == "" {
		t.Fatalf("/proc of %d: %d files, %v", pid, len(files), err)
	}
	for _, file := range files {
		to, _ := os.Readlink(file)
		if inode, ok := strings.CutPrefix(to, "socket:["); ok && strings.Contains(table, " "+strings.TrimSuffix(inode, "]")+" ") {
			n++
		}
	}
	return n
}
