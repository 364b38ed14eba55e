package integration

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The files for a standpipe that speaks HTTP: a real site behind them, the client's address, and WebSocket to another
// server behind us.
func TestExportedHTTPFronts(t *testing.T) {
	t.Parallel()
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello\n")
		_, _ = io.Copy(io.Discard, c)
	}))
	t.Cleanup(up.Close)
	toml := fmt.Sprintf("bind = \"127.0.0.1:0\"\n[[route]]\npath = \"/ws\"\nhandler = \"proxy\"\nupstreams = [%q]\n[[app]]\nname = \"site\"\nmodule = \"app:app\"\ndir = %q\nworkers = 2\n", up.URL, appDir(t, "flask_site"))
	dir := project(t, map[string]string{"standpipe.toml": toml})
	s := start(t, opts{Dir: dir, Args: []string{"-c", "standpipe.toml"}, Python: python(t)})
	for kind, run := range map[string]func(testing.TB, string, string) *neighbour{"nginx": nginx, "apache": apache} {
		t.Run(kind, func(t *testing.T) {
			listen := "127.0.0.1:" + freePort(t)
			site := exported(t, kind, "-c", filepath.Join(dir, "standpipe.toml"), "--listen", listen, "--connect", s.Addr)
			f := s.with(t).through(run(t, listen, site))
			f.site(t, frameworks[0])
			f.largeBodies("proxy")
			f.want(200, "/?"+kind, "X-Forwarded-For: 203.0.113.9")
			f.waitAccess(`^203\.0\.113\.9 .*"GET /\?` + kind) // whom we are, a trusted proxy on loopback, has named
			c, err := f.dial()
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(patience))
			io.WriteString(c, "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: eA==\r\nSec-WebSocket-Version: 13\r\n\r\n")
			br := bufio.NewReader(c)
			for {
				line, err := br.ReadString('\n')
				if err != nil {
					t.Fatal(err)
				}
				if line == "hello\n" {
					break
				}
			}
		})
	}
}

// Folders that standpipe serves by itself are served by the web server in front, without standpipe.
func TestExportedStaticPlaces(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": hello("app"), "files/a.css": "a { color: red }",
		"standpipe.toml": "bind = \"127.0.0.1:0\"\n[[app]]\nmodule = \"app:app\"\n[[app.static]]\nurl = \"/static\"\ndir = \"files\"\n"})
	s := start(t, opts{Dir: dir, Args: []string{"-c", "standpipe.toml"}})
	for kind, run := range map[string]func(testing.TB, string, string) *neighbour{"nginx": nginx, "apache": apache} {
		t.Run(kind, func(t *testing.T) {
			listen := "127.0.0.1:" + freePort(t)
			site := exported(t, kind, "-c", filepath.Join(dir, "standpipe.toml"), "--listen", listen, "--connect", s.Addr)
			f := s.with(t).through(run(t, listen, site))
			if r := f.want(200, "/static/a.css?"+kind); string(r.Body) != "a { color: red }" {
				t.Errorf("%q", r.Body)
			}
			f.want(200, "/app?"+kind)
			f.waitAccess(`"GET /app\?` + kind)
			for _, line := range f.access() {
				if strings.Contains(line, "/static/") {
					t.Error(line)
				}
			}
		})
	}
}

// The units are good in systemd's own eyes.
func TestExportedUnits(t *testing.T) {
	t.Parallel()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		skip(t, "no-systemd", err.Error())
	}
	dir := project(t, map[string]string{"app.py": hello("x")})
	for _, more := range [][]string{{"-b", "uwsgi+unix:" + dir + "/x.sock", "-b", ":8000"}, {"--control", "off", "-e", `A=b "c" 5% $x`}} {
		var files []string
		for _, unit := range []string{"service", "socket"} {
			r := run(t, dir, nil, append([]string{"export", "systemd", "app:app", "--unit", unit}, more...)...)
			if r.code != 0 {
				t.Fatalf("%d %s", r.code, r.errout)
			}
			name, _, _ := strings.Cut(strings.TrimPrefix(r.out, "# /etc/systemd/system/"), "\n")
			write(t, dir, map[string]string{name: r.out})
			files = append(files, filepath.Join(dir, name))
		}
		out, err := exec.Command(analyze, append([]string{"verify", "--man=no"}, files...)...).CombinedOutput()
		if err != nil || strings.Contains(string(out), dir) {
			t.Errorf("systemd-analyze verify: %v\n%s", err, out)
		}
	}
}

func TestExportUsage(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": hello("x")})
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "nginx, apache, systemd"},
		{[]string{"caddy"}, "nginx, apache, systemd"},
		{[]string{"nginx", "app:app", "more"}, "more"},
		{[]string{"systemd", "--unit", "timer"}, "service, socket"},
		{[]string{"nginx", "-b", "fd://3"}, "--connect"},
		{[]string{"nginx", "--connect", "x:y"}, "y"},
		{[]string{"nginx", "-w", "none"}, "workers"},
	} {
		r := run(t, dir, nil, append([]string{"export"}, c.args...)...)
		if r.code != 2 || r.out != "" || !strings.Contains(r.errout, c.want) {
			t.Errorf("%q: %d %q %q, want %q", c.args, r.code, r.out, r.errout, c.want)
		}
	}
}
