package integration

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// secureLoad asks for pages until stop is called: over HTTP/1.1 and HTTP/2, on kept connections and on new ones. It stops after least
// pages.
func secureLoad(t testing.TB, s *server, a *authority, o func() *tls.Config) (stop func(least int64)) {
	var ended atomic.Bool
	var done atomic.Int64
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			c := secureClient(a, o())
			c.Transport.(*http.Transport).ForceAttemptHTTP2 = i%2 == 1
			defer c.CloseIdleConnections()
			for n := 0; !ended.Load(); n++ {
				resp, _, err := page(c, s.URL)
				if err != nil || resp.StatusCode != 200 {
					t.Errorf("request %d of client %d: %v", n, i, err)
					return
				}
				done.Add(1)
				if n%5 == i {
					c.CloseIdleConnections()
				}
			}
		})
	}
	return func(least int64) {
		eventually(t, fmt.Sprint(least, " pages"), func() bool { return done.Load() >= least || t.Failed() })
		ended.Store(true)
		wg.Wait()
	}
}

// A reload changes certificates, the lowest version and HSTS under load, without an error. With anything wrong in it, all
// of the old stays.
func TestTLSReload(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "test CA")
	files := map[string]string{}
	for _, name := range []string{"new", "wiki", "blog"} {
		files[name+".pem"], files[name+".key"] = a.forNames(t, name+".example.org", "localhost", "127.0.0.1")
	}
	_, files["old.pem"], files["old.key"] = a.sign(t, expiredFor("localhost"))
	lenient := "[limits]\nheader_timeout = \"1h\"\n" // with connections that ask for nothing yet
	s := secureServer(t, a, secureListen+lenient, files)
	app := "[[app]]\nname = \"shop\"\nmodule = \"app:app\"\nworkers = 2\n"
	put := func(toml string) {
		t.Helper()
		write(t, s.Cmd.Dir, map[string]string{"standpipe.toml": toml + lenient + app})
	}
	listen := "bind = \"https://127.0.0.1:0\"\n[tls]\n"
	stop := secureLoad(t, s, a, func() *tls.Config { return &tls.Config{} })
	served := func(name, want string) {
		t.Helper()
		if got, err := servedName(s, a, name); err != nil || got != want {
			t.Errorf("%s: %s %v, want %s", name, got, err, want)
		}
	}
	kept, err := tls.Dial("tcp", s.Addr, &tls.Config{RootCAs: a.pool, MaxVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	tickets := tls.NewLRUClientSessionCache(1)
	resumes := func() bool {
		t.Helper()
		c := secureClient(a, &tls.Config{ClientSessionCache: tickets})
		defer c.CloseIdleConnections()
		resp, _, err := page(c, s.URL)
		if err != nil {
			t.Fatal(err)
		}
		return resp.TLS.DidResume
	}
	resumes()

	put(listen + "tls_cert = \"new.pem\"\ntls_key = \"new.key\"\ntls_min = \"1.3\"\nhsts = \"max-age=60\"\n[[certificate]]\ncert = \"wiki.pem\"\nkey = \"wiki.key\"\n")
	s.must("reload")
	good := func() {
		t.Helper()
		served("localhost", "new.example.org")
		served("unknown.example.org", "new.example.org")
		served("wiki.example.org", "wiki.example.org")
		if _, _, err := page(secureClient(a, &tls.Config{MaxVersion: tls.VersionTLS12}), s.URL); err == nil {
			t.Error("TLS 1.2 is spoken")
		}
		if resp, _, err := page(secureClient(a, nil), s.URL); err != nil || resp.Header.Get("Strict-Transport-Security") != "max-age=60" {
			t.Errorf("%v %+v", err, resp)
		}
	}
	good()
	if !resumes() {
		t.Error("a session from before the reload is not resumed")
	}
	if len(s.events("restart_needed")) > 0 {
		t.Error(s.events("restart_needed"))
	}
	if out := s.must("certs"); strings.Contains(out, "cert.pem") || !strings.Contains(out, "new.pem") || !strings.Contains(out, "wiki.pem") {
		t.Error(out)
	}
	fmt.Fprint(kept, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if resp, err := http.ReadResponse(bufio.NewReader(kept), nil); err != nil || resp.StatusCode != 200 {
		t.Errorf("a connection of TLS 1.2 from before: %v", err)
	}

	// Each has something that is good, and something that is not.
	blog := listen + "hsts = \"max-age=1\"\ntls_cert = \"blog.pem\"\ntls_key = \"blog.key\"\n"
	for name, toml := range map[string]string{
		"the key of another one": blog + "[[certificate]]\ncert = \"wiki.pem\"\nkey = \"new.key\"\n",
		"no certificate":         blog + "[[certificate]]\ncert = \"app.py\"\nkey = \"new.key\"\n",
		"expired":                blog + "[[certificate]]\ncert = \"old.pem\"\nkey = \"old.key\"\n",
		"no CA":                  blog + "client_ca = \"app.py\"\n",
		"no file":                blog + "client_ca = \"gone.pem\"\n",
	} {
		failed := len(s.events("reload_failed"))
		put(toml)
		if r := s.order("reload"); r.code == 0 {
			t.Errorf("%s: %+v", name, r)
		}
		eventually(t, "a record of "+name, func() bool { return len(s.events("reload_failed")) == failed+1 })
		good()
	}
	put(blog)
	s.must("reload")
	served("localhost", "blog.example.org")
	served("wiki.example.org", "blog.example.org")
	if _, _, err := page(secureClient(a, &tls.Config{MaxVersion: tls.VersionTLS12}), s.URL); err != nil {
		t.Errorf("TLS 1.2: %v", err)
	}
	stop(50)
	// New files of a certificate that a reload has brought are noticed.
	cert, key := a.forNames(t, "renewed.example.org", "localhost", "127.0.0.1")
	s.replace(map[string]string{"blog.pem": cert, "blog.key": key})
	eventually(t, "the renewed certificate is served", func() bool {
		got, err := servedName(s, a, "localhost")
		return err == nil && got == "renewed.example.org"
	})
}

// A reload that asks for certificates of clients is not circumvented by a session from before, or from another CA.
func TestTLSReloadClientCertificates(t *testing.T) {
	t.Parallel()
	a, other := newAuthority(t, "test CA"), newAuthority(t, "other CA")
	alice, _, _ := a.sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: "alice"}})
	s := secureServer(t, a, secureListen, map[string]string{"other.pem": other.pem})
	put := func(clients string) {
		t.Helper()
		write(t, s.Cmd.Dir, map[string]string{"standpipe.toml": secureListen + clients + "[[app]]\nname = \"shop\"\nmodule = \"app:app\"\nworkers = 2\n"})
		s.must("reload")
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		put("")
		plain, certified := tls.NewLRUClientSessionCache(1), tls.NewLRUClientSessionCache(1)
		ask := func(cache tls.ClientSessionCache, with *tls.Certificate) (resumed bool, body string, err error) {
			c := secureClient(a, &tls.Config{MaxVersion: version, ClientSessionCache: cache, GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return with, nil }})
			defer c.CloseIdleConnections()
			resp, body, err := page(c, s.URL)
			if err != nil {
				return false, "", err
			}
			return resp.TLS.DidResume, body, nil
		}
		none := &tls.Certificate{}
		_, _, _ = ask(plain, none)
		if resumed, body, err := ask(plain, none); err != nil || !resumed || strings.Contains("\n"+body, "\nSSL_CLIENT") {
			t.Fatalf("%x: %v %v\n%s", version, resumed, err, body)
		}
		put("client_ca = \"ca.pem\"\nclient_auth = \"request\"\n")
		resumed, body, err := ask(certified, &alice)
		if err != nil || resumed {
			t.Errorf("%x: %v %v", version, resumed, err)
		}
		holdsLines(t, body, "SSL_CLIENT_VERIFY=SUCCESS", "SSL_CLIENT_S_DN=CN=alice")
		if resumed, body, err := ask(certified, &alice); err != nil || !resumed || !strings.Contains(body, "SSL_CLIENT_VERIFY=SUCCESS") {
			t.Errorf("%x: %v %v\n%s", version, resumed, err, body)
		}
		if resumed, body, err := ask(plain, &alice); err != nil || resumed || !strings.Contains(body, "SSL_CLIENT_VERIFY=SUCCESS") {
			t.Errorf("%x: a session of the time when nothing was asked for: %v %v\n%s", version, resumed, err, body)
		}
		put("client_ca = \"ca.pem\"\n")
		if _, _, err := ask(plain, none); err == nil {
			t.Errorf("%x: a session gets around client_auth", version)
		}
		if resumed, _, err := ask(certified, &alice); err != nil || resumed {
			t.Errorf("%x: %v %v", version, resumed, err)
		}
		put("client_ca = \"other.pem\"\n")
		if _, _, err := ask(certified, &alice); err == nil {
			t.Errorf("%x: a session of another CA", version)
		}
	}
	if len(s.events("restart_needed")) > 0 {
		t.Error(s.events("restart_needed"))
	}
}

// A reload of a process that has dropped privileges keeps the keys that it cannot read any more, and refuses others like them.
func TestTLSReloadWithoutPrivileges(t *testing.T) {
	t.Parallel()
	needRoot(t)
	account(t, "nobody")
	a := newAuthority(t, "test CA")
	files := map[string]string{"app.py": secureApp, "ca.pem": a.pem}
	files["cert.pem"], files["key.pem"] = a.forNames(t, "localhost", "127.0.0.1")
	files["locked.pem"], files["locked.key"] = a.forNames(t, "locked.example.org")
	files["open.pem"], files["open.key"] = a.forNames(t, "open.example.org")
	dir := project(t, files)
	for _, name := range []string{"key.pem", "locked.key", "ca.pem"} {
		if err := os.Chmod(filepath.Join(dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config := func(more string) map[string]string {
		return map[string]string{"standpipe.toml": "user = \"nobody\"\n" + secureListen + "client_ca = \"ca.pem\"\nclient_auth = \"request\"\n" + more + "[[app]]\nname = \"shop\"\nmodule = \"app:app\"\nworkers = 1\n"}
	}
	write(t, dir, config(""))
	s := start(t, opts{Dir: dir, Bare: true, Python: systemPython(t), Argv: []string{sandboxBinary(t), "serve"}, Args: []string{"-c", "standpipe.toml", "--log-format", "json", "--python", systemPython(t)}})
	s.must("reload")
	write(t, dir, config("[[certificate]]\ncert = \"locked.pem\"\nkey = \"locked.key\"\n"))
	if r := s.order("reload"); r.code == 0 || !strings.Contains(r.out+r.errout, "permission") {
		t.Errorf("a key that it may not read: %+v", r)
	}
	write(t, dir, config("[[certificate]]\ncert = \"open.pem\"\nkey = \"open.key\"\n"))
	s.must("reload")
	for _, name := range []string{"localhost", "open.example.org"} {
		if got, err := servedName(s, a, name); err != nil || got != name {
			t.Errorf("%s %v, want %s", got, err, name)
		}
	}
	// The process of an upgrade has all of them.
	s.usr2()
	s.upgraded()
	for _, name := range []string{"localhost", "open.example.org"} {
		if got, err := servedName(s, a, name); err != nil || got != name {
			t.Errorf("after an upgrade: %s %v, want %s", got, err, name)
		}
	}
}
