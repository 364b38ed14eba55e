package integration

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A renewed certificate is soon in use, under load and without an error; a bad one changes nothing.
func TestCertificateReload(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "test CA")
	s := secureServer(t, a, secureListen+"[limits]\nheader_timeout = \"1h\"\n", nil)
	var stop atomic.Bool
	var done atomic.Int64
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			c := secureClient(a, nil)
			for n := 0; !stop.Load(); n++ {
				if _, _, err := page(c, s.URL); err != nil {
					t.Error(err)
					return
				}
				done.Add(1)
				if i%2 == 0 && n%10 == 0 { // a new connection now and then
					c.CloseIdleConnections()
				}
			}
		})
	}
	defer func() {
		stop.Store(true)
		wg.Wait()
	}()
	kept, err := tls.Dial("tcp", s.Addr, &tls.Config{RootCAs: a.pool})
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	for i := range 3 {
		name := fmt.Sprintf("new%d.example.org", i)
		cert, key := a.forNames(t, name, "localhost", "127.0.0.1")
		s.replace(map[string]string{"cert.pem": cert, "key.pem": key})
		eventually(t, "the new certificate is served", func() bool {
			got, err := servedName(s, a, "localhost")
			return err == nil && got == name
		})
	}
	if n := len(s.events("certificate_loaded")); n != 3 {
		t.Errorf("%d records", n)
	}
	// Bad ones: the key of another certificate, no PEM, expired, gone.
	_, foreign := a.forNames(t, "x")
	good, goodKey := a.forNames(t, "last.example.org", "localhost", "127.0.0.1")
	_, expired, expiredKey := a.sign(t, &x509.Certificate{DNSNames: []string{"localhost"}, NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour)})
	for _, files := range []map[string]string{{"key.pem": foreign}, {"cert.pem": "nothing"}, {"cert.pem": expired, "key.pem": expiredKey}} {
		refused := len(s.events("certificate_refused")) // there may be one of half a pair
		s.replace(files)
		eventually(t, "it is refused", func() bool { return len(s.events("certificate_refused")) > refused })
		if r := s.events("certificate_refused")[refused]; r.str("error") == "" {
			t.Error(r)
		}
		if got, err := servedName(s, a, "localhost"); err != nil || got != "new2.example.org" {
			t.Errorf("%s %v", got, err)
		}
	}
	eventually(t, "status says that it has expired", func() bool { return strings.Contains(s.must("status"), "expired") })
	s.replace(map[string]string{"cert.pem": good, "key.pem": goodKey})
	eventually(t, "the last certificate is served", func() bool {
		got, err := servedName(s, a, "localhost")
		return err == nil && got == "last.example.org"
	})
	eventually(t, "100 requests", func() bool { return done.Load() >= 100 || t.Failed() })
	stop.Store(true)
	wg.Wait()
	fmt.Fprint(kept, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	var b bytes.Buffer
	if _, err := b.ReadFrom(kept); err != nil || !strings.HasPrefix(b.String(), "HTTP/1.1 200") {
		t.Errorf("the connection from before: %v %s", err, b.String())
	}
}

// What is wrong with certificates is found at the start, and each sentence names the file.
func TestBadCertificates(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "test CA")
	cert, key := a.forNames(t, "localhost")
	_, foreign := a.forNames(t, "localhost")
	_, soon, soonKey := a.sign(t, &x509.Certificate{DNSNames: []string{"localhost"}, NotBefore: time.Now().Add(-80 * 24 * time.Hour), NotAfter: time.Now().Add(10*24*time.Hour + time.Hour)})
	dir := project(t, map[string]string{"app.py": secureApp, "cert.pem": cert, "key.pem": key, "foreign.pem": foreign, "no.pem": "x", "soon.pem": soon, "soon.key": soonKey,
		"locked.pem": "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"})
	for _, c := range [][3]string{{"cert.pem", "foreign.pem", "foreign.pem"}, {"no.pem", "key.pem", "no.pem"}, {"cert.pem", "no.pem", "no.pem"}, {"cert.pem", "locked.pem", "encrypted"}, {"gone.pem", "key.pem", "gone.pem"}} {
		r := run(t, dir, nil, "serve", "app:app", "-b", "https://127.0.0.1:0", "--tls-cert", c[0], "--tls-key", c[1])
		if r.code != 2 || !strings.Contains(r.out+r.errout, c[2]) {
			t.Errorf("%v: %+v", c, r)
		}
		if r := run(t, dir, nil, "check", "app:app", "-b", "https://127.0.0.1:0", "--tls-cert", c[0], "--tls-key", c[1]); r.code != 2 || !strings.Contains(r.out+r.errout, c[2]) {
			t.Errorf("check: %v: %+v", c, r)
		}
	}
	for _, command := range []string{"check", "serve"} {
		r := run(t, dir, nil, command, "app:app", "-b", "https://127.0.0.1:0", "--tls-cert", "cert.pem", "--tls-key", "key.pem", "--client-ca", "no.pem")
		if r.code != 2 || !strings.Contains(r.out+r.errout, "client_ca") || !strings.Contains(r.out+r.errout, "no.pem") {
			t.Errorf("%s, client_ca: %+v", command, r)
		}
	}
	if r := run(t, dir, nil, "check", "app:app", "-b", "https://127.0.0.1:0", "--tls-cert", "soon.pem", "--tls-key", "soon.key"); r.code != 0 || !strings.Contains(r.errout, "expires on") {
		t.Errorf("check: %+v", r)
	}
	s := start(t, opts{Dir: dir, App: "app:app", Listen: []string{"https://127.0.0.1:0"}, Args: []string{"--tls-cert", "soon.pem", "--tls-key", "soon.key"}})
	if r := s.waitEvent("certificate_expires"); r.str("days") != "10" {
		t.Error(r)
	}
	if len(s.events("certificate_doubtful")) > 0 {
		t.Error(s.events("certificate_doubtful"))
	}
}

// The process of an upgrade reads the tickets of the old one, and has the keys that it may not read itself.
func TestUpgradeKeepsTLS(t *testing.T) {
	t.Parallel()
	needRoot(t)
	account(t, "nobody")
	a := newAuthority(t, "test CA")
	cert, key := a.forNames(t, "localhost", "127.0.0.1")
	dir := project(t, map[string]string{"app.py": secureApp, "cert.pem": cert, "key.pem": key, "ca.pem": a.pem})
	if err := os.Chmod(filepath.Join(dir, "key.pem"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, opts{Dir: dir, App: "app:app", Listen: []string{"https://127.0.0.1:0"}, Python: systemPython(t), Argv: []string{sandboxBinary(t), "serve"},
		Args: []string{"--tls-cert", "cert.pem", "--tls-key", "key.pem", "--user", "nobody", "-w", "1"}})
	cache := tls.NewLRUClientSessionCache(1)
	resumed := func() bool {
		t.Helper()
		c := secureClient(a, &tls.Config{ClientSessionCache: cache})
		defer c.CloseIdleConnections()
		resp, _, err := page(c, s.URL)
		if err != nil {
			t.Fatal(err)
		}
		return resp.TLS.DidResume
	}
	if resumed() || !resumed() {
		t.Error("a session is not resumed")
	}
	keysStayInside(t, s, key)
	old := s.Pid
	s.usr2()
	s.upgraded()
	eventually(t, "the old process has ended", func() bool { return !alive(old) })
	if !resumed() {
		t.Error("the new process cannot read the tickets of the old one")
	}
	keysStayInside(t, s, key)
	// The key is for root alone: a renewal is refused, with the reason.
	cert, key = a.forNames(t, "new.example.org", "localhost", "127.0.0.1")
	s.replace(map[string]string{"cert.pem": cert, "key.pem": key})
	if r := s.waitEvent("certificate_refused"); !strings.Contains(r.str("error"), "permission") {
		t.Error(r)
	}
}

// keysStayInside: no process below the server, and no environment, has the key or its file.
func keysStayInside(t testing.TB, s *server, key string) {
	t.Helper()
	secret := strings.Split(key, "\n")[1]
	workers := 0
	for _, pid := range tree(s.Pid) {
		proc := fmt.Sprintf("/proc/%d", pid)
		env, err := os.ReadFile(proc + "/environ")
		if err != nil {
			continue // it has ended
		}
		if bytes.Contains(env, []byte(secret)) || bytes.Contains(env, []byte("PRIVATE KEY")) || bytes.Contains(env, []byte("kept ")) {
			t.Errorf("process %d has a key in its environment", pid)
		}
		args, _ := os.ReadFile(proc + "/cmdline")
		if bytes.Contains(args, []byte(secret)) {
			t.Errorf("process %d has a key in its arguments", pid)
		}
		files, err := os.ReadDir(proc + "/fd")
		if err != nil {
			continue
		}
		for _, f := range files {
			if to, _ := os.Readlink(proc + "/fd/" + f.Name()); strings.HasSuffix(to, ".pem") {
				t.Errorf("process %d has %s open", pid, to)
			}
		}
		if pid != s.Pid {
			workers++
		}
	}
	if workers == 0 {
		t.Error("there is no worker")
	}
}
