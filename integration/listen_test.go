package integration

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// socketDir is short: a unix socket's path has 108 bytes.
func socketDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sp")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// at is the same server by another address.
func (s *server) at(addr string) *server {
	c := *s
	c.Addr = addr
	c.URL = "http://" + addr
	if strings.HasPrefix(addr, "/") {
		c.URL = "http://localhost"
	}
	return &c
}

func addresses(s *server) []string {
	var list []string
	for _, r := range s.events("listening") {
		list = append(list, r.str("address"))
	}
	return list
}

func TestAddressInUse(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	dir := project(t, map[string]string{"wsgi.py": hello("x")})
	r := run(t, dir, nil, "serve", "wsgi:app", "-b", ln.Addr().String())
	if r.code != 4 || !r.names(ln.Addr().String()) {
		t.Errorf("exit code %d\n%s", r.code, r.errout)
	}
}

func TestAddressNotOfThisMachine(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"wsgi.py": hello("x")})
	// 192.0.2.0/24 is for documentation (RFC 5737): no machine has it.
	r := run(t, dir, nil, "serve", "wsgi:app", "-b", "192.0.2.1:8000")
	if r.code != 4 || !strings.Contains(r.errout, "192.0.2.1:8000") {
		t.Errorf("exit code %d\n%s", r.code, r.errout)
	}
}

func TestSeveralAddresses(t *testing.T) {
	t.Parallel()
	sock := filepath.Join(socketDir(t), "s")
	s := lifecycle(t, 1, opts{Listen: []string{"127.0.0.1:0", "127.0.0.1:0", "unix:" + sock}})
	list := addresses(s)
	if len(list) != 3 {
		t.Fatalf("listening at %v", list)
	}
	for _, a := range list {
		a = strings.TrimPrefix(a, "http://")
		if strings.Contains(a, "unix:") {
			a = sock
		}
		s.at(a).want(200, "/pid")
	}
}

func TestIPv6(t *testing.T) {
	t.Parallel()
	if ln, err := net.Listen("tcp", "[::1]:0"); err != nil {
		skip(t, "no-ipv6", err.Error())
	} else {
		ln.Close()
	}
	s := lifecycle(t, 1, opts{Listen: []string{"[::1]:0"}})
	s.want(200, "/pid")
	s.waitAccess(`^::1 `)
}

func TestUnixSocket(t *testing.T) {
	t.Parallel()
	sock := filepath.Join(socketDir(t), "s")
	// A stale one: its owner has gone without unlinking it.
	old, err := net.ListenUnix("unix", &net.UnixAddr{Name: sock, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	old.SetUnlinkOnClose(false)
	old.Close()
	if _, err := os.Stat(sock); err != nil {
		t.Fatal(err)
	}
	s := lifecycle(t, 1, opts{Listen: []string{"unix:" + sock + "?mode=0620"}})
	fi, err := os.Stat(sock)
	if err != nil {
		t.Fatal(err)
	}
	if fi.Mode().Type() != os.ModeSocket || fi.Mode().Perm() != 0o620 {
		t.Errorf("mode %v", fi.Mode())
	}
	s.want(200, "/pid")
	if code := s.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if _, err := os.Stat(sock); err == nil {
		t.Error("the socket is still there after a proper stop")
	}
}

// A socket on which another program accepts is not removed, and neither is a file that is not a socket.
func TestUnixSocketInUse(t *testing.T) {
	t.Parallel()
	sock := filepath.Join(socketDir(t), "s")
	live, err := net.Listen("unix", sock)
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	dir := project(t, map[string]string{"wsgi.py": hello("x")})
	if r := run(t, dir, nil, "serve", "wsgi:app", "-b", "unix:"+sock); r.code != 4 || !strings.Contains(r.errout, sock) {
		t.Errorf("exit code %d\n%s", r.code, r.errout)
	}
	c, err := net.Dial("unix", sock)
	if err != nil {
		t.Fatalf("the live socket is gone: %v", err)
	}
	c.Close()
	file := filepath.Join(socketDir(t), "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := run(t, dir, nil, "serve", "wsgi:app", "-b", "unix:"+file); r.code != 4 {
		t.Errorf("exit code %d\n%s", r.code, r.errout)
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "precious" {
		t.Errorf("%q %v", b, err)
	}
}

// listener is a socket to hand over; the test keeps no copy that could accept.
func listener(t testing.TB) (addr string, f *os.File) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f, err = ln.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	t.Cleanup(func() { f.Close() })
	return ln.Addr().String(), f
}

func TestInheritedSocket(t *testing.T) {
	t.Parallel()
	addr, f := listener(t)
	s := lifecycle(t, 1, opts{Listen: []string{"fd://3"}, ExtraFiles: []*os.File{f}})
	s.at(addr).want(200, "/pid")
	s.notInWorkers(f)
}

// notInWorkers fails the test when a worker holds the same pipe or socket as f.
func (s *server) notInWorkers(f *os.File) {
	s.t.Helper()
	name := func(path string) string { target, _ := os.Readlink(path); return target }
	want := ""
	// Not f.Fd(): it makes the socket blocking, for standpipe as well, which shares it.
	if c, err := f.SyscallConn(); err == nil {
		_ = c.Control(func(fd uintptr) { want = name(fmt.Sprintf("/proc/self/fd/%d", fd)) })
	}
	if want == "" {
		s.t.Fatal("no /proc/self/fd")
	}
	workers := s.workers()
	if len(workers) == 0 {
		s.t.Fatal("no workers")
	}
	for _, pid := range workers {
		list, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
		for _, path := range list {
			if name(path) == want {
				s.t.Errorf("worker %s holds %s, which was standpipe's", path, want)
			}
		}
	}
}

// The sockets of systemd: LISTEN_FDS counts only when LISTEN_PID is our own pid, and workers see none of it.
func TestSocketActivation(t *testing.T) {
	t.Parallel()
	addr, f := listener(t)
	argv := []string{"sh", "-c", `LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" "$@"`, "{bin}", "serve", "app:app"}
	s := start(t, opts{
		Dir: appDir(t, "lifecycle"), Argv: argv, Bare: true, ExtraFiles: []*os.File{f},
		Args: []string{"-w", "1", "--log-format", "json"},
	})
	s.at(addr).want(200, "/pid")
	s.notInWorkers(f)
	for _, name := range []string{"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "NOTIFY_SOCKET"} {
		if r := s.at(addr).want(200, "/env?name="+name); r.Body != "-" {
			t.Errorf("a worker sees %s=%s", name, r.Body)
		}
	}

	other, g := listener(t)
	s = start(t, opts{
		Dir: appDir(t, "lifecycle"), App: "app:app", ExtraFiles: []*os.File{g},
		Args: []string{"-w", "1"}, Env: []string{"LISTEN_FDS=1", "LISTEN_PID=1"},
	})
	for _, a := range addresses(s) {
		if strings.Contains(a, other) {
			t.Errorf("took a socket that was meant for pid 1: %v", a)
		}
	}
	s.want(200, "/pid")
	c, err := net.Dial("tcp", other)
	if err != nil {
		return // closed: there is no listener, which is as good
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(500 * time.Millisecond))
	_, _ = io.WriteString(c, "GET /pid HTTP/1.0\r\n\r\n")
	if b, _ := io.ReadAll(c); len(b) > 0 {
		t.Errorf("answers on a socket that was meant for pid 1: %q", b)
	}
}

// 0.0.0.0 and [::] with one port are two addresses, as in nginx; [::] alone takes IPv4 too.
func TestFault_A4_BothFamilies(t *testing.T) {
	t.Parallel()
	if ln, err := net.Listen("tcp6", "[::1]:0"); err != nil {
		skip(t, "no-ipv6", err.Error())
	} else {
		ln.Close()
	}
	dir := project(t, map[string]string{"wsgi.py": hello("x")})
	for _, pair := range [][]string{{"0.0.0.0:", "[::]:"}, {"[::]:", "0.0.0.0:"}, {"127.0.0.1:", "[::]:"}, {"[::]:"}} {
		port := freePort(t)
		var listen []string
		for _, a := range pair {
			listen = append(listen, a+port)
		}
		s := start(t, opts{App: "wsgi:app", Dir: dir, Listen: listen, Args: []string{"-w", "1"}})
		if len(addresses(s)) != len(listen) {
			t.Errorf("%v: %v", listen, addresses(s))
		}
		for _, a := range []string{"127.0.0.1:", "[::1]:"} {
			if r := s.at(a+port).want(200, "/"); r.Body != "x" {
				t.Errorf("%v at %s: %q", listen, a, r.Body)
			}
		}
		s.stop()
	}
}

// An address that this standpipe has taken itself is named as such.
func TestFault_A4_OwnAddressInTheWay(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"wsgi.py": hello("x")})
	port := freePort(t)
	for _, c := range []struct {
		code int
		args []string
		own  string
	}{
		{2, []string{"-b", "0.0.0.0:" + port, "-b", "127.0.0.1:" + port}, "0.0.0.0:" + port},
		{2, []string{"-b", "[::1]:" + port, "-b", ":" + port}, "[::1]:" + port},
		{2, []string{"-b", "127.0.0.1:" + port, "-b", "127.0.0.1:" + port}, "127.0.0.1:" + port},
		{4, []string{"-b", "127.0.0.1:" + port, "-b", "localhost:" + port}, "127.0.0.1:" + port},
		{4, []string{"-b", "127.0.0.1:" + port, "--metrics", "127.0.0.1:" + port}, "127.0.0.1:" + port},
		{4, []string{"-b", "unix:" + dir + "/a.sock", "--control", dir + "/a.sock"}, "unix:" + dir + "/a.sock"},
	} {
		r := run(t, dir, nil, append([]string{"serve", "wsgi:app", "-w", "1"}, c.args...)...)
		if r.code != c.code || !strings.Contains(r.errout, c.own) || strings.Contains(r.errout, "another program") {
			t.Errorf("%q: %+v", c.args, r)
		}
	}
}
