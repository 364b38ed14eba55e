package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// speaksUwsgi starts a standpipe that speaks HTTP at its first address, and uwsgi at a port and a unix socket.
func speaksUwsgi(t testing.TB, o opts) *server {
	t.Helper()
	o.Listen = []string{"127.0.0.1:0", "uwsgi://127.0.0.1:0", "uwsgi+unix:" + filepath.Join(socketDir(t), "u")}
	if o.Dir == "" {
		o.Dir, o.App = appDir(t, "behind"), "app:app"
	}
	s := start(t, o)
	for _, l := range o.Listen {
		if path, ok := strings.CutPrefix(l, "uwsgi+unix:"); ok { // Apache runs as another user
			if err := os.Chmod(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	return s
}

// front puts a web server in front of s, with the file that export prints.
func (s *server) front(t testing.TB, kind, connect string, change func(site string) string) *server {
	t.Helper()
	listen := "127.0.0.1:" + freePort(t)
	site := exported(t, kind, "--listen", listen, "--connect", connect)
	if change != nil {
		site = change(site)
	}
	var n *neighbour
	if kind == "nginx" {
		n = nginx(t, listen, site)
	} else {
		n = apache(t, listen, site)
	}
	return s.with(t).through(n)
}

// fronts are the ways to a standpipe that speaks uwsgi.
func (s *server) fronts(t *testing.T, each func(t *testing.T, f *server, kind, network string)) {
	tcp, unix := s.uwsgiAddresses()
	for _, kind := range []string{"nginx", "apache"} {
		for network, connect := range map[string]string{"tcp": "uwsgi://" + tcp, "unix": "uwsgi+unix:" + unix} {
			t.Run(kind+" "+network, func(t *testing.T) {
				each(t, s.front(t, kind, connect, nil), kind, network)
			})
		}
	}
}

// Real sites behind nginx and Apache, over a port and a socket: all that the sites are tried with directly, then large
// bodies both ways, chunked ones, conditional requests.
func TestUwsgiSites(t *testing.T) {
	t.Parallel()
	for _, f := range []framework{frameworks[0], frameworks[1]} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			s := speaksUwsgi(t, opts{App: f.app, Dir: appDir(t, f.name), Python: python(t), Args: []string{"-w", "2"}})
			s.fronts(t, func(t *testing.T, s *server, kind, network string) {
				s.site(t, f)
				s.largeBodies(kind)
				s.want(200, "/fresh")
				if r := s.want(304, "/fresh", `If-None-Match: "e1"`); r.Body != "" || r.Header.Get("Etag") != `"e1"` {
					t.Errorf("304: %q %v", r.Body, r.Header)
				}
			})
		})
	}
}

// largeBodies are 10 MB up, the same chunked, 100 MB down.
func (s *server) largeBodies(kind string) {
	s.t.Helper()
	data := randomBytes(10 << 20)
	contentType, form := multipartFile(s.t, "file", "big.bin", "application/octet-stream", data)
	if r := s.post("/upload", contentType, form); r.Status != 200 || !strings.Contains(r.Body, hexSum(data)) {
		s.t.Errorf("upload of 10 MB: %d %.200q", r.Status, r.Body)
	}
	req := s.request("POST", "/upload?chunked="+kind, io.MultiReader(strings.NewReader(form)), "Content-Type: "+contentType) // no length
	r, err := s.try(req)
	switch {
	case kind == "apache": // mod_proxy_uwsgi needs a length, and does not ask the app
		if err == nil && r.Status != http.StatusLengthRequired {
			s.t.Errorf("chunked through Apache: %d", r.Status)
		}
		s.want(200, "/hello/after?"+s.Addr)
		s.waitAccess(`"GET /hello/after\?` + s.Addr)
		if line := strings.Join(s.access(), "\n"); strings.Contains(line, "chunked=apache") {
			s.t.Error("Apache asked us for a chunked upload")
		}
	case err != nil || r.Status != 200 || !strings.Contains(r.Body, hexSum(data)):
		s.t.Errorf("chunked upload: %v %+v", err, r)
	}
	row := make([]byte, 256)
	for i := range row {
		row[i] = byte(i)
	}
	if r := s.want(200, "/bulk"); len(r.Body) != 1600*256*256 || hexSum([]byte(r.Body)) != hexSum(bytes.Repeat(row, 1600*256)) {
		s.t.Errorf("download of 100 MB: %d bytes", len(r.Body))
	}
}

// A body that nginx passes on as it comes, with and without a length.
func TestUwsgiUnbufferedRequests(t *testing.T) {
	t.Parallel()
	s := speaksUwsgi(t, opts{Args: []string{"-w", "1"}})
	tcp, unix := s.uwsgiAddresses()
	for _, connect := range []string{"uwsgi://" + tcp, "uwsgi+unix:" + unix} {
		f := s.front(t, "nginx", connect, func(site string) string {
			return strings.Replace(site, "#uwsgi_request_buffering", "uwsgi_request_buffering", 1)
		})
		data := string(randomBytes(3 << 20))
		want := fmt.Sprintf("%d %s %d", len(data), hexSum([]byte(data)), len(data))
		if r := f.post("/sum", "application/octet-stream", data); r.Body != want {
			t.Errorf("%s: %d %.200q", connect, r.Status, r.Body)
		}
		// It says chunked and the length all the same.
		r := f.do(f.request("POST", "/sum", io.MultiReader(strings.NewReader(data)), "Content-Type: a/b"))
		if r.Body != want {
			t.Errorf("chunked, %s: %d %.200q", connect, r.Status, r.Body)
		}
	}
}

// The path that nginx has judged is the one that the app is asked for, whatever the request line says.
func TestUwsgiPathsAreNginxs(t *testing.T) {
	t.Parallel()
	s := speaksUwsgi(t, opts{Args: []string{"-w", "1"}})
	_, unix := s.uwsgiAddresses()
	f := s.front(t, "nginx", "uwsgi+unix:"+unix, func(site string) string {
		return inServer(site, "    location /admin { deny all; }\n    rewrite ^/old/(.*)$ /new/$1 last;\n")
	})
	for _, c := range []struct {
		target string
		status int
		path   string // PATH_INFO that the app sees
	}{
		{"/admin", 403, ""}, {"/admin/", 403, ""}, {"/admin/x", 403, ""}, {"/%61dmin", 403, ""}, {"/%61%64min/x", 403, ""}, {"//admin", 403, ""}, {"/./admin", 403, ""},
		{"/x/../admin", 403, ""}, {"/x/%2e%2e/admin", 403, ""}, {"/admin%2Fx", 403, ""}, {"/x/..%2fadmin", 403, ""},
		{"/x%2Fy", 200, "/x/y"}, {"/x%252Fy", 200, "/x%2Fy"}, {"/a%20b", 200, "/a b"}, {"//x//y", 200, "/x/y"}, {"/caf%C3%A9", 200, "/caf\u00c3\u00a9"},
		{"/ADMIN", 200, "/ADMIN"}, {"/x/admin", 200, "/x/admin"},
		{"/old/a%2Fb", 200, "/new/a/b"}, {"/%6Fld/%2e%2e/old/c?q=1", 200, "/new/c"},
	} {
		got := f.raw("GET " + c.target + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
		head, body, _ := strings.Cut(got, "\r\n\r\n")
		if !strings.HasPrefix(head, fmt.Sprintf("HTTP/1.1 %d ", c.status)) {
			t.Errorf("%s: %q, want %d", c.target, head, c.status)
			continue
		}
		if c.status != 200 {
			continue
		}
		var seen map[string]string
		if err := json.Unmarshal([]byte(body), &seen); err != nil {
			t.Errorf("%s: %v %q", c.target, err, body)
		} else if seen["PATH_INFO"] != c.path || seen["REQUEST_URI"] != c.target || seen["SCRIPT_NAME"] != "" {
			t.Errorf("%s: the app sees %v, want PATH_INFO %q", c.target, seen, c.path)
		}
	}
	for _, line := range s.access() {
		if strings.Contains(line, " 403 ") {
			t.Errorf("nginx handed on what it denies: %s", line)
		}
	}
}

// An answer that breaks off: the client can tell. Over a unix socket the server in front cannot, which is logged.
func TestUwsgiCutAnswers(t *testing.T) {
	t.Parallel()
	curl := program(t, "curl")
	s := speaksUwsgi(t, opts{Args: []string{"-w", "1"}})
	s.fronts(t, func(t *testing.T, f *server, kind, network string) {
		for _, path := range []string{"/raise", "/short"} {
			err := exec.Command(curl, "-sf", "-H", "Connection: close", "-m", "20", "-o", os.DevNull, f.URL+path).Run()
			if network == "tcp" && err == nil {
				t.Errorf("%s: curl took the answer for whole", path)
			}
			if network == "unix" && path == "/short" && err == nil { // a length is a length
				t.Errorf("%s: curl took the answer for whole", path)
			}
		}
		if r := f.want(500, "/boom"); strings.Contains(r.Body, "boom in the app") {
			t.Errorf("%q", r.Body)
		}
	})
	s.waitEvent("uwsgi_cut_unseen")
	if n := s.metrics("unix", s.controlSocket())["standpipe_uwsgi_cut_unseen_total{}"]; n < 2 { // through both
		t.Errorf("%v are counted", n)
	}
	s.waitAccess(`"GET /raise HTTP/1.1" 200 .* aborted=1`)
}

// A client that leaves before its answer: nginx closes its connection, and we see that; Apache does not look before the
// answer comes, so no other request is to suffer from it. One that leaves within its answer is seen through both.
func TestUwsgiClientLeaves(t *testing.T) {
	t.Parallel()
	s := speaksUwsgi(t, opts{Args: []string{"-w", "1"}})
	dir := t.TempDir() // beyond the last request
	s.fronts(t, func(t *testing.T, f *server, kind, network string) {
		dial := func(target string) net.Conn {
			c, err := net.DialTimeout("tcp", f.Addr, patience)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", target)
			return c
		}
		gate := filepath.Join(dir, kind+network)
		c := dial("/gate?" + gate)
		eventually(t, "the app has begun", func() bool { _, err := os.Stat(gate + ".begun"); return err == nil })
		c.Close()
		if kind == "nginx" {
			f.waitAccess(`"GET /gate\?` + gate + ` HTTP/1.1" 499 `)
		}
		write(t, dir, map[string]string{kind + network: ""})
		f.waitAccess(`"GET /gate\?` + gate + ` HTTP/1.1" (499|200) `)

		c = dial("/bulk?2000") // MB
		if _, err := io.ReadFull(c, make([]byte, 1<<20)); err != nil {
			t.Error(err)
		}
		c.Close()
		f.waitAccess(`"GET /bulk.* 200 .* aborted=1`)
		f.want(200, "/pid") // the worker is there
	})
}

// Who the client is, by which scheme it came, and what the app gets besides, as nginx says; and from a peer that is not
// trusted nothing of that.
func TestUwsgiTrust(t *testing.T) {
	t.Parallel()
	params := func(site string) string {
		return strings.Replace(site, "        uwsgi_param REMOTE_ADDR     $remote_addr;", `        uwsgi_param REMOTE_ADDR     198.51.100.7;
        uwsgi_param REMOTE_USER     ann;
        uwsgi_param UWSGI_SCHEME    https;
        uwsgi_param UWSGI_FILE      /tmp/evil.py;
        uwsgi_param HTTP_PROXY      evil;`, 1)
	}
	seen := func(f *server, headers ...string) map[string]string {
		m := map[string]string{}
		if err := json.Unmarshal([]byte(f.want(200, "/env", headers...).Body), &m); err != nil {
			f.t.Fatal(err)
		}
		return m
	}
	s := speaksUwsgi(t, opts{Args: []string{"-w", "1"}})
	tcp, unix := s.uwsgiAddresses()
	for _, connect := range []string{"uwsgi://" + tcp, "uwsgi+unix:" + unix} {
		f := s.front(t, "nginx", connect, params)
		m := seen(f, "X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: http", "X-Forwarded-Host: evil", "X-Real-IP: 203.0.113.9")
		for name, want := range map[string]string{"REMOTE_ADDR": "198.51.100.7", "REMOTE_USER": "ann", "wsgi.url_scheme": "https", "HTTPS": "on", "UWSGI_FILE": "", "UWSGI_SCHEME": "",
			"HTTP_PROXY": "", "HTTP_X_FORWARDED_FOR": "", "HTTP_X_FORWARDED_PROTO": "", "HTTP_X_FORWARDED_HOST": "", "HTTP_X_REAL_IP": "", "HTTP_HOST": f.Addr} {
			if m[name] != want {
				t.Errorf("%s: %s is %q, want %q", connect, name, m[name], want)
			}
		}
	}
	s.waitAccess(`^198\.51\.100\.7 .*"GET /env `)

	// REMOTE_ADDR is a trusted proxy: what it says of its client counts.
	s = speaksUwsgi(t, opts{Args: []string{"-w", "1", "--trusted-proxies", "loopback,198.51.100.0/24"}})
	tcp, _ = s.uwsgiAddresses()
	m := seen(s.front(t, "nginx", "uwsgi://"+tcp, params), "X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: http")
	if m["REMOTE_ADDR"] != "203.0.113.9" || m["wsgi.url_scheme"] != "http" || m["REMOTE_USER"] != "ann" {
		t.Errorf("behind a trusted proxy: %v", m)
	}

	s = speaksUwsgi(t, opts{Args: []string{"-w", "1", "--trusted-proxies", "192.0.2.1"}})
	tcp, _ = s.uwsgiAddresses()
	m = seen(s.front(t, "nginx", "uwsgi://"+tcp, params))
	if m["REMOTE_ADDR"] != "127.0.0.1" || m["wsgi.url_scheme"] != "http" || m["REMOTE_USER"] != "" {
		t.Errorf("not trusted: %v", m)
	}
	if r := s.waitEvent("uwsgi_ignored"); !strings.Contains(r.str("variables"), "REMOTE_USER") || !r.names("--trusted-proxies 127.0.0.1") {
		t.Errorf("%v", r)
	}
}

// The chain is the one of HTTP: mounts, health, limits, ids, the log's lines.
func TestUwsgiSameChain(t *testing.T) {
	t.Parallel()
	dir := appDir(t, "behind")
	s := start(t, opts{Dir: dir, Listen: []string{"127.0.0.1:0", "uwsgi://127.0.0.1:0"}, Args: []string{"--app", "name=shop,module=app:app,mount=/shop,workers=1", "--max-body", "1MiB", "--server-header", ""}})
	tcp, _ := s.uwsgiAddresses()
	f := s.front(t, "nginx", "uwsgi://"+tcp, nil)
	if r := f.want(200, "/shop/a"); !strings.Contains(r.Body, `"SCRIPT_NAME": "/shop", "PATH_INFO": "/a"`) {
		t.Errorf("%q", r.Body)
	}
	if r := f.want(200, "/livez"); r.Body != "ok\n" {
		t.Errorf("%q", r.Body)
	}
	if r := f.want(404, "/nowhere"); r.Header.Get("X-Request-Id") == "" || !strings.Contains(r.Body, r.Header.Get("X-Request-Id")) {
		t.Errorf("%v %q", r.Header, r.Body)
	}
	if r := f.post("/shop/sum", "a/b", strings.Repeat("x", 2<<20)); r.Status != 413 || !strings.Contains(r.Body, r.Header.Get("X-Request-Id")) {
		t.Errorf("%d %q", r.Status, r.Body)
	}
	head := f.do(f.request("HEAD", "/shop/fresh", nil))
	if head.Status != 200 || head.Header.Get("Content-Length") != "5" || head.Body != "" {
		t.Errorf("%+v", head)
	}
	f.waitAccess(`"GET /nowhere HTTP/1\.1" 404 .* app=- `)
	f.waitAccess(`"POST /shop/sum HTTP/1\.1" 413 `)
	// SCRIPT_NAME from nginx, for an app at /.
	s = speaksUwsgi(t, opts{Args: []string{"-w", "1"}})
	tcp, _ = s.uwsgiAddresses()
	f = s.front(t, "nginx", "uwsgi://"+tcp, func(site string) string {
		return strings.Replace(strings.Replace(site, "location / {", "location ~ ^/sub(/.*)$ {\n        uwsgi_param SCRIPT_NAME /sub;", 1), "PATH_INFO       $document_uri", "PATH_INFO       $1", 1)
	})
	if r := f.want(200, "/sub/x%20y"); !strings.Contains(r.Body, `"SCRIPT_NAME": "/sub", "PATH_INFO": "/x y"`) {
		t.Errorf("%q", r.Body)
	}
}

// What is running is answered when standpipe is told to stop, and what comes is refused.
func TestUwsgiGracefulStop(t *testing.T) {
	t.Parallel()
	s := speaksUwsgi(t, opts{Args: []string{"-w", "1"}})
	tcp, _ := s.uwsgiAddresses()
	f := s.front(t, "nginx", "uwsgi://"+tcp, nil)
	gate := filepath.Join(t.TempDir(), "gate")
	a := f.background("/gate?" + gate)
	eventually(t, "the app has begun", func() bool { _, err := os.Stat(gate + ".begun"); return err == nil })
	stopped := make(chan int, 1)
	go func() { stopped <- s.stop() }()
	eventually(t, "the port is closed", func() bool {
		c, err := net.DialTimeout("tcp", tcp, patience)
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	write(t, filepath.Dir(gate), map[string]string{"gate": ""})
	if r := a.wait(t); r.Status != 200 || r.Body != "through the gate" {
		t.Errorf("%d %q", r.Status, r.Body)
	}
	if code := <-stopped; code != 0 {
		t.Errorf("exit code %d", code)
	}
	if r := f.get("/pid"); r.Status != 502 {
		t.Errorf("after the stop: %d", r.Status)
	}
}
