package acme

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/acme/dnsprovider"
)

func obtained(s *site, name string) func() bool {
	return func() bool { return s.certificate(name) != nil }
}

func TestHTTP01(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c := newCA(t, s, s.dns, time.Hour)
	r, log := newRecords(t)
	m := served(t, s, Options{Names: []string{"HTTP01.EXAMPLE.TEST"}, Profile: "default", Authorities: []Authority{c.Authority}, HTTPPort: port(s.http.Addr()), Log: log})
	eventually(t, "a certificate", obtained(s, "http01.example.test"))
	leaf := s.certificate("http01.example.test")
	if err := leaf.VerifyHostname("http01.example.test"); err != nil {
		t.Error(err)
	}
	if s.certificate("other.example.test") != nil {
		t.Error("a certificate for a name that is not configured")
	}
	if list := r.events("certificate_obtained"); len(list) != 1 || list[0]["name"] != "http01.example.test" {
		t.Error(list)
	}
	// The same from the storage, and a renewal by hand: another certificate is served.
	list, err := List(t.Context(), m.o.Storage, m.o.Names...)
	if err != nil || len(list) != 1 || list[0].Name != "http01.example.test" || list[0].Issuer == "" || time.Until(list[0].NotAfter) < 24*time.Hour || list[0].Error != "" {
		t.Errorf("%+v %v", list, err)
	}
	if err := m.Renew(t.Context(), "http01.example.test"); err != nil {
		t.Fatal(err)
	}
	if next := s.certificate("http01.example.test"); next == nil || next.SerialNumber.Cmp(leaf.SerialNumber) == 0 {
		t.Error("the old certificate after a renewal")
	}
	if err := m.Renew(t.Context(), "other.example.test"); !errors.Is(err, ErrUnknownName) {
		t.Error(err)
	}
}

// The account has no address, even if the storage has the folder of one that another process is about to make.
func TestAccountWithoutAddress(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c := newCA(t, s, s.dns, time.Hour)
	dir := storageDir(t)
	ca := strings.NewReplacer("https://", "", ":", "-", "/", "-").Replace(c.URL)
	if err := os.MkdirAll(dir+"/acme/"+ca+"/users/default", 0o700); err != nil {
		t.Fatal(err)
	}
	storage, err := OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	served(t, s, Options{Names: []string{"account.example.test"}, Authorities: []Authority{c.Authority}, HTTPPort: port(s.http.Addr()), Storage: storage})
	eventually(t, "a certificate", obtained(s, "account.example.test"))
}

func TestTLSALPN01(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c := newCA(t, s, s.dns, time.Hour)
	served(t, s, Options{Names: []string{"tlsalpn01.example.test"}, Authorities: []Authority{c.Authority}, TLSPort: port(s.tls.Addr())})
	eventually(t, "a certificate", obtained(s, "tlsalpn01.example.test"))
}

// With a stored certificate a server starts while no CA answers.
func TestOffline(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c := newCA(t, s, s.dns, time.Hour)
	dir := storageDir(t)
	storage, err := OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	served(t, s, Options{Names: []string{"offline.example.test"}, Authorities: []Authority{c.Authority}, HTTPPort: port(s.http.Addr()), Storage: storage})
	eventually(t, "a certificate", obtained(s, "offline.example.test"))
	leaf := s.certificate("offline.example.test")

	gone := c.Authority
	gone.URL = strings.Replace(gone.URL, "https://127.0.0.1", "https://127.9.9.9", 1) // nothing listens there, and the storage has the certificate of the other CA
	again := &site{dns: s.dns, dnsAdmin: s.dnsAdmin}
	for _, l := range []*net.Listener{&again.http, &again.tls} {
		if *l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	}
	served(t, again, Options{Names: []string{"offline.example.test"}, Authorities: []Authority{c.Authority, gone}, HTTPPort: port(again.http.Addr()), Storage: storage})
	if got := again.certificate("offline.example.test"); got == nil || got.SerialNumber.Cmp(leaf.SerialNumber) != 0 {
		t.Error("the stored certificate is not served right after the start")
	}
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // what is written has another name at first
		}
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == "locks" { // its files come and go, and hold no secret
			return filepath.SkipDir
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v", path, info.Mode())
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestSecondCA(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c := newCA(t, s, s.dns, time.Hour)
	var asked atomic.Int32
	broken := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		http.Error(w, "closed", http.StatusServiceUnavailable)
	}))
	defer broken.Close()
	r, log := newRecords(t)
	roots := c.Roots.Clone()
	roots.AddCert(broken.Certificate())
	served(t, s, Options{
		Names: []string{"secondca.example.test"}, Authorities: []Authority{{URL: broken.URL + "/dir", Roots: roots}, c.Authority},
		HTTPPort: port(s.http.Addr()), Log: log,
	})
	eventually(t, "a certificate", obtained(s, "secondca.example.test"))
	if asked.Load() == 0 {
		t.Error("the first CA was not asked")
	}
	// The failure of the first one is in the log, with its name.
	found := false
	for _, e := range r.events("acme") {
		if e["@level"] == "error" && e["issuer"] != nil && e["name"] == "secondca.example.test" && e["error"] != "" {
			found = true
		}
	}
	if !found {
		t.Error(r.events("acme"))
	}
}

// A failure is recorded with its reason and its next attempt; the name is served after Renew.
func TestFailure(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c := newCA(t, s, s.dns, time.Hour)
	r, log := newRecords(t)
	began := time.Now()
	// The name has an address at which nothing listens.
	if err := s.setTXT(t.Context(), "/set-default-ipv4", map[string]string{"ip": "127.9.9.9"}); err != nil {
		t.Fatal(err)
	}
	m := served(t, s, Options{Names: []string{"failure.example.test"}, Authorities: []Authority{c.Authority}, HTTPPort: port(s.http.Addr()), Log: log})
	eventually(t, "a failure", func() bool { return len(r.events("certificate_failed")) > 0 })
	var list []Info
	eventually(t, "the failure in the storage", func() bool {
		list, _ = List(t.Context(), m.o.Storage)
		return len(list) == 1
	})
	if i := list[0]; i.Name != "failure.example.test" || i.Error == "" || !i.NotAfter.IsZero() || i.Next.Sub(began) < 30*time.Second || time.Until(i.Next) > 2*time.Minute {
		t.Errorf("%+v", i)
	}
	if err := s.setTXT(t.Context(), "/set-default-ipv4", map[string]string{"ip": "127.0.0.1"}); err != nil {
		t.Fatal(err)
	}
	if err := m.Renew(t.Context(), "failure.example.test"); err != nil {
		t.Fatal(err)
	}
	if s.certificate("failure.example.test") == nil {
		t.Error("no certificate")
	}
	if list, err := List(t.Context(), m.o.Storage, m.o.Names...); err != nil || len(list) != 1 || list[0].Error != "" || list[0].NotAfter.IsZero() {
		t.Errorf("%+v %v", list, err)
	}
}

// A certificate of seconds is replaced by the next one, and handshakes have one all the time.
func TestRenewal(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c := newCA(t, s, s.dns, 40*time.Second)
	served(t, s, Options{
		Names: []string{"renewal.example.test"}, Authorities: []Authority{c.Authority}, Profile: "brief", HTTPPort: port(s.http.Addr()),
		checkEvery: time.Second, renewAt: 0.8,
	})
	eventually(t, "a certificate", obtained(s, "renewal.example.test"))
	leaf := s.certificate("renewal.example.test")
	if d := leaf.NotAfter.Sub(leaf.NotBefore); d > time.Minute {
		t.Fatalf("the profile was not asked for: %v", d)
	}
	eventually(t, "a renewal", func() bool {
		next := s.certificate("renewal.example.test")
		if next == nil {
			t.Fatal("no certificate during the renewal")
		}
		return next.SerialNumber.Cmp(leaf.SerialNumber) != 0
	})
}

func TestOnDemand(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c := newCA(t, s, s.dns, time.Hour)
	var asked atomic.Int32
	ask := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if !strings.HasSuffix(r.FormValue("domain"), ".asked.test") || r.FormValue("key") != "1" {
			http.NotFound(w, r)
		}
	}))
	defer ask.Close()
	r, log := newRecords(t)
	m := served(t, s, Options{
		Authorities: []Authority{c.Authority}, HTTPPort: port(s.http.Addr()), Log: log,
		Demand: &Demand{Hosts: []string{"*.shop.test"}, Ask: ask.URL + "/?key=1", Rate: 2, Per: time.Hour, remember: time.Hour},
	})
	m.o.Demand.told.Every = time.Hour
	if s.certificate("a.shop.test") == nil || asked.Load() != 0 {
		t.Error("one of the hosts", asked.Load())
	}
	if s.certificate("b.asked.test") == nil || asked.Load() == 0 {
		t.Error("a name that the URL allows")
	}
	if s.certificate("b.example.test") != nil || s.certificate("a.b.shop.test") != nil {
		t.Error("a name that nothing allows")
	}
	if s.certificate("c.asked.test") != nil || s.certificate("d.asked.test") != nil {
		t.Error("a third certificate in an hour")
	}
	if list := r.events("certificate_limit"); len(list) != 1 || list[0]["name"] != "c.asked.test" {
		t.Error(list)
	}
	if list, err := List(t.Context(), m.o.Storage); err != nil || len(list) != 2 {
		t.Errorf("the storage has names that clients have chosen: %+v %v", list, err)
	}
	// What the URL has denied is remembered.
	before := asked.Load()
	for range 20 {
		if s.certificate("b.example.test") != nil || s.certificate("e.example.test") != nil {
			t.Error("a name that nothing allows")
		}
	}
	if n := asked.Load() - before; n != 1 {
		t.Errorf("it was asked %d times for a name that it has denied", n)
	}
	if s.certificate("a.shop.test") == nil {
		t.Error("the limit counts certificates that are there")
	}
	// Renew renews a certificate that is there, and makes none for another name, even one that is allowed.
	first := s.certificate("a.shop.test")
	if err := m.Renew(t.Context(), "A.shop.test"); err != nil {
		t.Fatal(err)
	}
	if after := s.certificate("a.shop.test"); first == nil || after == nil || after.SerialNumber.Cmp(first.SerialNumber) == 0 {
		t.Error("the old certificate after a renewal")
	}
	if err := m.Renew(t.Context(), "c.shop.test"); !errors.Is(err, ErrUnknownName) {
		t.Error(err)
	}
	// Another process has it in the storage alone, and renews it all the same.
	other, err := New(m.o)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Stop()
	if present, err := other.present(t.Context(), "a.shop.test"); !present || err != nil {
		t.Error(present, err)
	}
}

// A program sets the records in the DNS server of the tests.
func TestDNS01Program(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c := newCA(t, s, s.dns, time.Hour)
	dir := t.TempDir()
	program := dir + "/records"
	script := `#!/bin/sh
echo "$@" >> ` + dir + `/calls
case $1 in
present) exec curl -sf -d "{\"host\":\"$2.\",\"value\":\"$3\"}" http://` + s.dnsAdmin + `/set-txt ;;
cleanup) exec curl -sf -d "{\"host\":\"$2.\"}" http://` + s.dnsAdmin + `/clear-txt ;;
esac
exit 2
`
	syscall.ForkLock.RLock() // a child of another test that had it open for writing would keep it from being run (ETXTBSY)
	err := os.WriteFile(program, []byte(script), 0o700)
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatal(err)
	}
	m := served(t, s, Options{Names: []string{"*.program.test"}, Authorities: []Authority{c.Authority}, DNS: Records{&dnsprovider.Program{Path: program}}})
	eventually(t, "a certificate", obtained(s, "any.program.test"))
	if err := m.Renew(t.Context(), "any.program.test"); !errors.Is(err, ErrUnknownName) {
		t.Errorf("the certificate of the wildcard is none for the name alone: %v", err)
	}
	calls, err := os.ReadFile(dir + "/calls")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Fields(string(calls))
	if len(lines) != 6 || lines[0] != "present" || lines[3] != "cleanup" || lines[1] != "_acme-challenge.program.test" || lines[1] != lines[4] || lines[2] != lines[5] {
		t.Errorf("%q", lines)
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	storage, err := OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []Options{
		{Names: []string{"shop.test"}},
		{Names: []string{"*.shop.test"}, Authorities: []Authority{{}}},
		{Names: []string{"shop test"}, Authorities: []Authority{{}}},
	} {
		o.Storage, o.Log = storage, testLog(t)
		if m, err := New(o); err == nil {
			m.Stop()
			t.Errorf("%+v", o.Names)
		}
	}
	var d Demand
	if err := d.allow(context.Background(), "shop.test"); !errors.Is(err, ErrNotAllowed) {
		t.Error(err)
	}
}
