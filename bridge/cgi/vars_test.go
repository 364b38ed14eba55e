package cgi

import (
	"bufio"
	"net/http"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/shim/wire"
)

func read(t testing.TB, head string) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(head)))
	if err != nil {
		t.Fatalf("%q: %v", head, err)
	}
	return r
}

func vars(t testing.TB, r *http.Request, in *Info) map[string]string {
	t.Helper()
	m := make(map[string]string)
	for _, v := range AppendVars(nil, r, in) {
		if _, twice := m[v.Name]; twice {
			t.Errorf("%s comes twice", v.Name)
		}
		if v.Known != wire.Known(v.Name) {
			t.Errorf("%s is known as %d, want %d", v.Name, v.Known, wire.Known(v.Name))
		}
		m[v.Name] = v.Value
	}
	return m
}

func TestPaths(t *testing.T) {
	for _, c := range []struct{ target, mount, script, info, query string }{
		{"/", "", "", "/", ""},
		{"/a", "", "", "/a", ""},
		{"/a/", "", "", "/a/", ""},
		{"/a/b/c", "", "", "/a/b/c", ""},
		{"//", "", "", "//", ""},
		{"//a", "", "", "//a", ""},
		{"//evil.example/a", "", "", "//evil.example/a", ""},
		{"/a//b", "", "", "/a//b", ""},
		{"/a/../b", "", "", "/a/../b", ""},
		{"/../../etc/passwd", "", "", "/../../etc/passwd", ""},
		{"/./a", "", "", "/./a", ""},
		{"/a%2Fb", "", "", "/a/b", ""},
		{"/a%2fb", "", "", "/a/b", ""},
		{"/a%252Fb", "", "", "/a%2Fb", ""},
		{"/%2e%2e/b", "", "", "/../b", ""},
		{"/a%20b", "", "", "/a b", ""},
		{"/a+b", "", "", "/a+b", ""},
		{"/a%2Bb", "", "", "/a+b", ""},
		{"/caf%C3%A9", "", "", "/caf\xc3\xa9", ""},
		{"/caf\xc3\xa9", "", "", "/caf\xc3\xa9", ""},
		{"/caf\xe9", "", "", "/caf\xe9", ""},
		{"/caf%E9", "", "", "/caf\xe9", ""},
		{"/%FF%FE", "", "", "/\xff\xfe", ""},
		{"/%00", "", "", "/\x00", ""},
		{"/a%0Ab", "", "", "/a\nb", ""},
		{"/a;b=c", "", "", "/a;b=c", ""},
		{"/a%3Fb", "", "", "/a?b", ""},
		{"/a%23b", "", "", "/a#b", ""},
		{"/a#b", "", "", "/a#b", ""},
		{"/a:b@c", "", "", "/a:b@c", ""},
		{"/a&b=c", "", "", "/a&b=c", ""},
		{"/~u/$x,y'(z)*!", "", "", "/~u/$x,y'(z)*!", ""},
		{"/a?", "", "", "/a", ""},
		{"/a?b", "", "", "/a", "b"},
		{"/a?b=c&d=%20+", "", "", "/a", "b=c&d=%20+"},
		{"/a?b?c", "", "", "/a", "b?c"},
		{"/a?b#c", "", "", "/a", "b#c"},
		{"/a?%zz;\xe9", "", "", "/a", "%zz;\xe9"},
		{"/?a", "", "", "/", "a"},
		{"http://other/x%2Fy?q", "", "", "/x/y", "q"},
		{"http://other", "", "", "/", ""},
		{"http://other?q=1", "", "", "/", "q=1"},
		{"/shop", "/shop", "/shop", "", ""},
		{"/shop/", "/shop", "/shop", "/", ""},
		{"/shop/a", "/shop", "/shop", "/a", ""},
		{"/shop//a", "/shop", "/shop", "//a", ""},
		{"/sh%6Fp/a%2Fb", "/shop", "/shop", "/a/b", ""},
		{"/shop%2Fa", "/shop", "/shop", "/a", ""},
		{"/shop?q", "/shop", "/shop", "", "q"},
		{"/shopping", "/shop", "", "/shopping", ""},
		{"/shop/v2/x", "/shop/v2", "/shop/v2", "/x", ""},
	} {
		r := read(t, "GET "+c.target+" HTTP/1.1\r\nHost: h\r\n\r\n")
		m := vars(t, r, &Info{ScriptName: c.mount})
		if m["SCRIPT_NAME"] != c.script || m["PATH_INFO"] != c.info || m["QUERY_STRING"] != c.query {
			t.Errorf("%q under %q: SCRIPT_NAME %q PATH_INFO %q QUERY_STRING %q", c.target, c.mount, m["SCRIPT_NAME"], m["PATH_INFO"], m["QUERY_STRING"])
		}
		if m["REQUEST_URI"] != c.target || m["RAW_URI"] != c.target {
			t.Errorf("%q: REQUEST_URI %q RAW_URI %q", c.target, m["REQUEST_URI"], m["RAW_URI"])
		}
	}
}

func TestServerVariables(t *testing.T) {
	full := &Info{ID: "id1", Scheme: "https", RemoteAddr: "10.0.0.7", RemotePort: "4711", ServerName: "0.0.0.0", ServerPort: "8000", Prefix: "/out"}
	for _, c := range []struct {
		head string
		in   *Info
		want map[string]string
	}{
		{"GET / HTTP/1.1\r\nHost: shop.example:8443\r\n\r\n", full, map[string]string{
			"SERVER_NAME": "shop.example", "SERVER_PORT": "8000", "HTTP_HOST": "shop.example:8443", "HTTPS": "on", "wsgi.url_scheme": "https",
			"REMOTE_ADDR": "10.0.0.7", "REMOTE_PORT": "4711", "standpipe.request_id": "id1", "SCRIPT_NAME": "/out",
			"SERVER_PROTOCOL": "HTTP/1.1", "REQUEST_METHOD": "GET", "CONTENT_LENGTH": "-", "CONTENT_TYPE": "-"}},
		{"GET / HTTP/1.0\r\n\r\n", full, map[string]string{"SERVER_NAME": "0.0.0.0", "SERVER_PORT": "8000", "HTTP_HOST": "-", "SERVER_PROTOCOL": "HTTP/1.0"}},
		{"GET / HTTP/1.0\r\n\r\n", &Info{}, map[string]string{"SERVER_NAME": "localhost", "SERVER_PORT": "80", "wsgi.url_scheme": "http", "HTTPS": "-",
			"REMOTE_ADDR": "", "REMOTE_PORT": "-"}},
		{"GET / HTTP/1.1\r\nHost: [::1]:99\r\n\r\n", &Info{}, map[string]string{"SERVER_NAME": "[::1]", "SERVER_PORT": "99"}},
		{"GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n", &Info{Scheme: "https"}, map[string]string{"SERVER_NAME": "[::1]", "SERVER_PORT": "443"}},
		{"GET / HTTP/1.1\r\nHost: h:\r\n\r\n", &Info{}, map[string]string{"SERVER_NAME": "h", "SERVER_PORT": "80"}},
		{"POST / HTTP/1.1\r\nHost: h\r\nContent-Type: a/b\r\nContent-Length: 003\r\n\r\nabc", &Info{}, map[string]string{
			"CONTENT_TYPE": "a/b", "CONTENT_LENGTH": "3", "HTTP_CONTENT_LENGTH": "-", "HTTP_CONTENT_TYPE": "-"}},
		{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", &Info{}, map[string]string{"CONTENT_LENGTH": "0"}},
		{"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 99\r\nTrailer: X-U\r\n\r\n0\r\n\r\n", &Info{BodySize: 12}, map[string]string{
			"CONTENT_LENGTH": "12", "HTTP_TRANSFER_ENCODING": "-", "HTTP_TRAILER": "-"}},
		{"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, X-Secret\r\nUpgrade: websocket\r\nExpect: 100-continue\r\nTE: trailers\r\nKeep-Alive: 5\r\nX-Secret: s\r\n\r\n", &Info{}, map[string]string{
			"HTTP_CONNECTION": "-", "HTTP_UPGRADE": "-", "HTTP_EXPECT": "-", "HTTP_TE": "-", "HTTP_KEEP_ALIVE": "-", "HTTP_X_SECRET": "s"}},
		{"GET / HTTP/1.1\r\nHost: h\r\nCookie: a=1\r\nCookie: b=2\r\nX-A: 1\r\nx-a: 2\r\nX-A:\r\n\r\n", &Info{}, map[string]string{
			"HTTP_COOKIE": "a=1; b=2", "HTTP_X_A": "1, 2, "}},
		{"GET / HTTP/1.1\r\nHost: h\r\nX-Raw: caf\xe9\r\nuSeR-aGeNt: t\r\n\r\n", &Info{}, map[string]string{"HTTP_X_RAW": "caf\xe9", "HTTP_USER_AGENT": "t"}},
	} {
		m := vars(t, read(t, c.head), c.in)
		for name, want := range c.want {
			got, there := m[name]
			if want == "-" && there || want != "-" && got != want {
				t.Errorf("%q: %s is %q (there: %v), want %q", c.head, name, got, there, want)
			}
		}
	}
}

func TestSpoofedNamesNeverWin(t *testing.T) {
	head := "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: good\r\nX_Forwarded_For: evil\r\nX-Forwarded_For: evil\r\nProxy: evil\r\nScript_Name: evil\r\n" +
		"Script-Name: s\r\nContent_Length: 9\r\nContent_Type: evil\r\nTransfer_Encoding: chunked\r\nRemote_User: evil\r\nX.Y: evil\r\nX!Y: evil\r\n\r\n"
	r := read(t, head)
	for range 1000 { // a map's order is random
		m := vars(t, r, &Info{ScriptName: ""})
		for name, value := range m {
			if strings.Contains(value, "evil") {
				t.Fatalf("%s is %q", name, value)
			}
		}
		if m["HTTP_X_FORWARDED_FOR"] != "good" || m["SCRIPT_NAME"] != "" || m["CONTENT_LENGTH"] != "" || m["HTTP_SCRIPT_NAME"] != "s" {
			t.Fatalf("%v", m)
		}
	}
}

// Each known name is one that a request can have, and says its own place.
func TestKnownNames(t *testing.T) {
	head := "POST /a?b HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nContent-Type: text/plain\r\n"
	for i, name := range wire.Names {
		if int(wire.Known(name)) != i+1 {
			t.Errorf("%s is known as %d, want %d: it is there twice", name, wire.Known(name), i+1)
		}
		if field, ok := strings.CutPrefix(name, "HTTP_"); ok && field != "HOST" {
			head += strings.ReplaceAll(field, "_", "-") + ": v\r\n"
		}
	}
	m := vars(t, read(t, head+"\r\n"), &Info{Scheme: "https", RemotePort: "1"})
	for _, name := range wire.Names {
		if _, ok := m[name]; !ok {
			t.Errorf("no request has %s", name)
		}
	}
	if wire.Known("HTTP_X_OTHER") != 0 {
		t.Error("HTTP_X_OTHER is known")
	}
}

func FuzzAppendVars(f *testing.F) {
	f.Add("GET / HTTP/1.1\r\nHost: h\r\nX-A: b\r\n\r\n")
	f.Add("POST //a%2f?q HTTP/1.0\r\nX_A: 1\r\nCookie: a\r\nCookie: b\r\nTransfer-Encoding: chunked\r\n\r\n")
	f.Add("GET http://[::1]:x/caf\xe9 HTTP/1.1\r\nHost: :::\r\nA.b: c\r\nx-\xff: y\r\n\r\n")
	f.Fuzz(func(t *testing.T, head string) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(head)))
		if err != nil || r.URL == nil {
			return
		}
		seen := make(map[string]bool)
		for _, v := range AppendVars(nil, r, &Info{ScriptName: "/a", ID: "x"}) {
			if seen[v.Name] || v.Name == "" {
				t.Fatalf("%q comes twice or is empty", v.Name)
			}
			seen[v.Name] = true
			for i := range len(v.Name) {
				if c := v.Name[i]; (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && (!wsgiName(v.Name)) {
					t.Fatalf("name %q", v.Name)
				}
			}
			if strings.HasPrefix(v.Name, "HTTP_") && strings.ContainsAny(v.Value, "\r\n") {
				t.Fatalf("%s holds a line end: %q", v.Name, v.Value)
			}
		}
		for _, must := range []string{"SERVER_NAME", "SERVER_PORT", "REQUEST_METHOD", "PATH_INFO", "SCRIPT_NAME", "QUERY_STRING"} {
			if !seen[must] {
				t.Fatalf("%s is missing", must)
			}
		}
	})
}

func wsgiName(s string) bool {
	return s == "wsgi.url_scheme" || s == "standpipe.request_id"
}

func BenchmarkAppendVars(b *testing.B) {
	browser := "GET /a/b?c=d HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: Mozilla/5.0\r\nAccept: text/html\r\nAccept-Language: en\r\nAccept-Encoding: gzip\r\n" +
		"Cookie: a=b\r\nReferer: http://x/\r\nUpgrade-Insecure-Requests: 1\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: none\r\n" +
		"X-Request-Id: 1\r\nX-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n"
	for _, c := range []struct{ name, head string }{
		{"plain", "GET / HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nX-Request-Id: 1\r\n\r\n"},
		{"browser", browser + "\r\n"},
		{"unknown", browser + "X-Trace-Parent: 1\r\nX-Amzn-Trace-Id: 2\r\nCf-Ray: 3\r\n\r\n"},
		{"post", "POST /a HTTP/1.1\r\nHost: shop.example\r\nContent-Type: application/json\r\nContent-Length: 12345\r\n\r\n"},
	} {
		b.Run(c.name, func(b *testing.B) {
			r := read(b, c.head)
			in := &Info{ID: "id", RemoteAddr: "127.0.0.1", RemotePort: "1", ServerName: "127.0.0.1", ServerPort: "8000"}
			var dst []wire.Var
			b.ReportAllocs()
			for b.Loop() {
				dst = AppendVars(dst[:0], r, in)
			}
		})
	}
}
