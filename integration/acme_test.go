package integration

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
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
	s.stop()
	start(t, o)
	if after := serial(); after != before {
		t.Errorf("the certificate after a restart is %s, and was %s", after, before)
	}
}

// writeCAFiles writes the CA's configuration, and a certificate for its own server.
func writeCAFiles(t *testing.T, dir, config string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"ca.json": config,
		"ca.pem":  string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		"ca.key":  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.TrimSpace(text)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
