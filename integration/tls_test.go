package integration

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// Clients of several kinds get a page, and the app knows that it came by HTTPS; what it knows does not come from fields.
func TestTLSClients(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "test CA")
	s := secureServer(t, a, secureListen+"hsts = \"max-age=60\"\n", nil)
	for version, name := range map[uint16]string{tls.VersionTLS12: "TLSv1.2", tls.VersionTLS13: "TLSv1.3"} {
		resp, body, err := page(secureClient(a, &tls.Config{MaxVersion: version}), "https://localhost:"+port(s), "Ssl-Client-Verify", "SUCCESS", "SSL_CLIENT_S_DN", "CN=evil", "Https", "off")
		if err != nil {
			t.Fatal(err)
		}
		holdsLines(t, body, "HTTPS=on", "wsgi.url_scheme=https", "SSL_PROTOCOL="+name, "SSL_TLS_SNI=localhost", "SERVER_PORT="+port(s))
		if strings.Contains("\n"+body, "\nSSL_CLIENT") {
			t.Error(body)
		}
		if version == tls.VersionTLS13 && resp.TLS.CurveID != tls.X25519MLKEM768 {
			t.Errorf("the key exchange is %v, which a quantum computer may break", resp.TLS.CurveID)
		}
		if resp.Header.Get("Strict-Transport-Security") != "max-age=60" {
			t.Error(resp.Header)
		}
	}
	for _, o := range []*tls.Config{{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}, {MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}}} {
		if _, _, err := page(secureClient(a, o), s.URL); err == nil {
			t.Errorf("%+v: a page", o)
		}
	}
	t.Run("python", func(t *testing.T) {
		out, err := exec.Command("python3", "-c", `
import ssl, sys, urllib.request
c = ssl.create_default_context(cafile=sys.argv[2])
print(urllib.request.urlopen(sys.argv[1], context=c).read().decode())`, s.URL, s.Cmd.Dir+"/ca.pem").CombinedOutput()
		if err != nil {
			t.Fatalf("%v %s", err, out)
		}
		holdsLines(t, string(out), "HTTPS=on")
	})
	t.Run("openssl", func(t *testing.T) {
		if _, err := exec.LookPath("openssl"); err != nil {
			skip(t, "no-program", err.Error())
		}
		for _, version := range []string{"-tls1_2", "-tls1_3"} {
			c := exec.Command("openssl", "s_client", "-connect", s.Addr, "-servername", "localhost", "-CAfile", s.Cmd.Dir+"/ca.pem", "-verify_return_error", "-quiet", version)
			c.Stdin = strings.NewReader("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
			out, err := c.CombinedOutput()
			if err != nil || !strings.Contains(string(out), "HTTPS=on") {
				t.Errorf("%v %s", err, out)
			}
		}
	})
	t.Run("plain HTTP", func(t *testing.T) {
		resp, body, err := page(http.DefaultClient, "http://"+s.Addr)
		if err != nil || resp.StatusCode != 400 || !strings.Contains(body, "HTTPS") {
			t.Errorf("%v %+v %s", err, resp, body)
		}
	})
	m := s.counts(map[string]float64{`standpipe_tls_handshakes_total{resumed="false",version="TLS 1.3"}`: 1, `standpipe_tls_handshakes_total{resumed="false",version="TLS 1.2"}`: 1,
		`standpipe_tls_handshake_failures_total{reason="version"}`: 1, `standpipe_tls_handshake_failures_total{reason="cipher"}`: 1, `standpipe_tls_handshake_failures_total{reason="plain_http"}`: 1})
	if days := m[`standpipe_certificate_days_left{certificate="localhost",source="`+s.Cmd.Dir+`/cert.pem"}`]; days < 89 || days > 90 {
		t.Errorf("days left: %v", days)
	}
}

func port(s *server) string { return s.Addr[strings.LastIndexByte(s.Addr, ':')+1:] }

// The name that the client asks for chooses the certificate.
func TestTLSNames(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "test CA")
	files := map[string]string{}
	files["shop.pem"], files["shop.key"] = a.forNames(t, "shop.example.org", "*.shop.example.org")
	files["wiki.pem"], files["wiki.key"] = a.forNames(t, "wiki.example.org")
	s := secureServer(t, a, secureListen+"[[certificate]]\ncert = \"shop.pem\"\nkey = \"shop.key\"\n[[certificate]]\ncert = \"wiki.pem\"\nkey = \"wiki.key\"\n[[app]]\nname = \"other\"\nmodule = \"app:app\"\nhosts = [\"wiki.example.org\", \"blog.example.org\"]\n", files)
	for asked, want := range map[string]string{"localhost": "localhost", "": "localhost", "unknown.example.org": "localhost", "shop.example.org": "shop.example.org", "WIKI.example.org": "wiki.example.org",
		"a.shop.example.org": "shop.example.org", "a.b.shop.example.org": "localhost"} {
		if got, err := servedName(s, a, asked); err != nil || got != want {
			t.Errorf("%q: %s %v, want %s", asked, got, err, want)
		}
	}
	if r := s.waitEvent("certificate_names"); r.str("hosts") != "blog.example.org" {
		t.Error(r)
	}
	if out := s.must("status"); !strings.Contains(out, "shop.example.org") || !strings.Contains(out, "days left") {
		t.Error(out)
	}
	lines := strings.Split(strings.TrimSpace(s.must("certs")), "\n")
	if len(lines) != 4 { // and the titles
		t.Fatal(lines)
	}
	for i, want := range []string{"cert.pem", "shop.pem", "wiki.pem"} {
		if l := lines[i+1]; !strings.Contains(l, s.Cmd.Dir+"/"+want) || !strings.Contains(l, "test CA") || !strings.Contains(l, " 89 ") {
			t.Errorf("%s: %s", want, l)
		}
	}
	if r := s.order("certs", "renew", "shop.example.org"); r.code != 1 || !r.names("--https") {
		t.Errorf("%+v", r)
	}
}

func TestTLSClientCertificates(t *testing.T) {
	t.Parallel()
	a, other := newAuthority(t, "test CA"), newAuthority(t, "other CA")
	subject := func() *x509.Certificate { return &x509.Certificate{Subject: pkix.Name{CommonName: "alice"}} }
	good, _, _ := a.sign(t, subject())
	foreign, _, _ := other.sign(t, subject())
	old := subject()
	old.NotBefore, old.NotAfter = time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour)
	expired, _, _ := a.sign(t, old)
	ask := func(s *server, c *tls.Certificate) (string, error) {
		_, body, err := page(secureClient(a, &tls.Config{GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if c == nil {
				return &tls.Certificate{}, nil
			}
			return c, nil
		}}), s.URL)
		return body, err
	}
	request := secureServer(t, a, secureListen+"client_ca = \"ca.pem\"\nclient_auth = \"request\"\n", nil)
	require := secureServer(t, a, secureListen+"client_ca = \"ca.pem\"\n", nil)
	for _, c := range []struct {
		cert *tls.Certificate
		want string
	}{{nil, "NONE"}, {&good, "SUCCESS"}, {&foreign, "FAILED:"}, {&expired, "FAILED:certificate has expired"}} {
		body, err := ask(request, c.cert)
		if err != nil {
			t.Fatal(err)
		}
		holdsLines(t, body, "SSL_CLIENT_VERIFY="+c.want)
		if strings.Contains(body, "alice") != (c.cert == &good) {
			t.Error(body)
		}
		body, err = ask(require, c.cert)
		if (err == nil) != (c.cert == &good) {
			t.Errorf("%s: %v", c.want, err)
		}
		if c.cert == &good {
			serial := strings.ToUpper(good.Leaf.SerialNumber.Text(16))
			holdsLines(t, body, "SSL_CLIENT_S_DN=CN=alice\n", "SSL_CLIENT_I_DN=CN=test CA\n", "SSL_CLIENT_M_SERIAL="+serial, "SSL_CLIENT_SERIAL="+serial)
		}
	}
}

// An address of HTTP sends its clients to HTTPS, but for health checks.
func TestRedirectHTTPS(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "test CA")
	secure := freePort(t)
	s := secureServer(t, a, "[tls]\ntls_cert = \"cert.pem\"\ntls_key = \"key.pem\"\nhsts = \"max-age=60\"\n[[listen]]\naddress = \"127.0.0.1:0\"\nredirect_https = \"on\"\n[[listen]]\naddress = \"https://127.0.0.1:"+secure+"\"\n", nil)
	c := secureClient(a, nil)
	resp, _, err := page(c, s.URL+"/a%20b/?c=d")
	if err != nil || resp.StatusCode != 308 || resp.Header.Get("Location") != "https://127.0.0.1:"+secure+"/a%20b/?c=d" || resp.Header.Get("Strict-Transport-Security") != "" {
		t.Errorf("%v %+v", err, resp)
	}
	if resp, body, err := page(c, s.URL+"/livez"); err != nil || resp.StatusCode != 200 || body != "ok\n" {
		t.Errorf("%v %+v", err, resp)
	}
	if _, body, err := page(c, s.URL+"/", "X-Forwarded-Proto", "https", "X-Forwarded-For", "192.0.2.1"); err != nil || !strings.Contains(body, "wsgi.url_scheme=https") {
		t.Errorf("what a trusted proxy calls https: %v %s", err, body)
	}
}

// What is no handshake, and what ends within one, leaves nothing behind.
func TestFailedHandshakesLeaveNothing(t *testing.T) {
	t.Parallel()
	const each = 3400
	a := newAuthority(t, "test CA")
	s := secureServer(t, a, secureListen+"[limits]\nheader_timeout = \"10s\"\n", nil)
	goroutines := func() int { return int(s.metrics("unix", s.controlSocket())["go_goroutines{}"]) }
	if _, _, err := page(secureClient(a, nil), s.URL); err != nil {
		t.Fatal(err)
	}
	files, running := descriptors(s.Pid), goroutines()
	work := make(chan string)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			for text := range work {
				c, err := net.Dial("tcp", s.Addr)
				if err != nil {
					t.Error(err)
					continue
				}
				_, _ = io.WriteString(c, text)
				if strings.HasPrefix(text, "GET") {
					resp, err := http.ReadResponse(bufio.NewReader(c), nil)
					if err != nil || resp.StatusCode != 400 {
						t.Errorf("plain HTTP: %v", err)
					}
				}
				c.Close()
			}
		})
	}
	for range each {
		work <- "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
		work <- "\x16\x03\x01\x02\x00\x01\x00"
		work <- ""
	}
	close(work)
	wg.Wait()
	var silent []net.Conn // the server ends these
	for range 100 {
		c, err := net.Dial("tcp", s.Addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		silent = append(silent, c)
	}
	for _, c := range silent {
		_ = c.SetReadDeadline(time.Now().Add(patience))
		if _, err := c.Read(make([]byte, 1)); err != io.EOF && !strings.Contains(fmt.Sprint(err), "reset") {
			t.Fatalf("a silent client: %v", err)
		}
	}
	eventually(t, "all descriptors are closed", func() bool { return descriptors(s.Pid) <= files+2 })
	eventually(t, "all goroutines have ended", func() bool { return goroutines() <= running+5 })
	s.counts(map[string]float64{`standpipe_tls_handshake_failures_total{reason="plain_http"}`: each, `standpipe_tls_handshake_failures_total{reason="closed"}`: 2 * each,
		`standpipe_tls_handshake_failures_total{reason="timeout"}`: 100})
}

// What the app knows of a client's certificate is what a real nginx knows.
func TestTLSVariablesAsNginx(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "test CA")
	alice, _, _ := a.sign(t, &x509.Certificate{NotAfter: time.Now().Add(60*24*time.Hour + 12*time.Hour), Subject: pkix.Name{Country: []string{"DE"}, Organization: []string{"Shop, Inc"}, CommonName: "alice", ExtraNames: []pkix.AttributeTypeAndValue{
		{Type: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}, Value: "alice@example.org"}}}})
	s := secureServer(t, a, secureListen+"client_ca = \"ca.pem\"\n", nil)
	address := "127.0.0.1:" + freePort(t)
	nginx(t, address, fmt.Sprintf(`server {
    listen %[1]s ssl;
    ssl_certificate %[2]s/cert.pem;
    ssl_certificate_key %[2]s/key.pem;
    ssl_client_certificate %[2]s/ca.pem;
    ssl_verify_client on;
    location / {
        default_type text/plain;
        return 200 "SSL_CLIENT_VERIFY=$ssl_client_verify
SSL_CLIENT_S_DN=$ssl_client_s_dn
SSL_CLIENT_I_DN=$ssl_client_i_dn
SSL_CLIENT_SERIAL=$ssl_client_serial
SSL_CLIENT_FINGERPRINT=$ssl_client_fingerprint
SSL_CLIENT_V_START=$ssl_client_v_start
SSL_CLIENT_V_END=$ssl_client_v_end
SSL_CLIENT_V_REMAIN=$ssl_client_v_remain
SSL_PROTOCOL=$ssl_protocol
SSL_CIPHER=$ssl_cipher
SSL_CLIENT_CERT=$ssl_client_raw_cert";
    }
}
`, address, s.Cmd.Dir))
	o := func() *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{alice}, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384}}
	}
	_, theirs, err := page(secureClient(a, o()), "https://"+address+"/")
	if err != nil || !strings.Contains(theirs, "SSL_CLIENT_VERIFY=SUCCESS") {
		t.Fatal(err, theirs)
	}
	_, ours, err := page(secureClient(a, o()), s.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(theirs), "\n") {
		if !strings.Contains("\n"+ours, "\n"+line+"\n") {
			t.Errorf("nginx has %s", line)
		}
	}
	holdsLines(t, ours, "SSL_CLIENT_S_DN_Email=alice@example.org", "SSL_CLIENT_S_DN_CN=alice")
	if t.Failed() {
		t.Log(ours)
	}
}
