package integration

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/integration/testca"
)

// nssTool is the program that writes the stores of Firefox and Chromium; .ci/run installs it.
func nssTool(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath("certutil")
	if err != nil {
		skip(t, "no-program", "no certutil (libnss3-tools)")
	}
	return path
}

// standpipe certs trust has a real browser accept the certificates of a server, and untrust has it refuse them again.
func TestTrustInABrowser(t *testing.T) {
	t.Parallel()
	tool := nssTool(t)
	browser(t)
	home := t.TempDir()
	profile := filepath.Join(home, ".mozilla", "firefox", "abc.default")
	if err := os.MkdirAll(profile, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(tool, "-N", "-d", "sql:"+profile, "--empty-password").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s := localServer(t, home, false, "localhost,shop.localhost")
	port := s.Addr[strings.LastIndexByte(s.Addr, ':'):]
	shows := func(url string) bool {
		t.Helper()
		dom, _ := render(t, url, "HOME="+home)
		return strings.Contains(dom, ">local<")
	}
	command := func(want int, args ...string) result {
		t.Helper()
		r := run(t, home, []string{"HOME=" + home}, append([]string{"certs"}, args...)...)
		if r.code != want {
			t.Fatalf("%q: exit %d\n%s%s", args, r.code, r.out, r.errout)
		}
		return r
	}
	if shows("https://localhost" + port + "/") {
		t.Fatal("the browser accepts every certificate")
	}
	command(2, "trust", "--only", "browsers") // there is no terminal
	if r := command(0, "trust", "--only", "browsers", "--print"); !strings.Contains(r.out, "sql:"+profile) || strings.Count(r.out, " -A ") != 2 {
		t.Error(r.out)
	}
	command(0, "trust", "--only", "browsers", "--yes")
	for _, host := range []string{"localhost", "shop.localhost", "127.0.0.1"} {
		if !shows("https://" + host + port + "/") {
			t.Errorf("the browser refuses %s", host)
		}
	}
	if r := command(0, "trust", "--only", "browsers", "--print"); strings.Contains(r.out, " -A ") {
		t.Errorf("it would be installed twice: %s", r.out)
	}
	s.stop() // another certificate of the same CA
	s = localServer(t, home, false, "localhost")
	port = s.Addr[strings.LastIndexByte(s.Addr, ':'):]
	if !shows("https://localhost" + port + "/") {
		t.Error("the browser refuses the certificate after a restart")
	}
	command(0, "untrust", "--only", "browsers", "--yes")
	stores := []string{filepath.Join(home, ".pki", "nssdb"), filepath.Join(home, ".local", "share", "pki", "nssdb")} // of older and of newer releases
	for _, db := range append(stores, profile) {
		if _, err := os.Stat(filepath.Join(db, "cert9.db")); err != nil && db != profile {
			continue
		}
		if out, err := exec.Command(tool, "-L", "-d", "sql:"+db).CombinedOutput(); err != nil || strings.Contains(string(out), "standpipe") {
			t.Errorf("%v: %s", err, out)
		}
	}
	if shows("https://localhost" + port + "/") {
		t.Error("the browser accepts the certificate after untrust")
	}
}

// Where the browser was not used yet, there is a store for it too.
func TestTrustBeforeTheFirstStart(t *testing.T) {
	t.Parallel()
	nssTool(t)
	browser(t)
	home := t.TempDir()
	args := []string{"certs", "trust", "--only", "browsers"}
	if r := run(t, home, []string{"HOME=" + home}, append(args, "--print")...); r.code != 1 { // there is no CA, and none is made
		t.Errorf("%+v", r)
	}
	if found, err := os.ReadDir(home); err != nil || len(found) > 0 {
		t.Error(found, err)
	}
	if r := run(t, home, []string{"HOME=" + home}, append(args, "--yes")...); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	s := localServer(t, home, false, "localhost")
	if created := s.waitEvent("local_ca")["created"]; created != false {
		t.Error("the server has made another CA")
	}
	if dom, _ := render(t, "https://localhost"+s.Addr[strings.LastIndexByte(s.Addr, ':'):]+"/", "HOME="+home); !strings.Contains(dom, ">local<") {
		t.Errorf("the browser refuses it: %.300s", dom)
	}
}

// At a terminal standpipe certs trust asks, and any answer but yes changes nothing.
func TestTrustAsks(t *testing.T) {
	t.Parallel()
	tool := nssTool(t)
	if _, err := exec.LookPath("script"); err != nil {
		skip(t, "no-program", "script")
	}
	home := t.TempDir()
	store := filepath.Join(home, ".pki", "nssdb")
	if out, err := exec.Command("mkdir", "-p", store).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if out, err := exec.Command(tool, "-N", "-d", "sql:"+store, "--empty-password").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, c := range []struct {
		answer, args string
		code         int
		installed    bool
	}{{"\n", "trust", 1, false}, {"no\n", "trust", 1, false}, {"y\n", "trust", 0, true}, {"n\n", "untrust", 1, true}, {"Yes\n", "untrust", 0, false}} {
		cmd := exec.Command("script", "-qec", built.binary+" certs "+c.args+" --only browsers", "/dev/null") // a terminal of its own
		cmd.Env = append(cleanEnv(t), "HOME="+home)
		cmd.Stdin = strings.NewReader(c.answer)
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != c.code || !strings.Contains(string(out), "[y/N]") || !strings.Contains(string(out), store) {
			t.Errorf("%s, %q: %v\n%s", c.args, c.answer, err, out)
		}
		found, err := exec.Command(tool, "-L", "-d", "sql:"+store).CombinedOutput()
		if err != nil || strings.Contains(string(found), "standpipe local CA") != c.installed {
			t.Errorf("%s, %q: %v\n%s", c.args, c.answer, err, found)
		}
	}
}

// The key of the CA is of no use for other sites: real clients that trust the CA refuse what it signs for them.
func TestStolenKeyOfTheLocalCA(t *testing.T) {
	t.Parallel()
	nssTool(t)
	browser(t)
	curl, err := exec.LookPath("curl")
	if err != nil {
		skip(t, "no-program", "curl")
	}
	home := t.TempDir()
	if r := run(t, home, []string{"HOME=" + home}, "certs", "trust", "--only", "browsers", "--yes"); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	file := localCA(home)
	a := testca.Load(t, file, strings.TrimSuffix(file, ".pem")+".key")
	for _, c := range []struct {
		names []string // of the server's certificate; the clients ask for localhost
		good  bool
	}{{[]string{"localhost"}, true}, {[]string{"localhost", "shop.example.test"}, false}, {[]string{"localhost", "192.0.2.1"}, false}} {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<p>local</p>") }))
		server.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that fail
		server.TLS = &tls.Config{Certificates: []tls.Certificate{*a.Sign(t, testca.For(c.names...)).Certificate}}
		server.StartTLS()
		defer server.Close()
		url := "https://localhost" + server.URL[strings.LastIndexByte(server.URL, ':'):] + "/"
		if dom, _ := render(t, url, "HOME="+home); strings.Contains(dom, ">local<") != c.good {
			t.Errorf("Chromium, %q: %.200s", c.names, dom)
		}
		if out, err := exec.Command(curl, "-sS", "--noproxy", "*", "--cacert", file, url).CombinedOutput(); (err == nil) != c.good {
			t.Errorf("curl, %q: %v %.200s", c.names, err, out)
		}
		cmd := exec.Command(systemPython(t), "-c", "import ssl, sys, urllib.request as u\n"+
			"u.build_opener(u.ProxyHandler({}), u.HTTPSHandler(context=ssl.create_default_context(cafile=sys.argv[1]))).open(sys.argv[2]).read()", file, url)
		if out, err := cmd.CombinedOutput(); (err == nil) != c.good {
			t.Errorf("Python, %q: %v %s", c.names, err, out)
		}
	}
}

// systemTrust runs in a mount namespace of its own, in which the system's folders are copies: the machine stays as it is.
const systemTrust = `
set -e
mkdir etc local
cp -a /etc/ssl/. etc/
mount --bind etc /etc/ssl
mount --bind local /usr/local/share/ca-certificates
curl -sS --noproxy '*' "$URL" >/dev/null 2>&1 && { echo "accepted before"; exit 1; }
"$STANDPIPE" certs trust --only system --yes
curl -sS --noproxy '*' "$URL"
"$PYTHON" -c 'import os, urllib.request as u; print(u.build_opener(u.ProxyHandler({})).open(os.environ["URL"]).read())'
"$STANDPIPE" certs trust --only system --yes
"$STANDPIPE" certs untrust --only system --yes
curl -sS --noproxy '*' "$URL" >/dev/null 2>&1 && { echo "accepted after"; exit 1; }
ls -A local
`

// standpipe certs trust has programs accept the certificates by the system's store, here Debian's.
func TestTrustInTheSystem(t *testing.T) {
	t.Parallel()
	needRoot(t)
	for _, name := range []string{"unshare", "curl", "update-ca-certificates"} {
		if _, err := exec.LookPath(name); err != nil {
			skip(t, "no-program", name)
		}
	}
	if out, err := exec.Command("unshare", "-m", "true").CombinedOutput(); err != nil {
		skip(t, "no-namespace", fmt.Sprintf("%v: %s", err, out))
	}
	home := t.TempDir()
	s := localServer(t, home, false, "localhost")
	cmd := exec.Command("unshare", "-m", "--propagation", "private", "sh", "-c", systemTrust)
	cmd.Dir = t.TempDir()
	cmd.Env = append(cleanEnv(t), "HOME="+home, "STANDPIPE="+built.binary, "PYTHON="+systemPython(t), "URL=https://localhost"+s.Addr[strings.LastIndexByte(s.Addr, ':'):]+"/")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "\nlocal") || !strings.Contains(string(out), "b'local'") || strings.Contains(string(out), "accepted") {
		t.Errorf("%v:\n%s", err, out)
	}
	if found, _ := filepath.Glob("/usr/local/share/ca-certificates/*standpipe*"); len(found) > 0 {
		t.Errorf("the machine itself was changed: %q", found)
	}
}
