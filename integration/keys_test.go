package integration

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// secretsOf are the forms in which a key can lie in memory: a line of its PEM, and its number.
func secretsOf(t testing.TB, key string) [][]byte {
	t.Helper()
	block, _ := pem.Decode([]byte(key))
	if block == nil {
		t.Fatal("no PEM")
	}
	list := [][]byte{[]byte(strings.Split(key, "\n")[1])}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		parsed, err = x509.ParseECPrivateKey(block.Bytes)
	}
	if err != nil {
		t.Fatal(err)
	}
	if k, ok := parsed.(*ecdsa.PrivateKey); ok {
		b, err := k.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, b)
	}
	return list
}

// memoryHas reports whether the memory of a process has one of the secrets; read is how many bytes of it were looked at.
func memoryHas(t testing.TB, pid int, secrets [][]byte) (found []byte, read int) {
	t.Helper()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return nil, 0 // it has ended
	}
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return nil, 0
	}
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	for lines := bufio.NewScanner(bytes.NewReader(maps)); lines.Scan(); {
		var from, to int64
		var mode string
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x %s", &from, &to, &mode); err != nil || !strings.HasPrefix(mode, "r") || strings.Contains(lines.Text(), "[v") {
			continue
		}
		const piece = 4 << 20
		for at := from; at < to; at += piece {
			b := make([]byte, min(to-at+256, piece+256)) // a secret may lie across two pieces
			n, _ := mem.ReadAt(b, at)
			read += n
			for _, secret := range secrets {
				if bytes.Contains(b[:n], secret) {
					return secret, read
				}
			}
		}
	}
	return nil, read
}

func commandLine(pid int) string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return string(b)
}

// What is secret stays in the server: no worker, and no other process that it starts, has a key or a password in its environment, its
// arguments, its descriptors or its memory, whether it runs as the user of the server or as another one.
func TestKeysNeverReachAWorker(t *testing.T) {
	t.Parallel()
	needRoot(t)
	account(t, "nobody")
	const password, token, eab, update = "pass-word-of-redis", "token-of-an-api", "a2V5LW9mLWFuLWFjY291bnQta2V5LW9mLWFuLWFjY291bnQ", "a2V5LW9mLXVwZGF0ZXM="
	ca := newACME(t, map[string]any{"externalAccountMACKeys": map[string]string{"account": eab}})
	a := newAuthority(t, "test CA")
	cert, key := a.forNames(t, "localhost", "127.0.0.1")
	dir := project(t, map[string]string{"app.py": secureApp, "cert.pem": cert, "key.pem": key, "standpipe.toml": fmt.Sprintf(`
user = "root"
[tls]
tls_cert = "cert.pem"
tls_key = "key.pem"
[acme]
https = ["shop.example.test"]
acme_ca = [%q]
acme_ca_roots = %q
acme_storage = %q
acme_eab_id = "account"
[[listen]]
address = "https://127.0.0.1:%d"
[[listen]]
address = "127.0.0.1:%d"
[[app]]
name = "own"
module = "app:app"
mount = "/own"
python = %q
workers = 1
[[app]]
name = "other"
module = "app:app"
user = "nobody"
python = %q
workers = 1
preload = "on"
`, ca.URL, ca.roots, ca.dir+"/certificates", ca.secure, ca.plain, systemPython(t), systemPython(t))})
	if err := os.Chmod(dir+"/key.pem", 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, opts{Dir: dir, Bare: true, Argv: []string{sandboxBinary(t), "serve"}, Args: []string{"-c", "standpipe.toml", "--log-format", "json"}, Apps: 2, Env: []string{
		"STANDPIPE_REDIS=redis://:" + password + "@127.0.0.1:1", "STANDPIPE_ACME_DNS_TOKEN=" + token, "STANDPIPE_ACME_EAB_KEY=" + eab, "STANDPIPE_ACME_DNS_KEY=" + update,
	}})
	eventually(t, "the certificate of the CA", func() bool { // until then clients get that of the file
		leaf := ca.leaf("shop.example.test")
		return leaf != nil && leaf.VerifyHostname("shop.example.test") == nil
	})
	secrets := append(secretsOf(t, key), []byte(password), []byte(token), []byte(eab), []byte(update))
	keys := 0
	err := filepath.WalkDir(ca.dir+"/certificates", func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".key") {
			keys++
			var b []byte
			if b, err = os.ReadFile(path); err == nil {
				secrets = append(secrets, secretsOf(t, string(b))...)
			}
		}
		return err
	})
	if err != nil || keys != 2 { // of the account and of the certificate
		t.Fatalf("%d keys %v", keys, err)
	}
	client := secureClient(a, nil)
	for _, path := range []string{"/own/pid", "/pid"} {
		if answer, _, err := page(client, fmt.Sprintf("https://127.0.0.1:%d%s", ca.secure, path)); err != nil || answer.StatusCode != 200 {
			t.Error(answer, err)
		}
	}
	look := func() {
		t.Helper()
		if found, _ := memoryHas(t, s.Pid, secrets); found == nil {
			t.Error("the server itself has no secret: this test finds nothing")
		}
		below := 0
		for _, pid := range tree(s.Pid)[1:] {
			eventually(t, "a child runs its program", func() bool { // until then it is the server, with all its memory
				return commandLine(pid) != commandLine(s.Pid)
			})
			for _, name := range []string{"environ", "cmdline"} {
				b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
				for _, secret := range secrets {
					if err == nil && bytes.Contains(b, secret) {
						t.Errorf("%s of process %d has a secret", name, pid)
					}
				}
			}
			found, read := memoryHas(t, pid, secrets)
			if found != nil {
				t.Errorf("the memory of process %d has a secret of %d bytes", pid, len(found))
			}
			if read > 1<<20 {
				below++
			}
			files, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
			for _, f := range files {
				to, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, f.Name()))
				if strings.HasSuffix(to, ".pem") || strings.HasSuffix(to, ".toml") || strings.Contains(to, ca.dir) {
					t.Errorf("process %d has %s open", pid, to)
				}
			}
		}
		if below < 3 { // two workers and a process that has the app loaded
			t.Errorf("%d processes were looked at", below)
		}
	}
	look()
	// Workers that begin after a renewal, and those of an upgrade: its secrets come by a pipe.
	s.must("certs", "renew", "shop.example.test")
	s.must("reload")
	look()
	s.usr2()
	s.upgraded()
	s.oldEnded(patience)
	look()
}

// An app with a user of its own that can read a private key is not started, and the error has the command that mends it.
func TestReadableKeysAreRefused(t *testing.T) {
	t.Parallel()
	needRoot(t)
	uid, gid := account(t, "nobody")
	a := newAuthority(t, "test CA")
	cert, key := a.forNames(t, "localhost", "127.0.0.1")
	toml := `
[tls]
tls_cert = "cert.pem"
tls_key = "key.pem"
[[listen]]
address = "https://127.0.0.1:0"
[[app]]
name = "shop"
module = "app:app"
user = "nobody"
python = "` + systemPython(t) + "\"\n"
	dir := project(t, map[string]string{"app.py": secureApp, "cert.pem": cert, "key.pem": key, "ca.pem": a.pem, "standpipe.toml": toml})
	for _, c := range []struct {
		mode     fs.FileMode
		uid, gid int
		way      string
	}{{0o644, 0, 0, "chmod o= "}, {0o640, 0, gid, "chmod g= "}, {0o600, uid, 0, "chown root "}} {
		if err := os.Chown(dir+"/key.pem", c.uid, c.gid); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir+"/key.pem", c.mode); err != nil {
			t.Fatal(err)
		}
		r := run(t, dir, nil, "serve", "-c", "standpipe.toml")
		if r.code != 2 || !r.names("shop", "nobody", dir+"/key.pem", fmt.Sprintf("%04o", c.mode), c.way+dir+"/key.pem") {
			t.Errorf("%04o: %+v", c.mode, r)
		}
		if r := run(t, dir, nil, "check", "-c", "standpipe.toml"); r.code != 2 || !r.names(c.way+dir+"/key.pem") {
			t.Errorf("check: %04o: %+v", c.mode, r)
		}
	}
	// The same file, below a folder that the user cannot enter; and with a mode that keeps the user out.
	hidden := filepath.Join(dir, "hidden")
	if err := os.Mkdir(hidden, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(hidden+"/key.pem", []byte(key), 0o644); err != nil {
		t.Fatal(err)
	}
	write(t, dir, map[string]string{"standpipe.toml": strings.Replace(toml, `"key.pem"`, `"hidden/key.pem"`, 1)})
	s := start(t, opts{Dir: dir, Bare: true, Argv: []string{sandboxBinary(t), "serve"}, Args: []string{"-c", "standpipe.toml", "--log-format", "json"}})
	if answer, _, err := page(secureClient(a, nil), s.URL); err != nil || answer.StatusCode != 200 {
		t.Error(answer, err)
	}
	if len(s.events("keys_shared"))+len(s.events("key_unreadable")) > 0 {
		t.Error(s.events("keys_shared"), s.events("key_unreadable"))
	}
	// A reload to the exposed one is refused, and the old one stays.
	write(t, dir, map[string]string{"standpipe.toml": toml})
	if r := s.order("reload"); r.code == 0 || !r.names("chown root ") {
		t.Errorf("%+v", r)
	}
}

// The folder of automatic certificates that belongs to an app's user is refused too.
func TestReadableStorageIsRefused(t *testing.T) {
	t.Parallel()
	needRoot(t)
	uid, gid := account(t, "nobody")
	dir := project(t, map[string]string{"app.py": secureApp, "standpipe.toml": `
[acme]
https = ["shop.example.test"]
acme_ca = ["https://127.0.0.1:1/dir"]
acme_storage = "certificates"
[[listen]]
address = "https://127.0.0.1:0"
[[app]]
name = "shop"
module = "app:app"
user = "nobody"
`})
	if err := os.Mkdir(dir+"/certificates", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir+"/certificates", uid, gid); err != nil {
		t.Fatal(err)
	}
	if r := run(t, dir, nil, "serve", "-c", "standpipe.toml"); r.code != 2 || !r.names("nobody", "chown root "+dir+"/certificates") {
		t.Errorf("%+v", r)
	}
}

// With --user a key of root's alone is read at the start and not again: that is told, and a key that the user can read is shared with
// the apps, which is told as well.
func TestKeysAfterUser(t *testing.T) {
	t.Parallel()
	needRoot(t)
	uid, _ := account(t, "nobody")
	a := newAuthority(t, "test CA")
	cert, key := a.forNames(t, "localhost", "127.0.0.1")
	dir := project(t, map[string]string{"app.py": secureApp, "cert.pem": cert, "key.pem": key})
	if err := os.Chmod(dir+"/key.pem", 0o600); err != nil {
		t.Fatal(err)
	}
	o := opts{Dir: dir, App: "app:app", Listen: []string{"https://127.0.0.1:0"}, Python: systemPython(t), Argv: []string{sandboxBinary(t), "serve"},
		Args: []string{"--tls-cert", "cert.pem", "--tls-key", "key.pem", "--user", "nobody", "-w", "1"}}
	s := start(t, o)
	if r := s.waitEvent("key_unreadable"); r.str("path") != dir+"/key.pem" {
		t.Error(r)
	}
	if len(s.events("keys_shared")) > 0 {
		t.Error(s.events("keys_shared"))
	}
	newCert, newKey := a.forNames(t, "new.example.org", "localhost", "127.0.0.1")
	s.replace(map[string]string{"cert.pem": newCert, "key.pem": newKey})
	if r := s.waitEvent("certificate_refused"); !holds(r.str("error"), "permission") {
		t.Error(r)
	}
	if name, err := servedName(s, a, "localhost"); err != nil || name != "localhost" {
		t.Errorf("%s %v", name, err)
	}
	s.stop()
	if err := os.Chown(dir+"/key.pem", uid, 0); err != nil {
		t.Fatal(err)
	}
	s = start(t, o)
	if r := s.waitEvent("keys_shared"); r.str("path") != dir+"/key.pem" || r.str("apps") == "" {
		t.Error(r)
	}
	if len(s.events("key_unreadable")) > 0 {
		t.Error(s.events("key_unreadable"))
	}
}
