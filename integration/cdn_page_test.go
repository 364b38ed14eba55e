package integration

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The configuration on docs/behind-cdn.md does what the page says: only a client with the CDN's certificate connects, its fields name the
// client, no other field has another value, and answers say what may be kept.
func TestBehindACDN(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join(repoDir(), "docs", "behind-cdn.md"))
	if err != nil {
		t.Fatal(err)
	}
	a, cdn := newAuthority(t, "test CA"), newAuthority(t, "the CDN's CA")
	puller, _, _ := cdn.sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: "cdn"}})
	cert, key := a.forNames(t, "localhost", "127.0.0.1")
	style := "h1 { color: teal }\n"
	sum := sha256.Sum256([]byte(style))
	hashed := "shop." + hex.EncodeToString(sum[:])[:16] + ".css"
	config := strings.NewReplacer("198.51.100.0/24", "127.0.0.0/8", "https://0.0.0.0:443", "https://127.0.0.1:0", "/etc/ssl/cdn-ca.pem", "cdn.pem",
		"/etc/ssl/origin.pem", "cert.pem", "/etc/ssl/origin.key", "key.pem", "shop.wsgi:application", "shop:app").Replace(tomlOf(t, b, 0))
	s := start(t, opts{Dir: project(t, map[string]string{
		"standpipe.toml": config + "static = [\"/static=static\"]\nworkers = 1\n", "static/" + hashed: style, "static/plain.css": style, "cert.pem": cert, "key.pem": key, "cdn.pem": cdn.pem,
		"shop.py": `def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    names = "REMOTE_ADDR", "wsgi.url_scheme", "HTTP_CF_CONNECTING_IP", "SSL_CLIENT_S_DN_CN"
    return [" ".join(environ.get(n, "-") for n in names).encode()]
`,
	}), Bare: true, Args: []string{"-c", "standpipe.toml", "--log-format", "json"}})
	url := "https://" + s.Addr
	if _, _, err := page(secureClient(a, nil), url+"/"); err == nil {
		t.Error("a client without the certificate is served")
	}
	c := secureClient(a, &tls.Config{Certificates: []tls.Certificate{puller}})
	_, body, err := page(c, url+"/", "X-Forwarded-For", "6.6.6.6, 203.0.113.7", "X-Forwarded-Proto", "https", "CF-Connecting-IP", "6.6.6.6")
	if err != nil || body != "203.0.113.7 https 203.0.113.7 cdn" {
		t.Errorf("%q %v", body, err)
	}
	for path, want := range map[string]string{"/static/" + hashed: "immutable", "/static/plain.css": "no-cache", "/static/missing.css": "no-store", "/readyz": "no-store"} {
		r, _, err := page(c, url+path)
		if err != nil || !strings.Contains(r.Header.Get("Cache-Control"), want) {
			t.Fatalf("%s: %v %v", path, err, r)
		}
		if etag := r.Header.Get("ETag"); want == "no-cache" {
			if r, _, err = page(c, url+path, "If-None-Match", etag); err != nil || r.StatusCode != 304 {
				t.Errorf("%s: %v %v", path, err, r)
			}
		}
	}
}

// tomlOf is the n-th block of toml on a page.
func tomlOf(t testing.TB, page []byte, n int) string {
	t.Helper()
	list := tomlBlock.FindAllSubmatch(page, -1)
	if n >= len(list) {
		t.Fatalf("only %d blocks of toml", len(list))
	}
	return string(list[n][1])
}
