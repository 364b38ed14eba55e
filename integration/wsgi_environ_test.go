package integration

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// pathTargets are request targets and what PATH_INFO and QUERY_STRING must be: decoded once, and otherwise left alone.
// All are bytes. An empty path means 400.
var pathTargets = []struct{ target, path, query string }{
	{"/", "/", ""},
	{"/a", "/a", ""},
	{"/a/", "/a/", ""},
	{"/a/b/c", "/a/b/c", ""},
	{"//", "//", ""},
	{"///", "///", ""},
	{"//a//b", "//a//b", ""},
	{"/a//", "/a//", ""},
	{"/a%2Fb", "/a/b", ""},
	{"/a%2fb", "/a/b", ""},
	{"/%2F", "//", ""},
	{"/%2F%2F", "///", ""},
	{"/a%20b", "/a b", ""},
	{"/a+b", "/a+b", ""},
	{"/a;b=c", "/a;b=c", ""},
	{"/a;b=c/d;e", "/a;b=c/d;e", ""},
	{"/a%3Bb", "/a;b", ""},
	{"/%C3%A9", "/\xc3\xa9", ""},
	{"/%c3%a9/x", "/\xc3\xa9/x", ""},
	{"/\xc3\xa9", "", ""}, // not ASCII (RFC 3986 2)
	{"/\xe9", "", ""},     // not ASCII (RFC 3986 2)
	{"/%E9", "/\xe9", ""},
	{"/%ff%FE%80", "/\xff\xfe\x80", ""},
	{"/%E2%82%AC", "/\xe2\x82\xac", ""},
	{"/../a", "/a", ""}, // dot segments are resolved (RFC 3986 6.2.2.3); REQUEST_URI has them
	{"/a/../b", "/b", ""},
	{"/a/..", "/", ""},
	{"/./a", "/a", ""},
	{"/a/.", "/a/", ""},
	{"/%2e%2e/a", "/a", ""},
	{"/..%2Fa", "", ""}, // servers disagree on what it means
	{"/a%0Ab", "/a\nb", ""},
	{"/a%0D%0AX:%20y", "/a\r\nX: y", ""},
	{"/a%09b", "/a\tb", ""},
	{"/%25", "/%", ""},
	{"/%2525", "/%25", ""},
	{"/%252F", "/%2F", ""},
	{"/a%3Fb", "/a?b", ""},
	{"/a%23b", "/a#b", ""},
	{"/a?b?c", "/a", "b?c"},
	{"/a?", "/a", ""},
	{"/a?%C3%A9=%2F+x&y", "/a", "%C3%A9=%2F+x&y"},
	{"/a?\xe9", "", ""},
	{"/a?%zz", "/a", "%zz"},
	{"/a?x=/../y", "/a", "x=/../y"},
	{"/?q", "/", "q"},
	{"/a:b", "/a:b", ""},
	{"/:80", "/:80", ""},
	{"/@", "/@", ""},
	{"/~user/", "/~user/", ""},
	{"/$-_.!*'(),&=", "/$-_.!*'(),&=", ""},
	{`/a\b`, `/a\b`, ""},
	{"/a%5Cb", `/a\b`, ""},
	{`/"<>^|{}[]` + "`", `/"<>^|{}[]` + "`", ""},
	{"/*", "/*", ""},
	{"http://evil.example/x%2Fy?q=1", "/x/y", "q=1"},
	{"http://evil.example/", "/", ""},
	{"http://evil.example", "/", ""},
	{"http://evil.example?q", "/", "q"},
	{"/%zz", "", ""},
	{"/%", "", ""},
	{"/%2", "", ""},
}

func TestWSGIPaths(t *testing.T) {
	t.Parallel()
	s := serveWSGI(t, "wsgi_behaviours")
	for _, c := range pathTargets {
		t.Run(fmt.Sprintf("%q", c.target), func(t *testing.T) {
			if strings.HasPrefix(c.target, "http:") {
				onlyOver(t, "HTTP/2 has no absolute form of a target", http1, https)
			}
			if c.path == "" && strings.Contains(c.target, "%") {
				onlyOver(t, "net/http resets a stream with such a path", http1, https)
			}
			a := s.ask(t, c.target)
			if c.path == "" {
				if a.Status != 400 {
					t.Fatalf("status %d, want 400", a.Status)
				}
				return
			}
			if a.Status != 200 {
				t.Fatalf("status %d: %.200s", a.Status, a.Body)
			}
			got := parseEcho(t, a.Body).Strings
			for key, want := range map[string]string{
				"PATH_INFO": c.path, "QUERY_STRING": c.query, "REQUEST_URI": c.target, "RAW_URI": c.target, "SCRIPT_NAME": "",
			} {
				if got[key] != latin1(want) {
					t.Errorf("%s is %q, want %q", key, got[key], latin1(want))
				}
			}
			host := "a"
			if strings.HasPrefix(c.target, "http://") {
				host = "evil.example" // RFC 9112 3.2.2: the target's host counts, not the field
			}
			if got["HTTP_HOST"] != host {
				t.Errorf("HTTP_HOST is %q, want %q", got["HTTP_HOST"], host)
			}
		})
	}
	// A NUL in the path is either refused or handed on as it is; it never cuts the path short.
	a := s.ask(t, "/a%00b")
	if a.Status != 400 && (a.Status != 200 || parseEcho(t, a.Body).Strings["PATH_INFO"] != "/a\x00b") {
		t.Errorf("/a%%00b: status %d: %.200s", a.Status, a.Body)
	}
}

// TestWSGIEnviron: PEP 3333, "environ Variables", and what a client has sent.
func TestWSGIEnviron(t *testing.T) {
	t.Parallel()
	s := serveWSGI(t, "wsgi_behaviours")
	_, port, _ := net.SplitHostPort(s.Addr)

	t.Run("keys and types", func(t *testing.T) {
		e := parseEcho(t, s.get("/echo?a=b").Body)
		if !e.Builtin {
			t.Error("environ is not a builtin dict")
		}
		for key, want := range map[string]string{
			"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/echo", "QUERY_STRING": "a=b",
			"SERVER_PORT": port, "SERVER_PROTOCOL": s.proto(), "REMOTE_ADDR": "127.0.0.1", "wsgi.url_scheme": s.scheme(),
			"SERVER_NAME": "127.0.0.1", "HTTP_HOST": s.Addr,
		} {
			if got, ok := e.Strings[key]; !ok || got != want {
				t.Errorf("%s is %q (%s), want %q", key, got, e.Types[key], want)
			}
		}
		for _, key := range []string{"wsgi.version", "wsgi.input", "wsgi.errors", "wsgi.multithread", "wsgi.multiprocess", "wsgi.run_once"} {
			if e.Types[key] == "" {
				t.Errorf("%s is missing", key)
			}
		}
		if e.Types["wsgi.version"] != "tuple" || len(e.Version) != 2 || e.Version[0] != 1.0 || e.Version[1] != 0.0 {
			t.Errorf("wsgi.version is %s %v", e.Types["wsgi.version"], e.Version)
		}
		for key, kind := range e.Types {
			upper := key == strings.ToUpper(key)
			if upper && kind != "str" {
				t.Errorf("%s is a %s, want str", key, kind)
			}
			if !upper && !strings.Contains(key, ".") {
				t.Errorf("the key %q is neither a CGI variable nor an extension's", key)
			}
		}
		if secure := e.Strings["HTTPS"] == "on"; secure != (s.scheme() == "https") {
			t.Errorf("HTTPS is %q", e.Strings["HTTPS"])
		}
		for _, key := range []string{"CONTENT_TYPE", "CONTENT_LENGTH", "HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"} {
			if kind, there := e.Types[key]; there {
				t.Errorf("%s is there (a %s) though nothing of it was sent", key, kind)
			}
		}
		if e.InputTerminated != true {
			t.Errorf("wsgi.input_terminated is %v", e.InputTerminated)
		}
	})

	t.Run("fresh per request", func(t *testing.T) {
		before := parseEcho(t, s.get("/echo").Body)
		s.want(200, "/environ/mutate")
		after := parseEcho(t, s.get("/echo").Body)
		if before.Pid != after.Pid {
			t.Fatalf("another worker answered: %d, %d", before.Pid, after.Pid)
		}
		if _, leaked := after.Types["LEAK"]; leaked {
			t.Error("a key of an earlier request's is still there")
		}
		if len(after.Types) != len(before.Types) || after.Types["wsgi.version"] != "tuple" || after.Strings["SERVER_NAME"] != before.Strings["SERVER_NAME"] {
			t.Errorf("an earlier request's changes are seen: %v, before %v", after.Strings, before.Strings)
		}
	})

	t.Run("native strings", func(t *testing.T) {
		w := dialWire(t, s.server)
		w.send("GET /echo HTTP/1.1\r\nHost: a\r\nX-Latin: caf\xe9 \x80\xff\r\nX-Utf: caf\xc3\xa9\r\n\r\n")
		e := parseEcho(t, w.recv("GET").Body)
		if e.Strings["HTTP_X_LATIN"] != latin1("caf\xe9 \x80\xff") || e.Strings["HTTP_X_UTF"] != latin1("caf\xc3\xa9") {
			t.Errorf("got %q and %q", e.Strings["HTTP_X_LATIN"], e.Strings["HTTP_X_UTF"])
		}
		if len(e.Wide) > 0 {
			t.Errorf("%v hold characters beyond latin-1", e.Wide)
		}
	})

	t.Run("repeated fields", func(t *testing.T) {
		w := dialWire(t, s.server)
		w.send("GET /echo HTTP/1.1\r\nHost: a\r\nX-Many: 1\r\nCookie: a=1\r\nx-many: 2\r\nAccept: text/html\r\nCookie: b=2\r\nX-MANY: 3\r\nX-Empty:\r\n\r\n")
		e := parseEcho(t, w.recv("GET").Body)
		many := strings.ReplaceAll(e.Strings["HTTP_X_MANY"], ", ", ",")
		if many != "1,2,3" {
			t.Errorf("HTTP_X_MANY is %q", e.Strings["HTTP_X_MANY"])
		}
		if e.Strings["HTTP_COOKIE"] != "a=1; b=2" {
			t.Errorf("HTTP_COOKIE is %q", e.Strings["HTTP_COOKIE"])
		}
		if v, ok := e.Strings["HTTP_X_EMPTY"]; !ok || v != "" {
			t.Errorf("HTTP_X_EMPTY is %q, there: %v", v, ok)
		}
		if e.Strings["HTTP_ACCEPT"] != "text/html" {
			t.Errorf("HTTP_ACCEPT is %q", e.Strings["HTTP_ACCEPT"])
		}
	})

	t.Run("content fields", func(t *testing.T) {
		w := dialWire(t, s.server)
		w.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: text/x; charset=\"y\"\r\nContent-Length: 3\r\n\r\nabc")
		e := parseEcho(t, w.recv("POST").Body)
		if e.Strings["CONTENT_TYPE"] != `text/x; charset="y"` || e.Strings["CONTENT_LENGTH"] != "3" || e.Body != "abc" {
			t.Errorf("CONTENT_TYPE %q, CONTENT_LENGTH %q, body %q", e.Strings["CONTENT_TYPE"], e.Strings["CONTENT_LENGTH"], e.Body)
		}
		for _, key := range []string{"HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"} {
			if _, there := e.Types[key]; there {
				t.Errorf("%s is there", key)
			}
		}
		w.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
		e = parseEcho(t, w.recv("POST").Body)
		if _, there := e.Types["CONTENT_TYPE"]; there || e.Strings["CONTENT_LENGTH"] != "0" {
			t.Errorf("an empty POST: CONTENT_TYPE there: %v, CONTENT_LENGTH %q", there, e.Strings["CONTENT_LENGTH"])
		}
	})

	t.Run("methods", func(t *testing.T) {
		for _, method := range []string{"GET", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "get", "X-OWN"} {
			w := dialWire(t, s.server)
			w.send(method + " /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
			if got := parseEcho(t, w.recv(method).Body).Strings["REQUEST_METHOD"]; got != method {
				t.Errorf("REQUEST_METHOD is %q, want %q", got, method)
			}
		}
	})

	t.Run("host", func(t *testing.T) {
		for host, name := range map[string]string{
			"shop.example": "shop.example", "shop.example:8080": "shop.example", "[::1]:80": "::1", "[2001:db8::1]": "2001:db8::1", "10.0.0.1:1": "10.0.0.1",
		} {
			w := dialWire(t, s.server)
			w.send("GET /echo HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n")
			e := parseEcho(t, w.recv("GET").Body)
			if e.Strings["HTTP_HOST"] != host || strings.Trim(e.Strings["SERVER_NAME"], "[]") != name || e.Types["SERVER_PORT"] != "str" || e.Strings["SERVER_PORT"] == "" {
				t.Errorf("Host %q: HTTP_HOST %q, SERVER_NAME %q, SERVER_PORT %q", host, e.Strings["HTTP_HOST"], e.Strings["SERVER_NAME"], e.Strings["SERVER_PORT"])
			}
		}
		onlyOver(t, "HTTP/1.0", http1, https)
		w := dialWire(t, s.server)
		w.send("GET /echo HTTP/1.0\r\n\r\n")
		e := parseEcho(t, w.recv("GET").Body)
		if e.Strings["SERVER_NAME"] == "" || e.Strings["SERVER_PORT"] != port || e.Strings["SERVER_PROTOCOL"] != "HTTP/1.0" {
			t.Errorf("HTTP/1.0 without Host: SERVER_NAME %q, SERVER_PORT %q, SERVER_PROTOCOL %q", e.Strings["SERVER_NAME"], e.Strings["SERVER_PORT"], e.Strings["SERVER_PROTOCOL"])
		}
		if _, there := e.Strings["HTTP_HOST"]; there {
			t.Errorf("HTTP_HOST is %q though none was sent", e.Strings["HTTP_HOST"])
		}
	})

	t.Run("errors stream", func(t *testing.T) {
		id := newID()
		s.want(200, "/environ/errors?id="+id)
		for _, part := range []string{"one", "two"} {
			r := s.waitLog(func(r record) bool { return strings.Contains(r.str("message"), "errors-stream "+part+" "+id) }, "wsgi.errors, line "+part)
			if r.str("stream") != "output" || r.str("worker") == "" || r.str("app") == "" {
				t.Errorf("record %v does not name stream, app and worker", r)
			}
		}
	})
}

// TestWSGITruth: the three flags say what is so. wsgi.multiprocess is true with one worker as well: PEP 3333 asks whether
// another process *may* run the app at the same time, and a worker on its way out does, beside the one that replaces it.
func TestWSGITruth(t *testing.T) {
	for _, c := range []struct {
		args                      []string
		multithread, multiprocess bool
	}{
		{[]string{"-w", "1"}, false, true},
		{[]string{"-w", "2"}, false, true},
		{[]string{"-w", "1", "--threads", "4"}, true, true},
		{[]string{"-w", "2", "--threads", "2"}, true, true},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			t.Parallel()
			e := parseEcho(t, serveWSGI(t, "wsgi_behaviours", c.args...).get("/echo").Body)
			if e.Multithread != c.multithread || e.Multiprocess != c.multiprocess || e.RunOnce {
				t.Errorf("multithread %v, multiprocess %v, run_once %v", e.Multithread, e.Multiprocess, e.RunOnce)
			}
		})
	}
}

// TestWSGIMounts: the longest mount wins, at segment boundaries, and hosts come first.
func TestWSGIMounts(t *testing.T) {
	t.Parallel()
	dir := appDir(t, "wsgi_behaviours")
	file := filepath.Join(t.TempDir(), "standpipe.toml")
	text := ""
	for _, app := range []struct{ name, mount, hosts string }{
		{"root", "/", ""},
		{"shop", "/shop", ""},
		{"admin", "/shop/admin", ""},
		{"exact", "/", `"www.shop.example"`},
		{"wild", "/", `"*.shop.example"`},
	} {
		text += fmt.Sprintf("[[app]]\nname = %q\nmodule = \"app:application\"\ndir = %q\nmount = %q\nworkers = 1\nenv = { APP_NAME = %q }\n", app.name, dir, app.mount, app.name)
		if app.hosts != "" {
			text += "hosts = [" + app.hosts + "]\n"
		}
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	s := serveBehaviours(t, opts{Dir: t.TempDir(), Args: []string{"-c", file}, Apps: 5})

	for _, c := range []struct{ host, target, app, script, path string }{
		{"a", "/", "root", "", "/"},
		{"a", "/shop", "shop", "/shop", ""},
		{"a", "/shop?q", "shop", "/shop", ""},
		{"a", "/shop/", "shop", "/shop", "/"},
		{"a", "/shop/x%2Fy", "shop", "/shop", "/x/y"},
		{"a", "/shop//x", "shop", "/shop", "//x"},
		{"a", "/shopping", "root", "", "/shopping"},
		{"a", "/shop%2Fx", "shop", "/shop", "/x"}, // matched on the decoded path, which is what the app sees
		{"a", "/shop/admin", "admin", "/shop/admin", ""},
		{"a", "/shop/admin/x", "admin", "/shop/admin", "/x"},
		{"a", "/shop/administrator", "shop", "/shop", "/administrator"},
		{"a", "/SHOP", "root", "", "/SHOP"},
		{"www.shop.example", "/", "exact", "", "/"},
		{"WWW.Shop.Example:8080", "/x", "exact", "", "/x"},
		{"www.shop.example.", "/x", "exact", "", "/x"},
		{"b.shop.example", "/x", "wild", "", "/x"},
		{"c.b.shop.example:1", "/x", "wild", "", "/x"},
		{"shop.example", "/x", "root", "", "/x"},
		{"evilshop.example", "/x", "root", "", "/x"},
	} {
		w := dialWire(t, s.server)
		w.send("GET " + c.target + " HTTP/1.1\r\nHost: " + c.host + "\r\nConnection: close\r\n\r\n")
		a := w.recv("GET")
		if a.Status != 200 {
			t.Errorf("%s %s: status %d, Location %q", c.host, c.target, a.Status, a.field("Location"))
			continue
		}
		e := parseEcho(t, a.Body)
		if e.Strings["SCRIPT_NAME"] != c.script || e.Strings["PATH_INFO"] != c.path || e.Strings["REQUEST_URI"] != c.target {
			t.Errorf("%s %s: SCRIPT_NAME %q, PATH_INFO %q, REQUEST_URI %q; want %q, %q", c.host, c.target,
				e.Strings["SCRIPT_NAME"], e.Strings["PATH_INFO"], e.Strings["REQUEST_URI"], c.script, c.path)
		}
		w = dialWire(t, s.server)
		w.send("GET " + c.target + " HTTP/1.1\r\nHost: " + c.host + "\r\nX-Request-ID: " + newID() + "\r\nConnection: close\r\n\r\n")
		id := w.recv("GET").field("X-Request-ID")
		line := s.waitAccess("id=" + id + "( |$)")
		if !slices.Contains(strings.Fields(line), "app="+c.app) {
			t.Errorf("%s %s went to another app than %s: %s", c.host, c.target, c.app, line)
		}
	}
}
