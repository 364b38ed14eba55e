package integration

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// Clients with certificates of their own, over HTTP/1.1 and HTTP/2, get no page that was made for another one, and neither do clients
// without; a page for all is shared by both protocols.
func TestCacheAttack_ClientCertificates(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "test CA")
	s := secureServer(t, a, "", map[string]string{"app.py": `def app(environ, start_response):
    mine = environ["PATH_INFO"] != "/all"
    start_response("200 OK", [("Cache-Control", "max-age=600" if mine else "public, max-age=600")])
    return [(environ.get("SSL_CLIENT_S_DN_CN", "nobody") if mine else environ["wsgi.url_scheme"]).encode()]
`, "standpipe.toml": secureListen + "client_ca = \"ca.pem\"\nclient_auth = \"request\"\n[[app]]\nname = \"shop\"\nmodule = \"app:app\"\nworkers = 1\ncache = \"on\"\n"})
	url := "https://localhost:" + port(s)
	var all sync.WaitGroup
	for n := range 6 {
		name := fmt.Sprintf("visitor%d", n)
		own, _, _ := a.sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: name}})
		for _, client := range []*http.Client{secureTwo(t, a, &tls.Config{Certificates: []tls.Certificate{own}}), secureClient(a, &tls.Config{Certificates: []tls.Certificate{own}})} {
			all.Go(func() {
				for range 8 {
					if resp, body, err := page(client, url+"/mine"); err != nil || body != name {
						t.Errorf("%s got %q, %v: %+v", name, body, err, resp)
					}
					if resp, body, err := page(client, url+"/all"); err != nil || body != "https" {
						t.Errorf("%s got %q, %v: %+v", name, body, err, resp)
					}
				}
			})
		}
	}
	all.Wait()
	for _, client := range []*http.Client{secureTwo(t, a, nil), secureClient(a, nil)} {
		if resp, body, err := page(client, url+"/mine"); err != nil || body != "nobody" {
			t.Errorf("a client without a certificate got %q, %v: %+v", body, err, resp)
		}
		if resp, body, err := page(client, url+"/all"); err != nil || body != "https" || !strings.HasPrefix(resp.Header.Get("Cache-Status"), "standpipe; hit") {
			t.Errorf("for all: %q, %v: %+v", body, err, resp)
		}
	}
}
