package integration

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"testing"
	"time"
)

// answersApp answers as the path says: a status, fields, tags.
const answersApp = `
from urllib.parse import parse_qsl, unquote


def application(environ, start_response):
    path, q = environ["PATH_INFO"], dict(parse_qsl(environ["QUERY_STRING"], keep_blank_values=True))
    text = [("Content-Type", "text/plain")]
    if path == "/status":
        if "length" in q:
            text.append(("Content-Length", q["length"]))
        start_response(q["line"], text)
        return [b"0123456789"]
    if path == "/fields":
        n = int(q["n"])
        start_response("200 OK", text + [("X-%s-%06d" % ("a" * 36, i if i % 8 else 0), str(i)) for i in range(n)])
        return [b"x"]
    if path == "/names":
        start_response("200 OK", text + [("ETag", '"e"'), ("Sec-WebSocket-Foo", "1"), ("DNT", "1"), ("x-lower", "1"), ("WWW-Authenticate", "Basic")])
        return [b"x"]
    if path == "/tag":
        # As many apps do: the text is compared, and it is no list.
        tag = q["tag"]
        seen = environ.get("HTTP_IF_NONE_MATCH")
        if seen == tag:
            start_response("304 Not Modified", [("ETag", tag)])
            return []
        start_response("200 OK", [("Content-Type", "text/plain"), ("ETag", tag), ("X-Seen", seen or "-")])
        return [b"text " * 1000]
    if path == "/cut":
        start_response("200 OK", text + ([("Content-Length", "100")] if "sized" in q else []))
        def part():
            yield b"begun"
            raise ValueError("cut")
        return part()
    names = sorted(k for k in environ if k.startswith("HTTP_") or k in ("PATH_INFO", "REQUEST_URI", "CONTENT_TYPE"))
    start_response("200 OK", text)
    return [("".join("%s=%s\n" % (k, environ[k]) for k in names)).encode("latin-1")]
`

func answers(t testing.TB, args ...string) *server {
	t.Helper()
	return start(t, opts{App: "app:application", Dir: project(t, map[string]string{"app.py": answersApp}), Args: append([]string{"-w", "1"}, args...)})
}

// headOf sends one request and returns the lines of the answer's head.
func (s *server) headOf(request string) []string {
	s.t.Helper()
	c, err := s.dial()
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(bootPatience))
	go func() { _, _ = io.WriteString(c, request) }()
	head, err := headFrom(c)
	if err != nil {
		s.t.Fatalf("%.80q: %v; so far %.300q", request, err, head)
	}
	return head
}

func headFrom(c net.Conn) ([]string, error) {
	r := textproto.NewReader(bufio.NewReaderSize(c, 1<<20))
	var head []string
	for {
		line, err := r.ReadLine()
		if err != nil || line == "" {
			return head, err
		}
		head = append(head, line)
	}
}

func get11(target string, fields ...string) string {
	return "GET " + target + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + strings.Join(append(fields, ""), "\r\n") + "\r\n"
}

// TestFault_D8_ReasonPhrase: what the app says beside the status reaches the client as it is.
func TestFault_D8_ReasonPhrase(t *testing.T) {
	onlyOver(t, "HTTP/2 has no reason phrase", http1, https)
	t.Parallel()
	s := answers(t, "--compress")
	for line, want := range map[string]string{
		"498 Invalid Token":                   "HTTP/1.1 498 Invalid Token",
		"404 Not Here, Sorry":                 "HTTP/1.1 404 Not Here, Sorry",
		"200 OK":                              "HTTP/1.1 200 OK",
		"204 Nothing":                         "HTTP/1.1 204 Nothing",
		"599 ":                                "HTTP/1.1 599 ",
		"404 " + strings.Repeat("long", 1000): "HTTP/1.1 404 Not Found", // no phrase
		"499 " + strings.Repeat("long", 1000): "HTTP/1.1 499 ",
	} {
		if head := s.headOf(get11("/status?line="+strings.ReplaceAll(line, " ", "%20"), "Accept-Encoding: gzip")); head[0] != want {
			t.Errorf("%q: %q, want %q", line, head[0], want)
		}
	}
	// The next answer on the connection has its own.
	w := dialWire(t, s)
	w.send("GET /status?line=498%20Odd&length=10 HTTP/1.1\r\nHost: a\r\n\r\nGET /status?line=200%20OK&length=10 HTTP/1.1\r\nHost: a\r\n\r\n")
	if a, b := w.recv("GET"), w.recv("GET"); a.Reason != "Odd" || b.Reason != "OK" || a.Body != b.Body {
		t.Errorf("%+v, then %+v", a, b)
	}
}

// TestFault_D8_Spelling: names as the app, an upstream or a client most likely wrote them.
func TestFault_D8_Spelling(t *testing.T) {
	onlyOver(t, "names are in lower case in HTTP/2", http1, https)
	t.Parallel()
	s := answers(t)
	head := strings.Join(s.headOf(get11("/names")), "\n") + "\n"
	for _, name := range []string{"ETag: ", "Sec-WebSocket-Foo: ", "DNT: ", "x-lower: ", "WWW-Authenticate: "} {
		if !strings.Contains(head, "\n"+name) {
			t.Errorf("%q is missing in\n%s", name, head)
		}
	}

	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	asked := make(chan []string, 1)
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_ = c.SetDeadline(time.Now().Add(bootPatience))
			head, _ := headFrom(c)
			asked <- head
			_, _ = io.WriteString(c, "HTTP/1.1 299 Peculiar\r\nContent-Length: 0\r\nETag: \"e\"\r\nSec-WebSocket-Accept: x\r\nWWW-Authenticate: Basic\r\n\r\n")
			c.Close()
		}
	}()
	dir := project(t, map[string]string{"app.py": hello("x"), "standpipe.toml": fmt.Sprintf(
		"[[app]]\nname = \"a\"\nmodule = \"app:app\"\nworkers = 1\n[[route]]\npath = \"/up/\"\nhandler = \"proxy\"\nupstreams = [\"http://%s\"]\n[log]\nlog_format = \"json\"\n", ln.Addr())})
	r := start(t, opts{Dir: dir, Args: []string{"-c", "standpipe.toml"}})
	got := r.headOf(get11("/up/x", "Sec-WebSocket-Key: k", "SOAPAction: \"a\"", "DNT: 1", "X-CSRFToken: c"))
	if got[0] != "HTTP/1.1 299 Peculiar" {
		t.Errorf("status line %q", got[0])
	}
	for _, c := range []struct {
		head  []string
		names []string
	}{{got, []string{"ETag: ", "Sec-WebSocket-Accept: ", "WWW-Authenticate: "}}, {<-asked, []string{"Sec-WebSocket-Key: ", "SOAPAction: ", "DNT: ", "X-CSRFToken: "}}} {
		for _, name := range c.names {
			if !strings.Contains(strings.Join(c.head, "\n"), "\n"+name) {
				t.Errorf("%q is missing in %q", name, c.head)
			}
		}
	}
}

// TestFault_D16_ManyFields: the time for an answer's fields grows with their number. The bound is a guard: with the
// square of it the answers would take several minutes.
func TestFault_D16_ManyFields(t *testing.T) {
	t.Parallel()
	s := answers(t, "--timeout", "5m")
	done := make(chan int, 1)
	go func() {
		n := 0
		for range 20 {
			c, err := s.dial()
			if err != nil {
				break
			}
			_ = c.SetDeadline(time.Now().Add(2 * time.Minute))
			_, _ = io.WriteString(c, get11("/fields?n=16000"))
			head, err := headFrom(c)
			c.Close()
			if err != nil {
				break
			}
			n += len(head)
		}
		done <- n
	}()
	select {
	case n := <-done:
		if n < 20*16000 {
			t.Errorf("%d lines", n)
		}
	case <-time.After(90 * time.Second):
		t.Error("20 answers of 16,000 fields are not there after 90 s")
	}
	// More than may be is the app's error, and the worker lives.
	if r := s.get("/fields?n=140000"); r.Status != 500 {
		t.Errorf("140,000 fields: %d", r.Status)
	}
	s.want(200, "/fields?n=3")
	if got := s.events("worker_exit"); len(got) > 0 {
		t.Errorf("%v", got)
	}
}

// TestFault_D16_RequestFields: a request has at most max_fields fields, 200 by default.
func TestFault_D16_RequestFields(t *testing.T) {
	t.Parallel()
	s := answers(t)
	most := map[int]string{190: "200", 210: "431"}
	if s.over == h2 {
		most = map[int]string{90: "200", 110: "431"}
	}
	for n, want := range most {
		for _, name := range []string{"X-%d: 1", "X-Same: %d"} {
			var fields []string
			for i := range n {
				fields = append(fields, fmt.Sprintf(name, i))
			}
			if head := s.headOf(get11("/", fields...)); !strings.HasPrefix(head[0], "HTTP/1.1 "+want) {
				t.Errorf("%d of %q: %q", n, name, head[0])
			}
		}
	}
}

// TestFault_D10_IfNoneMatch: with compression an app that compares tags as text answers 304, whatever kind its own are.
func TestFault_D10_IfNoneMatch(t *testing.T) {
	t.Parallel()
	s := answers(t, "--compress")
	fresh := func(own string) *response { // what a browser does: the tag that came goes back
		path := "/tag?tag=" + strings.ReplaceAll(own, `"`, "%22")
		first := s.want(200, path, "Accept-Encoding: gzip")
		tag := first.Header.Get("ETag")
		if first.Header.Get("Content-Encoding") != "gzip" || !strings.HasPrefix(tag, "W/") {
			t.Fatalf("%s: %v", own, first.Header)
		}
		r := s.get(path, "Accept-Encoding: gzip", "If-None-Match: "+tag)
		if r.Status == 304 && r.Header.Get("ETag") != tag {
			t.Errorf("%s: the 304 has %q, sent was %q", own, r.Header.Get("ETag"), tag)
		}
		return r
	}
	if r := fresh(`"one"`); r.Status != 304 {
		t.Errorf("a strong tag: %d; the app saw %s", r.Status, r.Header.Get("X-Seen"))
	}
	weak := answers(t, "--compress")
	s = weak
	if r := fresh(`W/"two"`); r.Status != 304 {
		t.Errorf("a weak tag of the app's own: %d; the app saw %s", r.Status, r.Header.Get("X-Seen"))
	}
	// One that sends both kinds gets a list with both.
	s.want(200, "/tag?tag=%22three%22", "Accept-Encoding: gzip")
	if r := s.want(200, "/tag?tag=%22four%22", "Accept-Encoding: gzip", `If-None-Match: W/"x", "y"`); r.Header.Get("X-Seen") != `"x", "y", W/"x", "y"` {
		t.Errorf("a list: %s", r.Header.Get("X-Seen"))
	}
}

// TestFault_D17_Hosts: RFC 9112 3.2.
func TestFault_D17_Hosts(t *testing.T) {
	t.Parallel()
	s := answers(t)
	for host, want := range map[string]string{
		"": "400", "a,b": "400", "a:abc": "400", "a%2fb": "400", "a b": "400", "[::1": "400", `a"b`: "400", "a:1:2": "400",
		"a": "200", "a:80": "200", "a:": "200", "a_b.example": "200", "[::1]:8000": "200", "127.0.0.1": "200",
	} {
		if s.over == h2 && host == "" {
			continue // an authority may be missing
		}
		if head := s.headOf("GET / HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(head[0], "HTTP/1.1 "+want) {
			t.Errorf("Host %q: %q, want %s", host, head[0], want)
		}
	}
	if s.over == h2 {
		return
	}
	if head := s.headOf("GET / HTTP/1.0\r\n\r\n"); !strings.Contains(head[0], " 200 ") {
		t.Errorf("HTTP/1.0 without a Host: %q", head[0])
	}
}

// TestFault_D17_Requests: a fragment is no part of a target, and repeated fields are one list.
func TestFault_D17_Requests(t *testing.T) {
	t.Parallel()
	s := answers(t)
	for _, target := range []string{"/a#b", "/#", "/?q#f", "http://a/#f"} {
		if head := s.headOf(get11(target)); !strings.HasPrefix(head[0], "HTTP/1.1 400") {
			t.Errorf("%s: %q", target, head[0])
		}
	}
	if body := s.raw(get11("/a%23b", "X-A: 1", "X-A: 2", "Cookie: a=1", "Cookie: b=2")); !strings.Contains(body, "HTTP_X_A=1, 2\n") || !strings.Contains(body, "HTTP_COOKIE=a=1; b=2\n") || !strings.Contains(body, "PATH_INFO=/a#b\n") {
		t.Errorf("%q", body)
	}
}

// TestFault_D17_NoContent: RFC 9110 15.3.6: a 205 has no content, and the next answer begins where it ends.
func TestFault_D17_NoContent(t *testing.T) {
	t.Parallel()
	s := answers(t)
	for _, length := range []string{"", "&length=10"} {
		w := dialWire(t, s)
		w.send("GET /status?line=205%20Reset%20Content" + length + " HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
		if a := w.recv("GET"); a.Status != 205 || a.Body != "" || a.field("Content-Length") != "0" {
			t.Errorf("%+v", a)
		}
		if a := w.recv("GET"); a.Status != 200 {
			t.Errorf("the next one: %+v", a)
		}
	}
}

// TestFault_D17_CutAnswerOfHTTP10: a client of HTTP/1.0 that knows the length need not have a reset; one that does not
// know it has no other sign.
func TestFault_D17_CutAnswerOfHTTP10(t *testing.T) {
	onlyOver(t, "HTTP/1.0", http1, https)
	t.Parallel()
	s := answers(t)
	for query, reset := range map[string]bool{"?sized": false, "": true} {
		c, err := s.dial()
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(bootPatience))
		_, _ = io.WriteString(c, "GET /cut"+query+" HTTP/1.0\r\n\r\n")
		body, err := io.ReadAll(c)
		c.Close()
		if (err != nil) != reset || !reset && !strings.HasSuffix(string(body), "begun") {
			t.Errorf("%q: %v, %.300q", query, err, body)
		}
	}
}

// TestFault_D3_EmptyLineFirst: RFC 9112 2.2: one empty line in front of the request line is ignored.
func TestFault_D3_EmptyLineFirst(t *testing.T) {
	onlyOver(t, "HTTP/2 has no lines", http1, https)
	t.Parallel()
	s := answers(t)
	for _, pieces := range [][]string{{"\r\n" + get11("/")}, {"\r", "\n", get11("/")}, {"\r\n", get11("/")}} {
		c, err := s.dial()
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(bootPatience))
		for _, p := range pieces {
			_, _ = io.WriteString(c, p)
			pause()
		}
		head, err := headFrom(c)
		c.Close()
		if err != nil || !strings.HasPrefix(head[0], "HTTP/1.1 200") {
			t.Errorf("%q: %q, %v", pieces, head, err)
		}
	}
	if head := s.headOf("\r\n\r\n" + get11("/")); !strings.HasPrefix(head[0], "HTTP/1.1 400") {
		t.Errorf("two empty lines: %q", head)
	}
}

// A field's name of any length that max_head allows reaches the app, and no worker is lost.
func TestFault_D16_LongNames(t *testing.T) {
	t.Parallel()
	app := `def app(environ, start_response):
    body = str(max(len(name) for name in environ if name.startswith("HTTP_Z"))).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
`
	dir := project(t, map[string]string{"app.py": app})
	for _, args := range [][]string{{"app:app", "-w", "1"}, {"app:app", "-w", "1", "--threads", "4"}} {
		s := start(t, opts{Dir: dir, Args: append(args, "--max-head", "200KiB")})
		for _, n := range []int{31, 32, 200, 250, 251, 256, 257, 20000, 65530, 65531, 70000} {
			if s.over == h2 && n > 30<<10 {
				continue // a head has at most 32 KiB
			}
			answer := s.raw("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n" + strings.Repeat("Z", n) + ": 1\r\n\r\n")
			if statusIn(answer) != 200 || !strings.HasSuffix(answer, "\r\n\r\n"+strconv.Itoa(n+len("HTTP_"))) {
				t.Errorf("%d bytes: %.200q", n, answer)
			}
		}
		if list := s.events("worker_exit"); len(list) > 0 {
			t.Errorf("%v", list)
		}
	}
}
