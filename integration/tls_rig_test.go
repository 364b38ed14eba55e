package integration

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/integration/testca"
)

// authority is a CA of the tests.
type authority struct {
	*testca.Authority
	pool *x509.CertPool
	pem  string
}

func newAuthority(t testing.TB, name string) *authority {
	t.Helper()
	a := testca.New(t, name)
	return &authority{a, a.Pool, a.PEM}
}

// sign makes a certificate, in PEM too.
func (a *authority) sign(t testing.TB, c *x509.Certificate) (made tls.Certificate, cert, key string) {
	t.Helper()
	m := a.Sign(t, c)
	return *m.Certificate, m.CertPEM, m.KeyPEM
}

// forNames signs a certificate of a server.
func (a *authority) forNames(t testing.TB, names ...string) (cert, key string) {
	t.Helper()
	_, cert, key = a.sign(t, testca.For(names...))
	return cert, key
}

// secureApp answers with what it knows of the connection.
const secureApp = `
import os, sys

def app(environ, start_response):
    if environ["PATH_INFO"] == "/pid":
        body = str(os.getpid())
    else:
        body = "".join("%s=%s\n" % (k, v) for k, v in sorted(environ.items()) if k.startswith(("SSL_", "HTTPS", "HTTP_SSL", "wsgi.url", "SERVER_P")))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [body.encode()]
`

// secureServer serves secureApp by HTTPS, with a certificate for localhost.
func secureServer(t testing.TB, a *authority, toml string, files map[string]string) *server {
	t.Helper()
	cert, key := a.forNames(t, "localhost", "127.0.0.1")
	all := map[string]string{"app.py": secureApp, "cert.pem": cert, "key.pem": key, "ca.pem": a.pem, "standpipe.toml": toml + "\n[[app]]\nname = \"shop\"\nmodule = \"app:app\"\nworkers = 2\n"}
	for name, text := range files {
		all[name] = text
	}
	return start(t, opts{Dir: project(t, all), Bare: true, Args: []string{"-c", "standpipe.toml", "--log-format", "json"}})
}

const secureListen = "bind = \"https://127.0.0.1:0\"\n[tls]\ntls_cert = \"cert.pem\"\ntls_key = \"key.pem\"\n"

// secureClient is a client with the settings o.
func secureClient(a *authority, o *tls.Config) *http.Client {
	if o == nil {
		o = &tls.Config{}
	}
	o.RootCAs = a.pool
	return &http.Client{Transport: &http.Transport{TLSClientConfig: o}, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// page is what the client gets.
func page(c *http.Client, url string, fields ...string) (*http.Response, string, error) {
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return nil, "", err
	}
	for i := 0; i < len(fields); i += 2 {
		r.Header[fields[i]] = append(r.Header[fields[i]], fields[i+1])
	}
	resp, err := c.Do(r)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp, string(b), err
}

// servedName is the first name of the certificate that a client gets who asks for name.
func servedName(s *server, a *authority, name string) (string, error) {
	c, err := tls.Dial("tcp", s.Addr, &tls.Config{RootCAs: a.pool, ServerName: name, InsecureSkipVerify: true})
	if err != nil {
		return "", err
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].DNSNames[0], nil
}

// counts waits until each of these metrics is at least so large, and returns all: a failure is counted after its client has heard of it.
func (s *server) counts(least map[string]float64) (m map[string]float64) {
	s.t.Helper()
	eventually(s.t, fmt.Sprint("at least ", least), func() bool {
		m = s.metrics("unix", s.controlSocket())
		for name, n := range least {
			if m[name] < n {
				return false
			}
		}
		return true
	})
	return m
}

// replace puts files in the place of others, as a program that renews certificates does.
func (s *server) replace(files map[string]string) {
	s.t.Helper()
	for name, text := range files {
		path := filepath.Join(s.Cmd.Dir, name)
		if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
			s.t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			s.t.Fatal(err)
		}
	}
}

// holdsLines reports lines that text does not have.
func holdsLines(t testing.TB, text string, lines ...string) {
	t.Helper()
	for _, l := range lines {
		if !strings.Contains("\n"+text, "\n"+l) {
			t.Errorf("no line begins with %q:\n%s", l, text)
		}
	}
}

// expiredFor is a server's certificate that has expired an hour ago.
func expiredFor(names ...string) *x509.Certificate {
	c := testca.For(names...)
	c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	return c
}
