package localca

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
)

func TestFolder(t *testing.T) {
	for _, c := range []struct {
		goos string
		env  map[string]string
		want string
	}{
		{"linux", map[string]string{"HOME": "/home/ann"}, "/home/ann/.local/share/standpipe/local-ca"},
		{"linux", map[string]string{"HOME": "/home/ann", "XDG_DATA_HOME": "/data"}, "/data/standpipe/local-ca"},
		{"linux", map[string]string{"HOME": "/home/ann", "XDG_DATA_HOME": "data"}, "/home/ann/.local/share/standpipe/local-ca"},
		{"linux", map[string]string{"STATE_DIRECTORY": "/var/lib/shop:/var/lib/other"}, "/var/lib/shop/local-ca"},
		{"linux", nil, ""},
		{"darwin", map[string]string{"HOME": "/Users/ann"}, "/Users/ann/Library/Application Support/standpipe/local-ca"},
		{"windows", map[string]string{"LOCALAPPDATA": "/c/ann", "HOME": "/x"}, "/c/ann/standpipe/local-ca"},
		{"windows", map[string]string{"HOME": "/x"}, ""},
	} {
		if got := Folder(c.goos, func(name string) string { return c.env[name] }); got != c.want {
			t.Errorf("%s %v: %q, want %q", c.goos, c.env, got, c.want)
		}
	}
}

func TestLocal(t *testing.T) {
	for _, host := range []string{"localhost", "LocalHost", "shop.localhost", "*.localhost", "127.0.0.1", "127.8.9.1", "::1"} {
		if !Local(host) {
			t.Errorf("%s is local", host)
		}
	}
	for _, host := range []string{"", "hosts", "localhost.example.org", "mylocalhost", "10.0.0.1", "::2", "shop.local"} {
		if Local(host) {
			t.Errorf("%s is not local", host)
		}
	}
}

func open(t *testing.T, dir string) *Authority {
	t.Helper()
	a, _, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Processes that start at the same moment have one CA, whose files no other user can read.
func TestOneAuthority(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "share", "standpipe", "local-ca")
	var wg sync.WaitGroup
	var mu sync.Mutex
	made, seen := 0, map[string]bool{}
	for range 16 {
		wg.Go(func() {
			a, created, err := Open(dir)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
				return
			}
			if created {
				made++
			}
			seen[a.ID()] = true
		})
	}
	wg.Wait()
	if made != 1 || len(seen) != 1 {
		t.Errorf("%d were made, %d seen", made, len(seen))
	}
	if rest, _ := filepath.Glob(dir + "-new-*"); len(rest) > 0 {
		t.Error(rest)
	}
	if err := os.Chmod(dir, 0o755); err != nil { // by somebody
		t.Fatal(err)
	}
	open(t, dir)
	for path, want := range map[string]os.FileMode{dir: 0o700, dir + "/ca.key": 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v %v", path, info.Mode(), err)
		}
	}
	if a, err := Read(dir); err != nil || a.key != nil || !strings.HasPrefix(a.Name(), "standpipe local CA ") || !strings.Contains(a.Name(), "@") {
		t.Errorf("%+v %v", a, err)
	}
}

// A CA that cannot be used is an error that says where it is, and nothing takes its place.
func TestBadFiles(t *testing.T) {
	good, other := filepath.Join(t.TempDir(), "ca"), filepath.Join(t.TempDir(), "ca")
	open(t, good)
	open(t, other)
	content := func(dir, name string) string {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	cert, key := content(good, certFile), content(good, keyFile)
	for name, files := range map[string]map[string]string{
		"no key": {certFile: cert}, "no certificate": {keyFile: key}, "empty": {certFile: "", keyFile: ""}, "no PEM": {certFile: "x", keyFile: key},
		"the key of another": {certFile: cert, keyFile: content(other, keyFile)}, "the key in place of the certificate": {certFile: key, keyFile: key},
	} {
		dir := t.TempDir()
		for file, text := range files {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, created, err := Open(dir); err == nil || created || !strings.Contains(err.Error(), dir) || strings.Contains(err.Error(), "PRIVATE") {
			t.Errorf("%s: %v %v", name, created, err)
		}
	}
	if _, err := Read(t.TempDir()); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
	if os.Getuid() != 0 && runtime.GOOS != "windows" {
		if err := os.Chmod(good, 0); err != nil {
			t.Fatal(err)
		}
		defer os.Chmod(good, 0o700)
		if _, _, err := Open(good); !errors.Is(err, fs.ErrPermission) {
			t.Error(err)
		}
	}
}

func hello(name string) *tls.ClientHelloInfo { return &tls.ClientHelloInfo{ServerName: name} }

func served(t *testing.T, s *Source, name string) *x509.Certificate {
	t.Helper()
	c, err := s.Certificate(hello(name))
	if err != nil {
		t.Fatal(err)
	}
	if c == nil {
		return nil
	}
	return c.Leaf
}

// A certificate is for the names, and is replaced in time while the server runs.
func TestSource(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ca")
	synctest.Test(t, func(t *testing.T) {
		a := open(t, dir)
		b, err := a.Keep()
		if err != nil {
			t.Fatal(err)
		}
		if a, err = Restore(b); err != nil {
			t.Fatal(err)
		}
		s, err := New(a, []string{"Shop.localhost", "*.dev.localhost", "127.0.0.2"}, hclog.NewNullLogger())
		if err != nil {
			t.Fatal(err)
		}
		roots := x509.NewCertPool()
		roots.AddCert(a.Cert)
		valid := func(c *x509.Certificate, names ...string) {
			t.Helper()
			for _, name := range names {
				if _, err := c.Verify(x509.VerifyOptions{Roots: roots, DNSName: name, CurrentTime: time.Now()}); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
		first := served(t, s, "SHOP.localhost")
		valid(first, "shop.localhost", "localhost", "127.0.0.1", "127.0.0.2", "::1")
		for _, name := range []string{"dev.localhost", "other.localhost", "a.b.dev.localhost", "shop.example.org", "a b.dev.localhost", ""} {
			if c := served(t, s, name); c != nil {
				t.Errorf("%q has a certificate: %v", name, c.DNSNames)
			}
		}
		below := served(t, s, "a.dev.localhost")
		valid(below, "a.dev.localhost")
		if !slices.Equal(below.DNSNames, []string{"a.dev.localhost"}) || !served(t, s, "a.dev.localhost").Equal(below) {
			t.Error(below.DNSNames)
		}
		time.Sleep(4 * 24 * time.Hour)
		if !served(t, s, "localhost").Equal(first) {
			t.Error("it is replaced too early")
		}
		for range 3 { // the server runs on
			time.Sleep(24 * time.Hour)
			valid(served(t, s, "localhost"), "localhost")
			valid(served(t, s, "a.dev.localhost"), "a.dev.localhost")
		}
		if served(t, s, "localhost").Equal(first) {
			t.Error("it is not replaced")
		}
		time.Sleep(60 * 24 * time.Hour) // a laptop that was asleep
		valid(served(t, s, "localhost"), "localhost")
		now := served(t, s, "localhost")
		if known, err := s.Renew("LOCALHOST"); !known || err != nil || served(t, s, "localhost").Equal(now) {
			t.Error(known, err)
		}
		if known, _ := s.Renew("shop.example.org"); known {
			t.Error("a name of another source is renewed")
		}
		list := s.List()
		if len(list) != 2 || !slices.Contains(list[0].Names, "shop.localhost") || list[0].Issuer != a.Name() || time.Until(list[0].NotAfter) != life ||
			list[0].Next.After(list[0].NotAfter) || list[1].Source != a.Path || !list[1].NotAfter.Equal(a.Cert.NotAfter) {
			t.Errorf("%+v", list)
		}
		time.Sleep(11 * 365 * 24 * time.Hour) // the CA has expired
		if c := served(t, s, "localhost"); c == nil || !c.Equal(served(t, s, "localhost")) {
			t.Error("a new certificate of an expired CA")
		}
		if _, err := Restore(b); err == nil || !strings.Contains(err.Error(), "expired") {
			t.Error(err)
		}
	})
}

// A client without a name gets the certificate where only this machine connects.
func TestWithoutName(t *testing.T) {
	s, err := New(open(t, filepath.Join(t.TempDir(), "ca")), nil, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]bool{"127.0.0.1": true, "::1": true, "10.0.0.1": false} {
		c, err := s.Certificate(&tls.ClientHelloInfo{Conn: connTo{at: net.TCPAddr{IP: net.ParseIP(address)}}})
		if err != nil || (c != nil) != want {
			t.Errorf("%s: %v %v", address, c != nil, err)
		}
	}
	if s.Default() == nil {
		t.Error("there is no default")
	}
}

type connTo struct {
	net.Conn
	at net.TCPAddr
}

func (c connTo) LocalAddr() net.Addr { return &c.at }

// Names below wildcards are chosen by clients: what is kept of them is bounded.
func TestBelowIsBounded(t *testing.T) {
	s, err := New(open(t, filepath.Join(t.TempDir(), "ca")), []string{"*.localhost"}, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	for i := range maxBelow + 10 {
		served(t, s, strings.Repeat("a", i%60+1)+strings.Repeat("b", i/60)+".localhost")
	}
	if len(s.below) > maxBelow {
		t.Error(len(s.below))
	}
}

// A stolen key is of no use for other names: verifiers refuse what it signs for them.
func TestConstraints(t *testing.T) {
	a := open(t, filepath.Join(t.TempDir(), "ca"))
	roots := x509.NewCertPool()
	roots.AddCert(a.Cert)
	for _, name := range []string{"shop.example.org", "localhost.example.org", "10.0.0.1", "8.8.8.8", "::2"} {
		c, err := a.issue([]string{name}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name}); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if !a.Cert.PermittedDNSDomainsCritical || !a.Cert.MaxPathLenZero {
		t.Error("the constraints are not binding")
	}
}

func TestName(t *testing.T) {
	if got := caName("j\u00f6rg@" + strings.Repeat("h", 100)); len(got) != 64 || strings.ContainsFunc(got, func(r rune) bool { return r > '~' }) {
		t.Error(got)
	}
}
