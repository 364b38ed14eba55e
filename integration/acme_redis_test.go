package integration

import (
	"fmt"
	"net"
	"os/exec"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/integration/testca"
)

// redisServer runs a redis-server with TLS, whose only user is "standpipe". start starts it, again with what it had; stop kills it.
func redisServer(t testing.TB, a *authority) (address string, start, stop func()) {
	t.Helper()
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		skip(t, "no-redis", "redis-server is not installed")
	}
	port := fixedPort(t)
	dir := project(t, map[string]string{"ca.pem": a.pem, "redis.conf": fmt.Sprintf("bind 127.0.0.1\nport 0\ntls-port %d\ntls-cert-file cert.pem\ntls-key-file key.pem\ntls-ca-cert-file ca.pem\n"+
		"tls-auth-clients no\nsave \"\"\nappendonly yes\nappendfsync always\nuser default off\nuser standpipe on >se/cret ~* &* +@all\n", port)})
	a.Sign(t, testca.For("127.0.0.1")).Write(t, dir+"/cert.pem", dir+"/key.pem")
	address = fmt.Sprintf("127.0.0.1:%d", port)
	start, stop = startAndStop(t, address, dir, bin, "redis.conf")
	return address, start, stop
}

// startAndStop are for a redis-server that a test starts and kills, again and again; it is killed at the test's end.
func startAndStop(t testing.TB, address, dir, bin string, args ...string) (start, stop func()) {
	t.Helper()
	var cmd *exec.Cmd
	stop = func() {
		if cmd != nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			cmd = nil
		}
	}
	start = func() {
		cmd = exec.Command(bin, args...)
		cmd.Dir = dir
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "redis-server answers", func() bool {
			c, err := net.Dial("tcp", address)
			if err == nil {
				c.Close()
			}
			return err == nil
		})
	}
	t.Cleanup(stop)
	return start, stop
}

// Certificates are in Redis, by TLS, as a user of its own and in a database of its own. While it is away, the server serves and says
// which server is missing; a renewal works when it is back.
func TestRedisGoesAway(t *testing.T) {
	t.Parallel()
	ca := newACME(t, nil)
	a := newAuthority(t, "test CA")
	dir := project(t, map[string]string{"ca.pem": a.pem})
	address, startRedis, stopRedis := redisServer(t, a)
	startRedis()
	o := ca.options(t, "--https", "shop.example.test", "--acme-storage", "redis")
	o.Env = []string{"SSL_CERT_FILE=" + dir + "/ca.pem", "STANDPIPE_REDIS=rediss://standpipe:wrong@" + address + "/3"}
	o.NoWait, o.Exit = true, -1
	s := start(t, o)
	s.wait()
	if text := s.stderrText(); !holds(text, "acme_storage", address, "WRONGPASS") || strings.Contains(text, "wrong@") {
		t.Error(text)
	}
	o.Env[1] = "STANDPIPE_REDIS=rediss://standpipe:se%2Fcret@" + address + "/3"
	o.NoWait, o.Exit = false, 0
	s = start(t, o)
	first := ca.issued(t, "shop.example.test")

	stopRedis()
	if r := s.order("certs", "renew", "shop.example.test"); r.code != 1 || !r.names(address) {
		t.Errorf("%+v", r)
	}
	if r := s.waitEvent("certificate_failed"); r.str("name") != "shop.example.test" || !holds(r.str("error"), address) {
		t.Error(r)
	}
	if r := s.waitEvent("certificate_storage"); !holds(r.str("error"), address) {
		t.Error(r)
	}
	if list := s.certs(); len(list) != 1 || !holds(list[0].Error, address) {
		t.Errorf("%+v", list)
	}
	if leaf := ca.leaf("shop.example.test"); leaf == nil || !leaf.Equal(first) {
		t.Error("the certificate is not served while Redis is away")
	}
	startRedis()
	s.must("certs", "renew", "shop.example.test")
	second := ca.leaf("shop.example.test")
	if second == nil || second.Equal(first) {
		t.Error("the old certificate after a renewal")
	}
	if list := s.certs(); len(list) != 1 || list[0].Error != "" {
		t.Errorf("%+v", list)
	}
	if text := s.stderrText(); strings.Contains(text, "cret") {
		t.Error("the password is in the log")
	}
	s.stop()
	start(t, o) // another machine has it from there
	if leaf := ca.leaf("shop.example.test"); leaf == nil || !leaf.Equal(second) {
		t.Error("another certificate after a restart")
	}
}

// A URL that asks for what is not supported is refused with that reason, and no password is told.
func TestRedisURLs(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": secureApp})
	for url, word := range map[string]string{
		"redis-sentinel://:secret@10.0.0.5/master": "sentinel", "redis://:secret@10.0.0.5,10.0.0.6": "cluster", "redis://secret@10.0.0.5": "no password", "http://:secret@10.0.0.5": "rediss://",
	} {
		if r := run(t, dir, []string{"STANDPIPE_REDIS=" + url}, "check", "app:app"); r.code != 2 || !r.names("STANDPIPE_REDIS", word) || r.names("secret") {
			t.Errorf("%s: %+v", url, r)
		}
	}
}
