package integration

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/integration/testca"
)

// A server gets its certificate from a CA by itself, answers https with it, redirects http, and has it again after a restart.
func TestAutomaticHTTPS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	build := exec.Command("go", "build", "-o", dir+"/", "github.com/letsencrypt/pebble/v2/cmd/pebble", "github.com/letsencrypt/pebble/v2/cmd/pebble-challtestsrv")
	build.Dir = filepath.Join(repoDir(), "integration", "pebble")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var ports [6]int
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports[i] = l.Addr().(*net.TCPAddr).Port
		l.Close()
	}
	dns, admin, ca, management, plain, secure := ports[0], ports[1], ports[2], ports[3], ports[4], ports[5]
	writeCAFiles(t, dir, fmt.Sprintf(`{"pebble": {"listenAddress": "127.0.0.1:%d", "managementListenAddress": "127.0.0.1:%d", "certificate": "%s/ca.pem",
		"privateKey": "%s/ca.key", "httpPort": %d, "tlsPort": %d, "keyAlgorithm": "ecdsa", "profiles": {"default": {"description": "x", "validityPeriod": 7776000}}}}`,
		ca, management, dir, dir, plain, secure))
	for _, argv := range [][]string{
		{dir + "/pebble-challtestsrv", "-dnsserver", fmt.Sprintf("127.0.0.1:%d", dns), "-management", fmt.Sprintf("127.0.0.1:%d", admin),
			"-defaultIPv6", "", "-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", ""},
		{dir + "/pebble", "-config", dir + "/ca.json", "-dnsserver", fmt.Sprintf("127.0.0.1:%d", dns)},
	} {
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	}
	for _, port := range []int{dns, ca} {
		eventually(t, "the CA answers", func() bool {
			c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if err == nil {
				c.Close()
			}
			return err == nil
		})
	}
	o := opts{
		App: "app:application", Dir: appDir(t, "wsgi_smoke"), Python: python(t), Listen: []string{fmt.Sprintf("https://127.0.0.1:%d", secure), fmt.Sprintf("127.0.0.1:%d", plain)},
		Args: []string{"--https", "shop.example.test", "--acme-ca", fmt.Sprintf("https://127.0.0.1:%d/dir", ca), "--acme-ca-roots", dir + "/ca.pem", "--acme-storage", dir + "/certificates"},
	}
	serial := func() string {
		c, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", secure), &tls.Config{ServerName: "shop.example.test", InsecureSkipVerify: true})
		if err != nil {
			return ""
		}
		defer c.Close()
		leaf := c.ConnectionState().PeerCertificates[0]
		if err := leaf.VerifyHostname("shop.example.test"); err != nil {
			t.Error(err)
		}
		return leaf.SerialNumber.String()
	}
	s := start(t, o)
	eventually(t, "a certificate", func() bool { return serial() != "" })
	before := serial()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{ServerName: "shop.example.test", InsecureSkipVerify: true}}}
	defer client.CloseIdleConnections()
	answer, err := client.Get(fmt.Sprintf("https://127.0.0.1:%d/livez", secure))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Error(answer.Status)
	}
	if info, err := os.Stat(dir + "/certificates"); err != nil || info.Mode().Perm() != 0o700 {
		t.Error(info, err)
	}
	type row struct {
		Names    []string  `json:"names"`
		Issuer   string    `json:"issuer"`
		Source   string    `json:"source"`
		DaysLeft *int      `json:"days_left"`
		Error    string    `json:"error"`
		Next     time.Time `json:"next"`
	}
	certs := func() (list []row) {
		var v struct{ Certificates []row }
		if err := json.Unmarshal([]byte(s.must("certs", "--json")), &v); err != nil {
			t.Fatal(err)
		}
		return v.Certificates
	}
	if list := certs(); len(list) != 1 || len(list[0].Names) != 1 || list[0].Names[0] != "shop.example.test" || list[0].Issuer == "" || list[0].Source != "acme" ||
		list[0].DaysLeft == nil || *list[0].DaysLeft != 89 || list[0].Error != "" || time.Until(list[0].Next) < 59*24*time.Hour || time.Until(list[0].Next) > 61*24*time.Hour {
		t.Errorf("%+v", list)
	}
	if out := s.must("certs"); !strings.Contains(out, "shop.example.test") || !strings.Contains(out, "acme") || !strings.Contains(out, " 89 ") {
		t.Error(out)
	}
	s.must("certs", "renew", "SHOP.example.test")
	renewed := serial()
	if renewed == "" || renewed == before {
		t.Errorf("the serial number after a renewal is %q, and was %s", renewed, before)
	}
	before = renewed
	if r := s.order("certs", "renew", "other.example.test"); r.code != 2 || !r.names("shop.example.test") {
		t.Errorf("%+v", r)
	}
	s.stop()
	start(t, o)
	if after := serial(); after != before {
		t.Errorf("the certificate after a restart is %s, and was %s", after, before)
	}
}

// While no CA answers, the commands say why and when the next attempt is made, and a renewal fails.
func TestCertsWithoutCA(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, opts{
		App: "app:application", Dir: appDir(t, "wsgi_smoke"), Python: python(t), Listen: []string{"https://127.0.0.1:0", "127.0.0.1:0"},
		Args: []string{"--https", "shop.example.test", "--acme-ca", "https://127.0.0.1:1/dir", "--acme-storage", dir + "/certificates"},
	})
	failed := s.waitEvent("certificate_failed")
	var v struct {
		Certificates []struct {
			Names []string  `json:"names"`
			Days  *int      `json:"days_left"`
			Error string    `json:"error"`
			Next  time.Time `json:"next"`
		}
	}
	eventually(t, "the failure is listed", func() bool { // it is stored after the record is written
		v.Certificates = nil
		if err := json.Unmarshal([]byte(s.must("certs", "--json")), &v); err != nil {
			t.Fatal(err)
		}
		return len(v.Certificates) == 1 && v.Certificates[0].Error != ""
	})
	c := v.Certificates[0]
	if len(c.Names) != 1 || c.Names[0] != failed.str("name") || c.Days != nil || c.Error != failed.str("error") || time.Until(c.Next) <= 0 || time.Until(c.Next) > time.Minute {
		t.Errorf("%+v %v", c, failed)
	}
	if out := s.must("certs"); !strings.Contains(out, "none yet") || !strings.Contains(out, c.Next.Local().Format(time.DateTime)) {
		t.Error(out)
	}
	if r := s.order("certs", "renew", "shop.example.test"); r.code != 1 || !r.names("shop.example.test", "127.0.0.1:1") {
		t.Errorf("%+v", r)
	}
}

// writeCAFiles writes the CA's configuration, and a certificate for its own server.
func writeCAFiles(t *testing.T, dir, config string) {
	t.Helper()
	c := testca.For("127.0.0.1")
	c.IsCA, c.BasicConstraintsValid = true, true
	made := testca.SelfSigned(t, c)
	for name, text := range map[string]string{
		"ca.json": config,
		"ca.pem":  made.CertPEM,
		"ca.key":  made.KeyPEM,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.TrimSpace(text)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
