package integration

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Which script runs, which file is sent, and what no path reaches.
func TestPHPSite(t *testing.T) {
	t.Parallel()
	_, sock, port := phpFPM(t)
	root := phpFolder(t)
	s := routed(t, fmt.Sprintf(`[[route]]
path = "/blog"
handler = "proxy"
upstreams = ["fastcgi+unix:%[1]s"]
root = "%[2]s"
strip_prefix = true
missing = "/index.php"
params = { APP_ENV = "test" }
[[route]]
hosts = ["php.example"]
handler = "proxy"
upstreams = ["fastcgi://%[3]s"]
root = "%[2]s"
[[route]]
hosts = ["far.example"]
handler = "proxy"
upstreams = ["fastcgi://%[3]s"]
upstream_root = "%[2]s"
[[static]]
url = "/files"
dir = "%[2]s"
`, sock, root, port))

	for _, c := range []struct {
		target string
		status int
		body   string // a part of it; "!x": not x
	}{
		{"/blog/", 200, "front /blog/ /blog/index.php [] -"},
		{"/blog/?p=7", 200, "[] 7"},
		{"/blog/2026/11/a-post/?p=8", 200, "front /blog/2026/11/a-post/?p=8 /blog/index.php [] 8"},
		{"/blog/caf%C3%A9", 200, "front /blog/caf%C3%A9 "},
		{"/blog/index.php/archive/7", 200, "front /blog/index.php/archive/7 /blog/index.php [/archive/7]"},
		{"/blog/wp-admin/", 200, "admin /blog/wp-admin/index.php"},
		{"/blog/wp-admin/admin.css", 200, "css"},
		{"/blog/pages/", 200, "<p>html"},
		{"/blog/uploads/b.txt", 200, "text"},
		{"/blog/uploads/a.jpg", 200, "jpeg <?php"},
		{"/blog/uploads/dir.php/c.txt", 200, "below a folder"},
		{"/blog/empty/", 200, "front "},
		{"/blog/inside.php", 200, "SCRIPT_NAME"},
		{"/blog/status.php?s=404", 404, "body"},
		{"/blog/status.php?s=503", 503, "body"},
		// No file becomes a script, and no script is sent.
		{"/blog/uploads/a.jpg/y.php", 200, "front "},
		{"/blog/uploads/a.jpg%00.php", 404, "!executed"},
		{"/blog/uploads/a.jpg/.php", 200, "front "},
		{"/blog/uploads/b.txt/index.php", 200, "front "},
		{"/blog/wp-config.php", 200, "config"},
		{"/blog/wp-config.php/", 200, "config"},
		{"/blog/wp-config.php.bak", 404, "!secret"},
		{"/blog/wp-config.php~", 404, "!secret"},
		{"/blog/old.PHP", 404, "!secret"},
		{"/blog/.htaccess", 200, "front "},
		{"/blog/.env", 200, "front "},
		{"/blog/.git/config", 200, "front "},
		{"/blog/.hidden/x.php", 200, "front "},
		{"/blog/../outside/x.php", 200, "of its own"},
		{"/blog/%2e%2e/outside/x.php", 200, "of its own"},
		{"/blog/link-x.php", 200, "front "},
		{"/blog/link-x.txt", 200, "front "},
		{"/blog/uploads%5Ca.jpg", 404, "!executed"},
		{"/files/wp-config.php", 404, "!secret"},
		{"/files/wp-config.php.bak", 404, "!secret"},
		{"/files/uploads/b.txt", 200, "text"},
		{"/blogger", 200, "of its own"},
	} {
		r := s.get(c.target)
		not := strings.HasPrefix(c.body, "!")
		if r.Status != c.status || strings.Contains(r.Body, strings.TrimPrefix(c.body, "!")) == not || strings.Contains(r.Body, "$secret") {
			t.Errorf("%s: %d %.120q, want %d %q", c.target, r.Status, r.Body, c.status, c.body)
		}
	}
	for target, to := range map[string]string{"/blog": "/blog/", "/blog/wp-admin?x=1": "/blog/wp-admin/?x=1", "/blog/pages": "/blog/pages/"} {
		if r := s.get(target); r.Status != 301 || r.Header.Get("Location") != to {
			t.Errorf("%s: %d %s", target, r.Status, r.Header.Get("Location"))
		}
	}
	if r := s.post("/blog/wp-admin", "text/plain", "x"); r.Status != 308 {
		t.Errorf("POST to a folder: %d", r.Status)
	}
	if r := s.get("/blog/moved.php"); r.Status != 302 || r.Header.Get("Location") != "/env.php" {
		t.Errorf("a redirect: %d %v", r.Status, r.Header)
	}
	if r := s.do(s.request("HEAD", "/blog/", nil)); r.Status != 200 || r.Body != "" || r.Header.Get("X-Script") != "front" {
		t.Errorf("HEAD: %d %q", r.Status, r.Body)
	}
	if r := s.post("/blog/form.php", "application/x-www-form-urlencoded", "name=a+b"); r.Status != 303 || r.Header.Get("Location") != "/done?name=a+b" {
		t.Errorf("a form: %d %v", r.Status, r.Header)
	}
	if r := s.post("/blog/uploads/b.txt", "text/plain", "x"); r.Status != 405 {
		t.Errorf("POST to a file: %d", r.Status)
	}

	r := s.want(200, "/blog/env.php/a/b?c=d", "Proxy: http://evil.example", "X-A: 1", "X_A: 2", "X-Request-Id: mine")
	for _, want := range []string{fmt.Sprintf(`"SCRIPT_FILENAME":"%s/env.php"`, root), `"SCRIPT_NAME":"/blog/env.php"`, `"PATH_INFO":"/a/b"`, fmt.Sprintf(`"PATH_TRANSLATED":"%s/a/b"`, root), fmt.Sprintf(`"DOCUMENT_ROOT":"%s"`, root),
		`"REDIRECT_STATUS":"200"`, `"REQUEST_URI":"/blog/env.php/a/b?c=d"`, `"QUERY_STRING":"c=d"`, `"REMOTE_ADDR":"127.0.0.1"`, `"HTTP_X_A":"1"`, `"APP_ENV":"test"`, `"GATEWAY_INTERFACE":"CGI/1.1"`, `"PHP_SELF":"/blog/env.php/a/b"`} {
		if !strings.Contains(r.Body, want) {
			t.Errorf("no %s in %s", want, r.Body)
		}
	}
	if strings.Contains(r.Body, "HTTP_PROXY") || strings.Contains(r.Body, "PHP_VALUE") {
		t.Errorf("%s", r.Body)
	}

	// The root of a host, without a front controller.
	for target, want := range map[string]int{"/": 200, "/index.php": 200, "/nothing": 404, "/empty/": 404, "/uploads/a.jpg/y.php": 404, "/.env": 404, "/nothing.php": 404, "/link-x.php": 404, "/uploads/b.txt": 200} {
		if r := s.get(target, "Host: php.example"); r.Status != want {
			t.Errorf("php.example%s: %d %.80q", target, r.Status, r.Body)
		}
	}
	// A root that is elsewhere: names alone decide.
	for target, want := range map[string]int{"/": 200, "/index.php/a": 200, "/uploads/b.txt": 404, "/uploads/a.jpg/y.php": 404, "/.hidden/x.php": 404, "/nothing.php": 404, "/wp-admin/": 200, "/nothing": 404} {
		if r := s.get(target, "Host: far.example"); r.Status != want {
			t.Errorf("far.example%s: %d %.80q", target, r.Status, r.Body)
		}
	}
	s.waitAccess(`"GET /blog/index.php/archive/7 HTTP/1\.1" 200 .* upstream=fastcgi\+unix:`)
}

// Uploads, output as it comes, large answers to slow clients, and what PHP prints to STDERR.
func TestPHPBodies(t *testing.T) {
	t.Parallel()
	_, sock, _ := phpFPM(t)
	root := phpFolder(t)
	s := routed(t, fmt.Sprintf("[[route]]\nhandler = \"proxy\"\nupstreams = [\"fastcgi+unix:%s\"]\nroot = %q\n", sock, root))

	var form bytes.Buffer
	mw := multipart.NewWriter(&form)
	part, _ := mw.CreateFormFile("f", "f.bin")
	file := bytes.Repeat([]byte("0123456789"), 2<<20)
	part.Write(file)
	mw.Close()
	if r := s.post("/upload.php", mw.FormDataContentType(), form.String()); r.Status != 200 || r.Body != fmt.Sprintf("0 20971520 %x", md5.Sum(file)) {
		t.Errorf("an upload: %d %s", r.Status, r.Body)
	}
	req := s.request("POST", "/raw.php", strings.NewReader(strings.Repeat("x", 3<<20)))
	req.ContentLength = -1
	if r := s.do(req); r.Body != strconv.Itoa(3<<20) {
		t.Errorf("a body without a length: %d %s", r.Status, r.Body)
	}

	c, err := s.dialPlain()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(3 * patience))
	io.WriteString(c, "GET /stream.php HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	br := bufio.NewReader(c)
	for i := range 3 {
		for {
			line, err := br.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if line == fmt.Sprintf("part %d\n", i) {
				break
			}
		}
		write(t, root, map[string]string{fmt.Sprintf("go%d", i): ""})
	}

	slow, err := s.dialPlain()
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	_ = slow.SetDeadline(time.Now().Add(3 * patience))
	io.WriteString(slow, "GET /big.php HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	first := bufio.NewReader(slow)
	if _, err := first.Peek(1); err != nil { // it has begun, and is not read while others are served
		t.Fatal(err)
	}
	if r := s.want(200, "/big.php"); len(r.Body) != 160*65536 {
		t.Errorf("%d bytes", len(r.Body))
	}
	resp, err := http.ReadResponse(first, nil)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, resp.Body); n != 160*65536 || err != nil {
		t.Errorf("the slow client: %d %v", n, err)
	}

	if r := s.want(200, "/errors.php"); r.Body != "ok" {
		t.Errorf("%q", r.Body)
	}
	seen := s.waitEvent("fastcgi_stderr")
	if !strings.Contains(seen.str("output"), "a line") || seen.str("id") == "" || seen.str("target") != "/errors.php" {
		t.Errorf("%v", seen)
	}
	if r := s.get("/throws.php"); r.Status != 500 {
		t.Errorf("an exception: %d %q", r.Status, r.Body)
	}
	s.waitLog(func(r record) bool { return r.event() == "fastcgi_stderr" && strings.Contains(r.str("output"), "boom") }, "the exception")
}

// PHP-FPM is reloaded, and loses processes, under load: no GET is lost. It ends: 502, and the app answers all the time.
func TestPHPRestarts(t *testing.T) {
	t.Parallel()
	n, sock, port := phpFPM(t)
	root := phpFolder(t)
	s := routed(t, fmt.Sprintf("[[route]]\npath = \"/one\"\nhandler = \"proxy\"\nupstreams = [\"fastcgi+unix:%[1]s\"]\nroot = %[2]q\nstrip_prefix = true\n[[route]]\npath = \"/kept\"\nhandler = \"proxy\"\nupstreams = [\"fastcgi://%[3]s\"]\nroot = %[2]q\nstrip_prefix = true\nkeep_connections = 3\n",
		sock, root, port))
	var served atomic.Int32
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for i := range 4 {
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				r, err := s.try(s.request("GET", []string{"/one/slow.php", "/kept/slow.php"}[i%2], nil))
				if err != nil || r.Status != 200 {
					t.Errorf("lost: %+v %v", r, err)
					return
				}
				served.Add(1)
			}
		})
	}
	more := func(what string) {
		t.Helper()
		at := served.Load()
		eventually(t, "requests after "+what, func() bool { return served.Load() >= at+20 || t.Failed() })
	}
	more("the start")
	_ = syscall.Kill(n.Pid, syscall.SIGUSR2)
	more("a reload")
	eventually(t, "a kill within a request", func() bool {
		for _, target := range []string{"/one/pid.php", "/kept/pid.php"} {
			pid, err := strconv.Atoi(s.want(200, target).Body)
			if err != nil {
				t.Fatal(err)
			}
			_ = syscall.Kill(pid, syscall.SIGKILL)
			more("a kill")
		}
		return len(s.events("fastcgi_repeated")) > 0
	})
	close(stop)
	clients.Wait()
	n.end(syscall.SIGQUIT)
	if r := s.get("/one/pid.php"); r.Status != 502 {
		t.Errorf("without PHP-FPM: %d", r.Status)
	}
	s.want(200, "/")
}

// A configuration that cannot be meant is refused, with where and why.
func TestPHPConfiguration(t *testing.T) {
	t.Parallel()
	root := phpFolder(t)
	for text, keys := range map[string]string{
		"upstreams = [\"http://127.0.0.1:1\"]\nroot = \"" + root + "\"":                                                          "root",
		"upstreams = [\"fastcgi://127.0.0.1:1\", \"uwsgi://127.0.0.1:2\"]\nroot = \"" + root + "\"":                              "upstreams",
		"upstreams = [\"fastcgi://127.0.0.1:1\"]\nroot = \"/nowhere\"":                                                           "root",
		"upstreams = [\"fastcgi://127.0.0.1:1\"]\nroot = \"" + root + "\"\nmissing = \"/nothing.php\"":                           "missing",
		"upstreams = [\"fastcgi://127.0.0.1:1\"]\nroot = \"" + root + "\"\nmissing = \"/uploads/b.txt\"":                         "missing",
		"upstreams = [\"fastcgi://127.0.0.1:1\"]\nmissing = \"/index.php\"":                                                      "missing",
		"upstreams = [\"fastcgi://127.0.0.1:1\"]\nroot = \"" + root + "\"\nsplit = [\"php\"]":                                    "split",
		"upstreams = [\"fastcgi://127.0.0.1:1\"]\nupstream_root = \"www\"":                                                       "upstream_root",
		"upstreams = [\"fastcgi://127.0.0.1\"]":                                                                                  "upstreams",
		"upstreams = [\"fastcgi://127.0.0.1:1\"]\nroot = \"" + root + "\"\nindex = [\"../x.php\"]\nparams = { \"A B\" = \"c\" }": "index",
	} {
		dir := project(t, map[string]string{"app.py": hello("x"), "standpipe.toml": "[[route]]\nhandler = \"proxy\"\n" + text + "\n[[app]]\nmodule = \"app:app\"\n"})
		if r := run(t, dir, nil, "check"); r.code != 2 || !strings.Contains(r.errout+r.out, keys) {
			t.Errorf("%s: %+v", text, r)
		}
	}
}

// A FastCGI server that is overloaded has not begun with the request: another one gets it, a POST too; alone it is 503.
func TestFastCGIOverloaded(t *testing.T) {
	t.Parallel()
	answer := func(records string) string {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				c, err := ln.Accept()
				if err != nil {
					return
				}
				_ = c.SetDeadline(time.Now().Add(patience))
				for end := false; !end; { // to the empty record of STDIN
					head := make([]byte, 8)
					_, err := io.ReadFull(c, head)
					n := int64(head[4])<<8 | int64(head[5])
					_, _ = io.CopyN(io.Discard, c, n+int64(head[6]))
					end = err != nil || head[1] == 5 && n == 0
				}
				io.WriteString(c, records)
				c.Close()
			}
		}()
		t.Cleanup(func() { ln.Close(); <-done })
		return "fastcgi://" + ln.Addr().String()
	}
	full := answer("\x01\x03\x00\x01\x00\x08\x00\x00" + "\x00\x00\x00\x00\x02\x00\x00\x00")
	free := answer("\x01\x06\x00\x01\x00\x0a\x00\x00" + "A: b\r\n\r\nok" + "\x01\x03\x00\x01\x00\x08\x00\x00" + "\x00\x00\x00\x00\x00\x00\x00\x00")
	s := routed(t, fmt.Sprintf("[[route]]\npath = \"/alone\"\nhandler = \"proxy\"\nupstreams = [%[1]q]\n[[route]]\npath = \"/both\"\nhandler = \"proxy\"\nupstreams = [%[1]q, %[2]q]\nbalance = \"round_robin\"\n", full, free))
	s.want(503, "/alone")
	s.waitEvent("upstream_failed")
	for range 4 {
		if r := s.post("/both", "text/plain", "x"); r.Status != 200 || r.Body != "ok" {
			t.Errorf("%d %q", r.Status, r.Body)
		}
	}
	s.waitEvent("upstream_retried")
}
