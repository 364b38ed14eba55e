package integration

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// localCA is the file of the CA that a server with this HOME has made.
func localCA(home string) string {
	return filepath.Join(home, ".local", "share", "standpipe", "local-ca", "ca.pem")
}

// trusting is a client that trusts that CA alone, and connects to the server whatever the name is.
func (s *server) trusting(home string) *http.Client {
	s.t.Helper()
	text, err := os.ReadFile(localCA(home))
	if err != nil {
		s.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		s.t.Fatalf("%s", text)
	}
	c := &http.Client{Timeout: patience, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots},
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", s.Addr)
		}}}
	s.t.Cleanup(c.CloseIdleConnections)
	return c
}

// certificateOf answers with the certificate that a client gets.
func certificateOf(t testing.TB, c *http.Client, url string) *x509.Certificate {
	t.Helper()
	answer, err := c.Get(url)
	if err != nil {
		t.Errorf("%s: %v", url, err)
		return &x509.Certificate{}
	}
	defer answer.Body.Close()
	if b, err := io.ReadAll(answer.Body); err != nil || answer.StatusCode != http.StatusOK || string(b) != "local" {
		t.Errorf("%s: %s %q %v", url, answer.Status, b, err)
	}
	return answer.TLS.PeerCertificates[0]
}

// keptConnection is a connection of a client that trusts the CA, with the certificate that it has got. ask sends a request by it.
// (net/http's client leaves a connection if its own goroutines are late.)
func (s *server) keptConnection(home string) (ask func(), leaf *x509.Certificate) {
	s.t.Helper()
	config := s.trusting(home).Transport.(*http.Transport).TLSClientConfig.Clone()
	config.ServerName = "localhost"
	c, err := tls.Dial("tcp", s.Addr, config)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	in := bufio.NewReader(c)
	return func() {
		s.t.Helper()
		_, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
		answer, readErr := http.ReadResponse(in, nil)
		if err != nil || readErr != nil {
			s.t.Fatal(err, readErr)
		}
		if b, err := io.ReadAll(answer.Body); err != nil || answer.StatusCode != http.StatusOK || string(b) != "local" {
			s.t.Errorf("%s %q %v", answer.Status, b, err)
		}
	}, c.ConnectionState().PeerCertificates[0]
}

// localServer serves names of this machine alone.
func localServer(t testing.TB, home string, noWait bool, names string, args ...string) *server {
	t.Helper()
	return start(t, opts{App: "app:app", Dir: project(t, map[string]string{"app.py": hello("local")}), Python: systemPython(t), Env: []string{"HOME=" + home},
		Listen: []string{"https://127.0.0.1:0"}, Args: append([]string{"-w", "1", "--https", names}, args...), NoWait: noWait})
}

// Servers that start at the same moment have one CA. Its certificates are for the names of this machine; a renewal cuts no
// connection off, and a restart needs no other trust.
func TestLocalHTTPS(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	s, other := localServer(t, home, true, "localhost,*.dev.localhost"), localServer(t, home, true, "shop.localhost")
	s.waitReady(opts{})
	other.waitReady(opts{})
	if a, b := s.waitEvent("local_ca"), other.waitEvent("local_ca"); a["created"] == b["created"] || a.str("path") != localCA(home) {
		t.Error(a, b)
	}
	c := s.trusting(home)
	for _, host := range []string{"localhost", "127.0.0.1", "a.dev.localhost", "b.dev.localhost"} {
		certificateOf(t, c, "https://"+host+"/")
	}
	certificateOf(t, other.trusting(home), "https://shop.localhost/")
	ask, before := s.keptConnection(home)
	ask()
	s.must("certs", "renew", "LOCALHOST")
	ask()
	if after := certificateOf(t, s.trusting(home), "https://localhost/"); after.Equal(before) || after.Issuer.CommonName != before.Issuer.CommonName {
		t.Error("the certificate is not renewed")
	}
	if r := s.order("certs", "renew", "shop.example.org"); r.code != 2 || !r.names("*.dev.localhost") {
		t.Errorf("%+v", r)
	}
	list := s.certs()
	if len(list) != 2 || list[0].Source != "local" || !slices.Contains(list[0].Names, "*.dev.localhost") || *list[0].DaysLeft != 6 ||
		list[1].Source != localCA(home) || list[1].Names[0] != list[0].Issuer || *list[1].DaysLeft < 3600 {
		t.Errorf("%+v", list)
	}
	s.stop()
	certificateOf(t, localServer(t, home, false, "localhost").trusting(home), "https://localhost/")
}

// Names of this machine have certificates at once, whatever the CA of the other ones says.
func TestLocalBesideAutomatic(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	s := localServer(t, home, false, "localhost,shop.example.test", "--acme-ca", "https://127.0.0.1:1/dir", "--acme-storage", home+"/certificates")
	certificateOf(t, s.trusting(home), "https://localhost/")
	s.waitEvent("certificate_failed")
	list := s.certs()
	if len(list) != 3 || list[0].Source != "local" || list[2].Source != "acme" || list[2].Names[0] != "shop.example.test" || list[2].DaysLeft != nil {
		t.Errorf("%+v", list)
	}
}

// whileUnprivileged serves without --bind as a user without privileges, in a network namespace in which each port is free, and asks.
const whileUnprivileged = `
ip link set lo up || exit 9
setpriv --reuid 65534 --regid 65534 --clear-groups "$STANDPIPE" serve app:app --https "$NAMES" -w 1 --python "$PYTHON" --log-format text 2>said &
tries=0
until grep -q '^  health' said && curl -sS -w '\n' --noproxy '*' --cacert "$CA" "$URL"; do
	tries=$((tries + 1))
	[ $tries -lt 1000 ] || break
	sleep 0.1
done 2>/dev/null
kill $!
wait $!
cat said
`

// Without --bind, names of this machine are served on loopback, at a port that takes no root, and the banner has the URL.
func TestLocalHTTPSByDefault(t *testing.T) {
	t.Parallel()
	needRoot(t)
	for _, name := range []string{"unshare", "ip", "setpriv", "curl"} {
		if _, err := exec.LookPath(name); err != nil {
			skip(t, "no-program", name)
		}
	}
	if out, err := exec.Command("unshare", "-n", "ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		skip(t, "no-namespace", fmt.Sprintf("%v: %s", err, out))
	}
	for names, url := range map[string]string{"localhost": "https://localhost:8443", "::1,*.localhost": "https://[::1]:8443"} {
		t.Run(names, func(t *testing.T) {
			t.Parallel()
			dir := project(t, map[string]string{"app.py": hello("local")})
			if err := os.Chmod(dir, 0o777); err != nil { // it is the user's home, too
				t.Fatal(err)
			}
			cmd := exec.Command("unshare", "-n", "sh", "-c", whileUnprivileged)
			cmd.Dir = dir
			cmd.Env = append(cleanEnv(t), "HOME="+dir, "XDG_RUNTIME_DIR=", "RUNTIME_DIRECTORY=", "TMPDIR="+dir, "STANDPIPE="+sandboxBinary(t), "PYTHON="+systemPython(t), "NAMES="+names, "URL="+url+"/", "CA="+localCA(dir))
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), "local") || !regexp.MustCompile(`(?m)^  https .*`+regexp.QuoteMeta(url)+`( .*standpipe certs trust|$)`).Match(out) {
				t.Errorf("%v:\n%s", err, out)
			}
		})
	}
}

// standpipe check knows which hosts have certificates of the local CA or of a public one, and which have none.
func TestCheckOfAutomaticHosts(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": hello("x")})
	for https, want := range map[string]string{"hosts": "", "a.localhost": "shop.example.org", "a.localhost,shop.example.org": "", "shop.example.org": "a.localhost"} {
		r := run(t, dir, nil, "check", "--app", "name=a,module=app:app,hosts=a.localhost", "--app", "name=b,module=app:app,hosts=shop.example.org", "--https", https)
		if r.code != 0 || strings.Contains(r.errout, "certificate") != (want != "") || !strings.Contains(r.errout, want) {
			t.Errorf("%s: %+v", https, r)
		}
	}
}

// A CA that cannot be used ends the start, and is not replaced.
func TestLocalCAUnusable(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	if err := os.MkdirAll(filepath.Dir(localCA(home)), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(localCA(home), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := localServer(t, home, true, "localhost")
	s.expect(2)
	if code := s.wait(); code != 2 || !strings.Contains(s.stderrText(), filepath.Dir(localCA(home))) {
		t.Errorf("exit %d: %s", code, s.stderrText())
	}
	if b, err := os.ReadFile(localCA(home)); err != nil || string(b) != "x" {
		t.Errorf("%q %v", b, err)
	}
}

// readsKey answers with what the app's user can read of the CA.
const readsKey = `
def app(environ, start_response):
    try:
        body = open(%q).read()
    except OSError as e:
        body = type(e).__name__
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [body.encode()]
`

// Under --user the CA is root's: no app can read its key, and the process of an upgrade, which is not root, has it from the old one.
func TestLocalHTTPSUnderUser(t *testing.T) {
	t.Parallel()
	account(t, "nobody")
	needRoot(t)
	home := t.TempDir()
	key := strings.TrimSuffix(localCA(home), ".pem") + ".key"
	s := start(t, opts{App: "app:app", Dir: project(t, map[string]string{"app.py": strings.ReplaceAll(readsKey, "%q", "'"+key+"'")}), Argv: []string{sandboxBinary(t), "serve"},
		Python: systemPython(t), Env: []string{"HOME=" + home}, Listen: []string{"https://127.0.0.1:0"}, Args: []string{"-w", "1", "--https", "localhost", "--user", "nobody"}})
	get := func() {
		t.Helper()
		resp, body, err := page(s.trusting(home), "https://localhost/")
		if err != nil || resp.StatusCode != 200 || body != "PermissionError" {
			t.Errorf("%q %v", body, err)
		}
	}
	get()
	s.usr2()
	s.upgraded()
	get()
	for path, want := range map[string]os.FileMode{filepath.Dir(key): 0o700, key: 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want || info.Sys().(*syscall.Stat_t).Uid != 0 {
			t.Errorf("%s: %v %v", path, info, err)
		}
	}
}

// Root makes the folder of automatic certificates for the user that it becomes, who can use it although the folders above it are
// new too.
func TestAutomaticFolderUnderUser(t *testing.T) {
	t.Parallel()
	uid, _ := account(t, "nobody")
	needRoot(t)
	dir := filepath.Join(project(t, map[string]string{}), "lib", "standpipe", "certificates")
	s := privileged(t, opts{Listen: []string{"https://127.0.0.1:0"},
		Args: []string{"--user", "nobody", "-w", "1", "--https", "shop.example.test", "--acme-ca", "https://127.0.0.1:1/dir", "--acme-storage", dir}})
	s.waitEvent("certificate_failed")
	s.must("certs") // the failure is stored before this is answered, or its error is logged
	if list := s.events("certificate_storage"); len(list) > 0 {
		t.Error(list)
	}
	if info, err := os.Stat(dir); err != nil || int(info.Sys().(*syscall.Stat_t).Uid) != uid || info.Mode().Perm() != 0o700 {
		t.Error(info, err)
	}
}
