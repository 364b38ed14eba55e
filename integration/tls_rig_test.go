package integration

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority is a CA of the tests.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
	pem  string
}

func newAuthority(t testing.TB, name string) *authority {
	t.Helper()
	a := &authority{pool: x509.NewCertPool()}
	c, pemText, _ := a.sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	a.cert, a.key, a.pem = c.Leaf, c.PrivateKey.(*ecdsa.PrivateKey), pemText
	a.pool.AddCert(a.cert)
	return a
}

// sign makes a certificate, in PEM too; the first one of an authority signs itself.
func (a *authority) sign(t testing.TB, c *x509.Certificate) (made tls.Certificate, cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c.SerialNumber = big.NewInt(time.Now().UnixNano())
	if c.NotAfter.IsZero() {
		c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(90*24*time.Hour)
	}
	if !c.IsCA {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, k
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, k.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	cert = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	key = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	if made, err = tls.X509KeyPair([]byte(cert), []byte(key)); err != nil {
		t.Fatal(err)
	}
	return made, cert, key
}

// forNames signs a certificate of a server.
func (a *authority) forNames(t testing.TB, names ...string) (cert, key string) {
	t.Helper()
	c := &x509.Certificate{Subject: pkix.Name{CommonName: names[0]}}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, n)
		}
	}
	_, cert, key = a.sign(t, c)
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
