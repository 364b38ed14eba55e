package integration

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// neighbour is a real server beside standpipe.
type neighbour struct {
	Addr string // where it listens
	Pid  int

	t    testing.TB
	log  *lines
	done chan struct{} // closed at its end
}

// program is a neighbour's program; a test that cannot have it is skipped.
func program(t testing.TB, name string) string {
	t.Helper()
	for _, dir := range append(filepath.SplitList(built.path), "/usr/sbin", "/usr/local/sbin") {
		path := filepath.Join(dir, name)
		if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
			return path
		}
	}
	skip(t, "no-program", name+" is not installed")
	return ""
}

// run starts a neighbour and waits until it takes connections at addr, "host:port" or a path.
func runNeighbour(t testing.TB, addr string, dir string, env []string, argv ...string) *neighbour {
	t.Helper()
	n := &neighbour{Addr: addr, t: t, log: &lines{}, done: make(chan struct{})}
	r, w := pipe(t)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = dir, append(cleanEnv(t), env...)
	cmd.Stdout, cmd.Stderr = w, w
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	err := cmd.Start()
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	n.Pid = cmd.Process.Pid
	read := make(chan struct{})
	go func() { defer close(read); n.log.read(r); r.Close() }()
	go func() {
		_ = cmd.Wait()
		close(n.done)
	}()
	t.Cleanup(func() {
		n.end(syscall.SIGTERM)
		select {
		case <-read:
		case <-time.After(patience): // a process that left the group holds the pipe
		}
		if t.Failed() {
			t.Logf("%s:\n%s", argv[0], tail(n.log.all(), 40))
		}
	})
	n.waitUp()
	return n
}

func (n *neighbour) waitUp() {
	n.t.Helper()
	network := "tcp"
	if strings.HasPrefix(n.Addr, "/") {
		network = "unix"
	}
	within(n.t, bootPatience, n.Addr+" takes connections", func() bool {
		select {
		case <-n.done:
			n.t.Fatalf("it ended:\n%s", tail(n.log.all(), 40))
		default:
		}
		c, err := net.DialTimeout(network, n.Addr, patience)
		if err != nil {
			return false
		}
		c.Close()
		return true
	})
}

// end ends the neighbour with its whole group.
func (n *neighbour) end(sig syscall.Signal) {
	select {
	case <-n.done:
	default:
		_ = syscall.Kill(n.Pid, sig)
		select {
		case <-n.done:
		case <-time.After(300 * time.Millisecond): // Apache waits for kept connections; it has nothing to lose here
		}
	}
	_ = syscall.Kill(-n.Pid, syscall.SIGKILL)
	<-n.done
}

// through is the same standpipe, asked by way of the neighbour.
func (s *server) through(n *neighbour) *server { return s.at(n.Addr) }

// exported is what `standpipe export` prints.
func exported(t testing.TB, args ...string) string {
	t.Helper()
	r := run(t, project(t, map[string]string{"app.py": hello("x")}), nil, append([]string{"export"}, args...)...)
	if r.code != 0 {
		t.Fatalf("export %q: %d %s", args, r.code, r.errout)
	}
	return r.out
}

// workDir is a folder that a neighbour's unprivileged processes can enter and write.
func workDir(t testing.TB) string {
	t.Helper()
	dir := project(t, nil)
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}

// nginx runs nginx with what export printed. listen is host:port, as in site.
func nginx(t testing.TB, listen, site string) *neighbour {
	t.Helper()
	path := program(t, "nginx")
	dir := workDir(t)
	user := ""
	if os.Geteuid() == 0 {
		user = "user root;\n"
	}
	conf := fmt.Sprintf(`daemon off;
%[2]spid %[1]s/pid;
error_log stderr warn;
events { worker_connections 512; }
http {
    access_log off;
    client_body_temp_path %[1]s/body;
    proxy_temp_path %[1]s/proxy;
    uwsgi_temp_path %[1]s/uwsgi;
    fastcgi_temp_path %[1]s/fastcgi;
    scgi_temp_path %[1]s/scgi;
    include %[1]s/site.conf;
}
`, dir, user)
	write(t, dir, map[string]string{"nginx.conf": conf, "site.conf": site})
	args := []string{path, "-p", dir, "-e", "stderr", "-c", filepath.Join(dir, "nginx.conf")}
	if out, err := exec.Command(args[0], append(args[1:], "-t", "-q")...).CombinedOutput(); err != nil {
		t.Fatalf("nginx -t: %v\n%s\n%s", err, out, site)
	}
	return runNeighbour(t, listen, dir, nil, args...)
}

// inServer puts lines in front of nginx's location /.
func inServer(site, lines string) string {
	return strings.Replace(site, "    location / {", lines+"\n    location / {", 1)
}

// apacheModules is where the distribution has them.
const apacheModules = "/usr/lib/apache2/modules"

// apache runs Apache with what export printed.
func apache(t testing.TB, listen, site string) *neighbour {
	t.Helper()
	path := program(t, "apache2")
	dir := workDir(t)
	var conf strings.Builder
	fmt.Fprintf(&conf, "ServerRoot %s\nServerName localhost\nListen %s\nPidFile pid\nErrorLog \"|/bin/cat 1>&2\"\nMutex file:%s\nDocumentRoot %s\n", dir, listen, dir, dir)
	for _, m := range []string{"mpm_event", "authz_core", "alias", "headers", "proxy", "proxy_uwsgi", "proxy_http", "dir", "mime", "rewrite"} {
		file := filepath.Join(apacheModules, "mod_"+m+".so")
		if _, err := os.Stat(file); err != nil {
			skip(t, "no-program", "Apache has no mod_"+m)
		}
		fmt.Fprintf(&conf, "LoadModule %s_module %s\n", m, file)
	}
	if os.Geteuid() == 0 {
		conf.WriteString("User www-data\nGroup www-data\n")
	}
	conf.WriteString("TypesConfig /etc/mime.types\nStartServers 1\nInclude site.conf\n")
	write(t, dir, map[string]string{"apache.conf": conf.String(), "site.conf": site})
	args := []string{path, "-d", dir, "-f", filepath.Join(dir, "apache.conf")}
	if out, err := exec.Command(args[0], append(args[1:], "-t")...).CombinedOutput(); err != nil {
		t.Fatalf("apachectl -t: %v\n%s\n%s", err, out, site)
	}
	return runNeighbour(t, listen, dir, nil, append(args, "-DFOREGROUND")...)
}

// uwsgi runs a real uWSGI with a plain WSGI app. more are its further arguments; listen is where it is waited for.
func uwsgi(t testing.TB, listen, app string, more ...string) *neighbour {
	t.Helper()
	path := program(t, "uwsgi")
	dir := appDir(t, app)
	argv := append([]string{path, "--plugins-dir", "/usr/lib/uwsgi/plugins", "--plugin", "python3", "--master", "--die-on-term", "--need-app", "--chdir", dir,
		"--wsgi-file", filepath.Join(dir, "app.py"), "--processes", "2", "--disable-logging"}, more...)
	return runNeighbour(t, listen, dir, nil, argv...)
}

// uwsgiAddresses are where a standpipe speaks uwsgi: the TCP address and the socket's path.
func (s *server) uwsgiAddresses() (tcp, unix string) {
	for _, a := range addresses(s) {
		if at, ok := strings.CutPrefix(a, "uwsgi://"); ok {
			tcp = at
		} else if at, ok := strings.CutPrefix(a, "uwsgi+unix:"); ok {
			unix = at
		}
	}
	return tcp, unix
}
