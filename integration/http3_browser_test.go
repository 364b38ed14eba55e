package integration

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A browser loads a page and all that it names over HTTP/3.
func TestHTTP3InABrowser(t *testing.T) {
	t.Parallel()
	browser(t)
	a := newAuthority(t, "test CA")
	cert, key := a.forNames(t, "localhost", "127.0.0.1")
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	spki := sha256.Sum256(pair.Leaf.RawSubjectPublicKeyInfo)
	files := project(t, map[string]string{"cert.pem": cert, "key.pem": key})
	toml := strings.Replace(threeListen, "\"cert.pem\"", "\""+filepath.Join(files, "cert.pem")+"\"", 1)
	toml = strings.Replace(toml, "\"key.pem\"", "\""+filepath.Join(files, "key.pem")+"\"", 1)
	path := filepath.Join(files, "standpipe.toml")
	if err := os.WriteFile(path, []byte(toml), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, opts{Dir: appDir(t, "static_flask"), Bare: true, Args: []string{"-c", path, "--log-format", "json", "--access-log-format", "combined", "--python", python(t), "-w", "1", "app:app"}})
	dom, console := render(t, "https://localhost:"+port(s)+"/", "--enable-quic", "--origin-to-force-quic-on=localhost:"+port(s),
		"--host-resolver-rules=MAP localhost 127.0.0.1", "--ignore-certificate-errors-spki-list="+base64.StdEncoding.EncodeToString(spki[:]))
	if !strings.Contains(dom, seenInPage) {
		t.Errorf("the page:\n%s", dom)
	}
	if len(console) > 0 {
		t.Errorf("the console: %q", console)
	}
	s.waitAccess(`"GET /static/empty\.wasm HTTP/3\.0"`)
	for _, line := range s.access() {
		if strings.Contains(line, "\"GET /") && !strings.Contains(line, " HTTP/3.0\" 200 ") {
			t.Errorf("not by HTTP/3: %s", line)
		}
	}
}
