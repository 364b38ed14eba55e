package integration

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/standpipe/standpipe/integration/testca"
	"github.com/standpipe/standpipe/integration/testdns"
)

// pebble builds the CA of the tests, from a module of its own.
var pebble = sync.OnceValues(func() (string, error) {
	build := exec.Command("go", "build", "-o", built.dir+"/", "github.com/letsencrypt/pebble/v2/cmd/pebble")
	build.Dir = filepath.Join(repoDir(), "integration", "pebble")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	}
	return built.dir + "/pebble", err
})

// acmeCA is a running CA, with the DNS server that it asks.
type acmeCA struct {
	*testdns.Server
	URL           string // of the directory
	roots         string // a file that verifies its server
	dir           string
	plain, secure int // the ports that it connects to
}

// fixedPort is freePort as a number.
func fixedPort(t testing.TB) int {
	t.Helper()
	port, err := strconv.Atoi(freePort(t))
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// outsideAddress is an IPv4 address of this machine that is not a loopback address.
func outsideAddress(t testing.TB) string {
	t.Helper()
	list, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range list {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsGlobalUnicast() {
			return n.IP.String()
		}
	}
	skip(t, "no-address", "this machine has no address besides its loopback ones")
	return ""
}

// newACME starts a CA for the zone example.test. more are settings of pebble.
func newACME(t testing.TB, more map[string]any) *acmeCA {
	t.Helper()
	bin, err := pebble()
	if err != nil {
		t.Fatal(err)
	}
	ca := &acmeCA{Server: testdns.New(t, "example.test"), dir: t.TempDir(), plain: fixedPort(t), secure: fixedPort(t)}
	own := testca.For("127.0.0.1")
	own.IsCA, own.BasicConstraintsValid = true, true
	own.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign
	ca.roots = ca.dir + "/ca.pem"
	testca.SelfSigned(t, own).Write(t, ca.roots, ca.dir+"/ca.key")
	address := fmt.Sprintf("127.0.0.1:%d", fixedPort(t))
	management := fmt.Sprintf("127.0.0.1:%d", fixedPort(t))
	ca.URL = "https://" + address + "/dir"
	settings := map[string]any{
		"listenAddress": address, "managementListenAddress": management, "certificate": ca.roots, "privateKey": ca.dir + "/ca.key",
		"httpPort": ca.plain, "tlsPort": ca.secure, "keyAlgorithm": "ecdsa", "retryAfter": map[string]int{"authz": 1, "order": 1},
		"profiles": map[string]any{"default": map[string]any{"description": "three months", "validityPeriod": 7776000}}, // of several, it chooses one by chance
	}
	for key, value := range more {
		settings[key] = value
	}
	b, err := json.Marshal(map[string]any{"pebble": settings})
	if err == nil {
		err = os.WriteFile(ca.dir+"/ca.json", b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, "-config", ca.dir+"/ca.json", "-dnsserver", ca.Addr)
	cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_AUTHZREUSE=0", "PEBBLE_WFE_NONCEREJECT=0")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("the CA:\n%s", out.String()[max(0, out.Len()-3000):])
		}
	})
	for _, a := range []string{address, management} {
		eventually(t, "the CA answers", func() bool {
			c, err := net.Dial("tcp", a)
			if err == nil {
				c.Close()
			}
			return err == nil
		})
	}
	return ca
}

// host is the host and port of the CA, which an error names.
func (ca *acmeCA) host() string {
	return strings.TrimSuffix(strings.TrimPrefix(ca.URL, "https://"), "/dir")
}

// options start a server that answers the challenges of the CA and keeps its certificates in ca.dir.
func (ca *acmeCA) options(t testing.TB, args ...string) opts {
	t.Helper()
	return opts{
		App: "app:application", Dir: appDir(t, "wsgi_smoke"), Python: systemPython(t),
		Listen: []string{fmt.Sprintf("https://127.0.0.1:%d", ca.secure), fmt.Sprintf("127.0.0.1:%d", ca.plain)},
		Args:   append([]string{"--acme-ca", ca.URL, "--acme-ca-roots", ca.roots, "--acme-storage", ca.dir + "/certificates"}, args...),
	}
}

// leaf is the certificate that a client gets for a name; nil: the handshake fails.
func (ca *acmeCA) leaf(name string) *x509.Certificate {
	leaf, _ := ca.handshake(name)
	return leaf
}

// handshake is what a client of that name gets: a certificate, or why there is none.
func (ca *acmeCA) handshake(name string) (*x509.Certificate, error) {
	c, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", fmt.Sprintf("127.0.0.1:%d", ca.secure), &tls.Config{ServerName: name, InsecureSkipVerify: true})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0], nil
}

// issued waits for a certificate.
func (ca *acmeCA) issued(t testing.TB, name string) *x509.Certificate {
	t.Helper()
	var leaf *x509.Certificate
	eventually(t, "a certificate for "+name, func() bool { leaf = ca.leaf(name); return leaf != nil })
	return leaf
}

// certRow is a row of `standpipe certs --json`.
type certRow struct {
	Names    []string  `json:"names"`
	Issuer   string    `json:"issuer"`
	Source   string    `json:"source"`
	DaysLeft *int      `json:"days_left"`
	Error    string    `json:"error"`
	Next     time.Time `json:"next"`
}

func (s *server) certs() []certRow {
	s.t.Helper()
	var v struct{ Certificates []certRow }
	if err := json.Unmarshal([]byte(s.must("certs", "--json")), &v); err != nil {
		s.t.Fatal(err)
	}
	return v.Certificates
}

// refusedCertificate waits for the record of a failure, and for the same in `standpipe certs`: it is stored after the record is written.
func (s *server) refusedCertificate(name string, words ...string) record {
	s.t.Helper()
	r := s.waitEvent("certificate_failed")
	if r.str("name") != name || !holds(r.str("error"), words...) || r.str("retry_in") == "" {
		s.t.Errorf("%q are not all in %v", words, r)
	}
	eventually(s.t, "the failure is listed", func() bool {
		for _, row := range s.certs() {
			if strings.Join(row.Names, " ") == name && row.Error == r.str("error") {
				return true
			}
		}
		return false
	})
	return r
}
