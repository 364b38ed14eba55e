package acme

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/integration/testca"
)

// toolsDir is the folder of tools; empty: no test has asked for them.
var toolsDir string

// tools builds pebble and its DNS server, from a module of their own.
var tools = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "standpipe-pebble-")
	if err != nil {
		return "", err
	}
	toolsDir = dir
	cmd := exec.Command("go", "build", "-o", dir+"/", "github.com/letsencrypt/pebble/v2/cmd/pebble", "github.com/letsencrypt/pebble/v2/cmd/pebble-challtestsrv")
	cmd.Dir = "../../../integration/pebble"
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	}
	return dir, err
})

func TestMain(m *testing.M) {
	if os.Getenv("STANDPIPE_TEST_CHILD") != "" {
		child()
		return
	}
	code := m.Run()
	if toolsDir != "" {
		os.RemoveAll(toolsDir)
	}
	os.Exit(code)
}

// ca is a running pebble.
type ca struct {
	Authority
	pem        []byte // verifies its server
	management string // the address of its own API
}

// site is what a CA connects to: a DNS server, and the ports of the challenges.
type site struct {
	dns, dnsAdmin string
	http, tls     net.Listener
}

// freePort is an address on which TCP and UDP are free. It is below the ports that the system gives to sockets that name none, and no
// other call gets it: another test cannot have it meanwhile.
func freePort(t *testing.T) string {
	t.Helper()
	for range 100 {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(15000+rand.IntN(15000)))
		if _, taken := portsTaken.LoadOrStore(address, true); taken {
			continue
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			continue
		}
		defer l.Close()
		if u, err := net.ListenPacket("udp", address); err == nil {
			u.Close()
			return address
		}
	}
	t.Fatal("no port is free")
	return ""
}

// portsTaken are the addresses that freePort has given.
var portsTaken sync.Map

func port(a net.Addr) int { return a.(*net.TCPAddr).Port }

// run starts a program that ends with the test, and waits until ready is true.
func run(t *testing.T, env []string, ready func() bool, name string, args ...string) {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr, cmd.Env = &out, &out, append(os.Environ(), env...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
		if t.Failed() {
			b := out.Bytes()
			t.Logf("%s:\n%s", filepath.Base(name), b[max(0, len(b)-3000):])
		}
	})
	eventually(t, name+" answers", func() bool {
		select {
		case <-ended:
			t.Fatalf("%s ended: %s", name, out.String())
		default:
		}
		return ready()
	})
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(3 * time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within three minutes: %s", what)
		}
	}
}

func dials(address string) bool {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

func newSite(t *testing.T) *site {
	t.Helper()
	dir, err := tools()
	if err != nil {
		t.Fatal(err)
	}
	s := &site{dns: freePort(t), dnsAdmin: freePort(t)}
	for _, l := range []*net.Listener{&s.http, &s.tls} {
		if *l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { (*l).Close() })
	}
	run(t, nil, func() bool { return dials(s.dnsAdmin) && dials(s.dns) }, dir+"/pebble-challtestsrv",
		"-dnsserver", s.dns, "-management", s.dnsAdmin, "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", "")
	return s
}

// newCA starts pebble for the site. brief is the validity of the profile "brief".
func newCA(t *testing.T, s *site, dns string, brief time.Duration) *ca {
	t.Helper()
	bin, err := tools()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	pool := selfSigned(t, dir)
	address, management := freePort(t), freePort(t)
	config := map[string]any{"pebble": map[string]any{
		"listenAddress": address, "managementListenAddress": management,
		"certificate": dir + "/cert.pem", "privateKey": dir + "/key.pem",
		"httpPort": port(s.http.Addr()), "tlsPort": port(s.tls.Addr()),
		"retryAfter": map[string]int{"authz": 1, "order": 1}, "keyAlgorithm": "ecdsa",
		"profiles": map[string]any{
			"default": map[string]any{"description": "usual", "validityPeriod": 7776000},
			"brief":   map[string]any{"description": "brief", "validityPeriod": int(brief.Seconds())},
		},
	}}
	b, err := json.Marshal(config)
	if err == nil {
		err = os.WriteFile(dir+"/config.json", b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	run(t, []string{"PEBBLE_VA_NOSLEEP=1", "PEBBLE_AUTHZREUSE=0"}, func() bool { return dials(address) && dials(management) }, bin+"/pebble", "-config", dir+"/config.json", "-dnsserver", dns)
	return &ca{Authority{URL: "https://" + address + "/dir", Roots: pool}, pemOf(t, dir), management}
}

// selfSigned writes a certificate for 127.0.0.1, and returns what verifies it.
func selfSigned(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	c := testca.For("127.0.0.1")
	c.IsCA, c.BasicConstraintsValid = true, true
	c.KeyUsage, c.ExtKeyUsage = x509.KeyUsageDigitalSignature|x509.KeyUsageCertSign, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	made := testca.SelfSigned(t, c)
	made.Write(t, dir+"/cert.pem", dir+"/key.pem")
	pool := x509.NewCertPool()
	pool.AddCert(made.Leaf)
	return pool
}

// storageDir is a folder that does not exist yet.
func storageDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "standpipe-certificates-")
	if err != nil {
		t.Fatal(err)
	}
	// A goroutine of certmagic's may still write a lock.
	t.Cleanup(func() { eventually(t, "the storage is removed", func() bool { return os.RemoveAll(dir) == nil }) })
	return dir + "/certificates"
}

// served makes a Manager, answers the challenges at the site, and starts it.
func served(t *testing.T, s *site, o Options) *Manager {
	t.Helper()
	if o.Storage == nil {
		storage, err := OpenFolder(storageDir(t))
		if err != nil {
			t.Fatal(err)
		}
		o.Storage = storage
	}
	if o.Log == nil {
		o.Log = testLog(t)
	}
	o.ListenHost = "127.0.0.1"
	m, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !m.ServeChallenge(w, r) {
			http.NotFound(w, r)
		}
	})}
	go func() { _ = server.Serve(s.http) }()
	listener := tls.NewListener(s.tls, &tls.Config{GetCertificate: m.Certificate, NextProtos: []string{"http/1.1", ChallengeProtocol}})
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _ = c.(*tls.Conn).Handshake(); c.Close() }()
		}
	}()
	t.Cleanup(func() { m.Stop(); server.Close(); listener.Close() })
	if err := m.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return m
}

// certificate makes a handshake, and returns the leaf; nil: there is none.
func (s *site) certificate(name string) *x509.Certificate {
	d := &net.Dialer{Timeout: 2 * time.Minute}
	c, err := tls.DialWithDialer(d, "tcp", s.tls.Addr().String(), &tls.Config{ServerName: name, InsecureSkipVerify: true})
	if err != nil {
		return nil
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0]
}

// records is a log whose lines are read by a test.
type records struct {
	mu  sync.Mutex
	out bytes.Buffer
	t   *testing.T
}

func (r *records) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.out.Write(p)
}

func (r *records) events(name string) (list []map[string]any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	d := json.NewDecoder(bytes.NewReader(r.out.Bytes()))
	for {
		var m map[string]any
		if err := d.Decode(&m); err != nil {
			if !errors.Is(err, io.EOF) {
				r.t.Error(err)
			}
			return list
		}
		if m["@message"] == name {
			list = append(list, m)
		}
	}
}

func newRecords(t *testing.T) (*records, hclog.Logger) {
	r := &records{t: t}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(r.out.String()[max(0, r.out.Len()-6000):])
		}
	})
	return r, hclog.New(&hclog.LoggerOptions{Output: r, JSONFormat: true, Level: hclog.Debug})
}

func testLog(t *testing.T) hclog.Logger { _, l := newRecords(t); return l }

// setTXT has the DNS server answer for a name, by its own API.
func (s *site) setTXT(ctx context.Context, path string, v map[string]string) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.dnsAdmin+path, strings.NewReader(string(b)))
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %d", path, answer.StatusCode)
	}
	return nil
}
