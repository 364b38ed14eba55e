package integration

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// listening are the addresses of the server, in the order of the configuration.
func (s *server) listening() (list []string) {
	for _, r := range s.events("listening") {
		_, a, _ := strings.Cut(r.str("address"), "://")
		list = append(list, strings.TrimSuffix(a, "/"))
	}
	return list
}

// hostAt asks an address for a page of host, over one connection whose client asks for the name sni. It returns the status and the body; 0:
// there is no connection.
func hostAt(t testing.TB, a *authority, address, sni, host string, two bool, with *tls.Certificate) (status int, body string) {
	t.Helper()
	o := &tls.Config{RootCAs: a.pool, ServerName: sni, GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		if with == nil {
			return &tls.Certificate{}, nil
		}
		return with, nil
	}}
	tr := &http.Transport{TLSClientConfig: o, ForceAttemptHTTP2: two, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	defer tr.CloseIdleConnections()
	scheme := "https"
	if sni == "" {
		scheme = "http"
	}
	r, err := http.NewRequest(http.MethodPost, scheme+"://"+address+"/", strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	resp, err := (&http.Client{Transport: tr, Timeout: patience}).Do(r)
	if err != nil {
		return 0, ""
	}
	defer resp.Body.Close()
	if (resp.ProtoMajor == 2) != two {
		t.Errorf("it is %s", resp.Proto)
	}
	b, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b)
}

// session makes a connection, and takes a ticket with the answer to a request.
func session(a *authority, address string, version uint16, cache tls.ClientSessionCache, with *tls.Certificate) (resumed bool, err error) {
	o := &tls.Config{RootCAs: a.pool, ServerName: "localhost", MaxVersion: version, ClientSessionCache: cache}
	if with != nil {
		o.Certificates = []tls.Certificate{*with}
	}
	c, err := tls.Dial("tcp", address, o)
	if err != nil {
		return false, err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	fmt.Fprint(c, "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	_, err = io.ReadAll(c)
	return c.ConnectionState().DidResume, err
}

const whichApp = `
import os

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [(os.environ["WHICH"] + " " + environ.get("SSL_CLIENT_S_DN_CN", "-")).encode()]
`

// One address is for partners with certificates, the others are for the public: a host of the partners is served at theirs alone, whatever
// name a connection began with.
func TestPartners(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "test CA")
	alice, _, _ := a.sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: "alice"}})
	cert, key := a.forNames(t, "shop.example.org", "partners.example.org", "localhost", "127.0.0.1")
	config := func(hosts string) string {
		return "trusted_proxies = \"127.0.0.1\"\ntrusted_fields = [\"for\", \"proto\", \"host\"]\n" + `[tls]
tls_cert = "cert.pem"
tls_key = "key.pem"
[[listen]]
address = "https://127.0.0.1:0"
[[listen]]
address = "https://127.0.0.1:0"
client_ca = "ca.pem"
` + hosts + `[[listen]]
address = "127.0.0.1:0"
[[app]]
name = "partners"
module = "app:app"
hosts = ["partners.example.org"]
mount = "/"
workers = 1
env = { WHICH = "partners" }
[[app]]
name = "shop"
module = "app:app"
workers = 1
env = { WHICH = "shop" }
`
	}
	s := start(t, opts{Dir: project(t, map[string]string{"app.py": whichApp, "cert.pem": cert, "key.pem": key, "ca.pem": a.pem, "standpipe.toml": config("")}), Bare: true, Args: []string{"--log-format", "json"}, Apps: 2})
	if r := s.waitEvent("config"); !strings.Contains(r.str("message"), "certificates of clients") {
		t.Error(r)
	}
	at := s.listening()
	if len(at) != 3 {
		t.Fatal(at)
	}
	public, private, plain := at[0], at[1], at[2]
	const shop, partners = "shop.example.org", "partners.example.org"
	if status, body := hostAt(t, a, public, shop, partners, false, nil); status != 200 || body != "partners -" {
		t.Errorf("without hosts: %d %s", status, body)
	}
	write(t, s.Cmd.Dir, map[string]string{"standpipe.toml": config("hosts = [\"" + partners + "\"]\n")})
	s.must("reload")
	for _, c := range []struct {
		address, sni, host string
		with               *tls.Certificate
		status             int
		body               string
	}{
		{public, shop, shop, nil, 200, "shop -"},
		{public, shop, partners, nil, 421, ""},     // one connection for several hosts
		{public, partners, partners, nil, 421, ""}, // even so, no certificate was asked for
		{public, partners, partners, &alice, 421, ""},
		{public, partners, shop, nil, 200, "shop -"},
		{public, shop, "PARTNERS.example.org.:8443", nil, 421, ""},
		{private, partners, partners, &alice, 200, "partners alice"},
		{private, shop, partners, &alice, 200, "partners alice"},
		{private, partners, shop, &alice, 421, ""},
		{private, partners, partners, nil, 0, ""},
		{plain, "", partners, nil, 421, ""},
		{plain, "", shop, nil, 200, "shop -"},
	} {
		for _, two := range []bool{false, true} {
			if two && c.sni == "" {
				continue
			}
			status, body := hostAt(t, a, c.address, c.sni, c.host, two, c.with)
			if status != c.status || status == 200 && body != c.body {
				t.Errorf("%+v, HTTP/2 %v: %d %s", c, two, status, body)
			}
		}
	}
	// A session of one address is not resumed at one that asks for other certificates.
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, c := range []struct {
			first, then   string
			with          *tls.Certificate
			resumed, good bool
		}{{public, public, nil, true, true}, {private, private, &alice, true, true}, {public, private, &alice, false, true}, {private, public, &alice, false, true}, {public, private, nil, false, false}} {
			cache := tls.NewLRUClientSessionCache(1)
			if _, err := session(a, c.first, version, cache, c.with); err != nil {
				t.Fatal(err)
			}
			if resumed, err := session(a, c.then, version, cache, c.with); resumed != c.resumed || (err == nil) != c.good {
				t.Errorf("%x, %+v: resumed %v, %v", version, c, resumed, err)
			}
		}
	}
	// What a trusted proxy calls the host counts.
	if resp, _, err := page(http.DefaultClient, "http://"+plain+"/", "X-Forwarded-Host", partners); err != nil || resp.StatusCode != 421 {
		t.Errorf("the field of a proxy: %v %+v", err, resp)
	}
	// Health checks do not depend on hosts.
	if resp, _, err := page(http.DefaultClient, "http://"+plain+"/livez", "Host", partners); err != nil || resp.StatusCode != 200 {
		t.Errorf("%v %+v", err, resp)
	}
	if r := s.waitEvent("misdirected"); r.str("host") != partners || r.str("address") == "" {
		t.Error(r)
	}
	// And back.
	write(t, s.Cmd.Dir, map[string]string{"standpipe.toml": config("client_auth = \"request\"\n")})
	s.must("reload")
	if status, body := hostAt(t, a, private, partners, shop, true, nil); status != 200 || body != "shop -" {
		t.Errorf("%d %s", status, body)
	}
	if len(s.events("restart_needed")) > 0 {
		t.Error(s.events("restart_needed"))
	}
}
