package integration

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/quic-go/quic-go/http3"
)

// threeListen is secureListen with HTTP/3.
const threeListen = "[[listen]]\naddress = \"https://127.0.0.1:0\"\nhttp3 = \"on\"\n[tls]\ntls_cert = \"cert.pem\"\ntls_key = \"key.pem\"\n"

// secureThree is secureClient for HTTP/3.
func secureThree(t testing.TB, a *authority, o *tls.Config) *http.Client {
	if o == nil {
		o = &tls.Config{}
	}
	o.RootCAs = a.pool
	tr := &http3.Transport{TLSClientConfig: o}
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
	c, err := net.ListenPacket("udp", s.Addr)
	if err != nil {
		t.Fatal("the port is taken by UDP", err)
	}
	c.Close()
}
