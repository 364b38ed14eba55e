package integration

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// recorder is an HTTP upstream that keeps each request's head as it came, and answers what it is told to.
type recorder struct {
	URL string

	mu    sync.Mutex
	heads []string
}

// recording starts a recorder. Each answer is written as it is; then the connection is closed. The body, if its length is
// known, is read before that.
func recording(t testing.TB, answer func(head string, c net.Conn, br *bufio.Reader)) *recorder {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{URL: "http://" + ln.Addr().String()}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			conns.Go(func() {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(bootPatience))
				br := bufio.NewReader(c)
				head, ok := headOf(br)
				if !ok {
					return
				}
				r.mu.Lock()
				r.heads = append(r.heads, head)
				r.mu.Unlock()
				answer(head, c, br)
			})
		}
	})
	t.Cleanup(func() { ln.Close(); conns.Wait() })
	return r
}

// headOf reads up to the empty line.
func headOf(br *bufio.Reader) (head string, ok bool) {
	for {
		line, err := br.ReadString('\n')
		if err != nil {
			return head, false
		}
		head += line
		if line == "\r\n" {
			return head, true
		}
	}
}

// taken empties the recorder.
func (r *recorder) taken() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := r.heads
	r.heads = nil
	return list
}

func answerUp(_ string, c net.Conn, _ *bufio.Reader) {
	io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nup")
}

// statusIn is the number in an answer's first line.
func statusIn(answer string) int {
	fields := strings.Fields(answer)
	if len(fields) < 2 {
		return 0
	}
	n, _ := strconv.Atoi(fields[1])
	return n
}

// A route passes on the change to WebSocket; all other protocols would carry requests past its path, the forwarded fields
// and the logs.
func TestFault_C1_OnlyWebSocketIsTunnelled(t *testing.T) {
	t.Parallel()
	up := recording(t, func(head string, c net.Conn, _ *bufio.Reader) {
		protocol := "h2c"
		if i := strings.Index(head, "\r\nUpgrade: "); i >= 0 {
			protocol, _, _ = strings.Cut(head[i+len("\r\nUpgrade: "):], "\r\n")
		}
		if strings.Contains(head, "/forced ") || strings.Contains(head, "\r\nUpgrade:") {
			fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\nSec-WebSocket-Accept: x\r\n\r\ntunnel\n", protocol)
			return
		}
		answerUp(head, c, nil)
	})
	s := routed(t, fmt.Sprintf("[[route]]\npath = \"/up\"\nhandler = \"proxy\"\nupstreams = [%q]\n", up.URL))
	for _, c := range []struct {
		name, method, version, fields string
		want                          int
	}{
		{"h2c", "GET", "1.1", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n", 200},
		{"h2c in other letters", "GET", "1.1", "Connection: upgrade\r\nUpgrade: H2C\r\n", 200},
		{"h2c without a body's end", "POST", "1.1", "Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 0\r\n", 200},
		{"TLS", "OPTIONS", "1.1", "Connection: Upgrade\r\nUpgrade: TLS/1.0, HTTP/1.1\r\n", 200},
		{"an unknown one", "GET", "1.1", "Connection: Upgrade\r\nUpgrade: websocket2\r\n", 200},
		{"a POST", "POST", "1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n", 200},
		{"HTTP/1.0", "GET", "1.0", "Connection: Upgrade\r\nUpgrade: websocket\r\n", 200},
		{"settings alone", "GET", "1.1", "Connection: keep-alive\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n", 200},
		{"websocket", "GET", "1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\n", 101},
		{"websocket in other letters", "GET", "1.1", "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n", 101},
		{"websocket among others", "GET", "1.1", "Connection: Upgrade\r\nUpgrade: h2c, websocket\r\n", 101},
	} {
		answer := s.raw(c.method + " /up/x HTTP/" + c.version + "\r\nHost: h\r\n" + strings.Replace(c.fields, "Connection: ", "Connection: close, ", 1) + "\r\n")
		if got := statusIn(answer); got != c.want {
			t.Errorf("%s: status %d, want %d\n%s", c.name, got, c.want, answer)
		}
		for _, head := range up.taken() {
			low := strings.ToLower(head)
			if strings.Contains(low, "http2-settings") || c.want == 200 && strings.Contains(low, "upgrade") || c.want == 101 && !strings.Contains(head, "\r\nUpgrade: websocket\r\n") {
				t.Errorf("%s: the upstream got\n%s", c.name, head)
			}
		}
	}
	if e := s.waitEvent("protocol_refused"); e.str("protocol") != "h2c" || e.str("route") != "/up" || e.str("client") != "127.0.0.1" {
		t.Errorf("%v", e)
	}
	// An upstream that changes the protocol unasked is no answer.
	if got := statusIn(s.raw("GET /up/forced HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")); got != 502 {
		t.Errorf("unasked: status %d, want 502", got)
	}
}

// A path means the same to whom it is matched for and to whom it is sent.
func TestFault_C2_DotSegmentsLeaveNoRoute(t *testing.T) {
	t.Parallel()
	up, cut := recording(t, answerUp), recording(t, answerUp)
	toml := fmt.Sprintf("[[route]]\npath = \"/up\"\nhandler = \"proxy\"\nupstreams = [%q]\n[[route]]\npath = \"/s\"\nhandler = \"proxy\"\nstrip_prefix = true\nupstreams = [%q]\n", up.URL, cut.URL)
	app := `def app(environ, start_response):
    body = (environ["SCRIPT_NAME"] + "|" + environ["PATH_INFO"] + "|" + environ.get("HTTP_PROXY", "none")).encode("latin-1")
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
`
	dir := project(t, map[string]string{"app.py": app, "files/a.txt": "a file", "secret.txt": "secret", "standpipe.toml": toml +
		"[[app]]\nname = \"own\"\nmodule = \"app:app\"\nworkers = 1\n[[app.static]]\nurl = \"/files\"\ndir = \"files\"\n[[app]]\nname = \"mounted\"\nmodule = \"app:app\"\nworkers = 1\nmount = \"/m\"\n"})
	s := start(t, opts{Dir: dir, Args: []string{"-c", "standpipe.toml"}, Apps: 2})
	for _, c := range []struct{ target, want, sent string }{ // want: the answer's body, or its status; sent: the target that an upstream got
		{"/up/../env", "|/env|none", ""},
		{"/up/%2e%2e/env", "|/env|none", ""},
		{"/up/.%2E/env?q=/../x", "|/env|none", ""},
		{"/up/a/../../env", "|/env|none", ""},
		{"/up/..", "|/|none", ""},
		{"/m/../env", "|/env|none", ""},
		{"/x/../m/env", "/m|/env|none", ""},
		{"/%2e/m/env", "/m|/env|none", ""},
		{"/../env", "|/env|none", ""},
		{"http://h/up/../env", "|/env|none", ""},
		{"/up/..%2fenv", "400", ""},
		{"/up%2f..%2fenv", "400", ""},
		{"/up/..%5cenv", "400", ""},
		{`/up/..\env`, "400", ""},
		{"/up/..;/env", "400", ""},
		{"/files/..%2fsecret.txt", "400", ""},
		{"/files/../secret.txt", "|/secret.txt|none", ""},
		{"/x/../files/./a.txt", "a file", ""},
		{"/x/../up/a?q=../b", "up", "/up/a?q=../b"},
		{"/up/./a//b", "up", "/up/a//b"},
		{"/up/a/.", "up", "/up/a/"},
		{"/up/a%2Fb%7c", "up", "/up/a%2Fb%7c"},
		{`/up/a|"{}^` + "`x", "up", `/up/a|"{}^` + "`x"},
		{`/up/a\b`, "up", `/up/a\b`},
		{"/up/%23%3f%25", "up", "/up/%23%3f%25"},
		{"/up/%C3%a9", "up", "/up/%C3%a9"},
		{"/up/%2e%2e%2e/x", "up", "/up/.../x"},
		{"/up/%41%7e", "up", "/up/A~"},
		{"//up//a", "up", "/up/a"},
		{"/up/../s/x/../a", "up", "/a"},
		{"/s%2Fa", "up", "/a"},
		{"/s%2fa|b/%2e%2e/c", "|/c|none", ""}, // "s%2fa|b" is one segment
		{"/s", "up", "/"},
		{"/s/%2Fa", "up", "/%2Fa"},
		{"/%73/a|b", "up", "/a|b"},
	} {
		answer := s.raw("GET " + c.target + " HTTP/1.1\r\nHost: h\r\nProxy: http://evil.example\r\nConnection: close\r\n\r\n")
		_, body, _ := strings.Cut(answer, "\r\n\r\n")
		if n, err := strconv.Atoi(c.want); err == nil && statusIn(answer) != n || err != nil && (statusIn(answer) != 200 || body != c.want) {
			t.Errorf("%s: %d %.200q, want %s", c.target, statusIn(answer), body, c.want)
		}
		heads := append(up.taken(), cut.taken()...)
		if c.sent == "" && len(heads) > 0 || c.sent != "" && (len(heads) != 1 || !strings.HasPrefix(heads[0], "GET "+c.sent+" HTTP/1.1\r\n")) {
			t.Errorf("%s: an upstream got %q, want %q", c.target, heads, c.sent)
		}
		for _, head := range heads {
			if strings.Contains(strings.ToLower(head), "\nproxy:") {
				t.Errorf("%s: Proxy went on:\n%s", c.target, head)
			}
		}
	}
}

// What a route passes on keeps the usual spelling of its fields' names, in both directions.
func TestFault_D8_RouteKeepsTheSpelling(t *testing.T) {
	t.Parallel()
	up := recording(t, func(head string, c net.Conn, _ *bufio.Reader) {
		if strings.Contains(head, "\r\nUpgrade: websocket\r\n") {
			io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\nSec-WebSocket-Protocol: chat\r\n\r\n")
			return
		}
		io.WriteString(c, "HTTP/1.1 401 Unauthorized\r\nETag: \"1\"\r\nWWW-Authenticate: Basic\r\nX-Plain: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	})
	s := routed(t, fmt.Sprintf("[[route]]\nhandler = \"proxy\"\nupstreams = [%q]\n", up.URL))
	answer := s.raw("GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: chat\r\n\r\n")
	for _, want := range []string{"\r\nSec-WebSocket-Accept: x\r\n", "\r\nSec-WebSocket-Protocol: chat\r\n", "\r\nX-Request-Id: "} {
		if !strings.Contains(answer, want) {
			t.Errorf("no %q in\n%s", want, answer)
		}
	}
	answer = s.raw("POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nSOAPAction: a\r\nDNT: 1\r\nContent-Length: 0\r\n\r\n")
	for _, want := range []string{"\r\nETag: \"1\"\r\n", "\r\nWWW-Authenticate: Basic\r\n", "\r\nX-Plain: 1\r\n"} {
		if !strings.Contains(answer, want) {
			t.Errorf("no %q in\n%s", want, answer)
		}
	}
	heads := up.taken()
	if len(heads) != 2 {
		t.Fatalf("%q", heads)
	}
	for i, names := range [][]string{{"Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Protocol"}, {"SOAPAction", "DNT"}} {
		for _, name := range names {
			if !strings.Contains(heads[i], "\r\n"+name+": ") {
				t.Errorf("no %s in\n%s", name, heads[i])
			}
		}
	}
}

// Informational answers of an upstream: HTTP/1.0 knows none, and 100 is said once, when the upstream wants the body.
func TestFault_D3_InformationalAnswersThroughRoutes(t *testing.T) {
	t.Parallel()
	up := recording(t, func(head string, c net.Conn, br *bufio.Reader) {
		switch {
		case strings.HasPrefix(head, "POST /ask"):
			io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n")
			b := make([]byte, 3)
			if _, err := io.ReadFull(br, b); err != nil {
				return
			}
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n%s", b)
		case strings.HasPrefix(head, "POST /refuse"):
			io.WriteString(c, "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
		default:
			io.WriteString(c, "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"+
				"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nup")
		}
	})
	for _, buffering := range []string{"on", "off"} {
		s := routed(t, fmt.Sprintf("[[route]]\nhandler = \"proxy\"\nupstreams = [%q]\nrequest_buffering = %q\n", up.URL, buffering))
		if answer := s.raw("GET / HTTP/1.0\r\nHost: h\r\n\r\n"); statusIn(answer) != 200 || strings.Contains(answer, " 103 ") || strings.Contains(answer, "Link:") {
			t.Errorf("HTTP/1.0:\n%s", answer)
		}
		answer := s.raw("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
		hints, rest, _ := strings.Cut(answer, "\r\n\r\n")
		if statusIn(hints) != 103 || !strings.Contains(hints, "\r\nLink: ") || strings.Contains(hints, "Server:") || statusIn(rest) != 102 {
			t.Errorf("HTTP/1.1:\n%s", answer)
		}
		if _, final, _ := strings.Cut(rest, "\r\n\r\n"); statusIn(final) != 200 || !strings.Contains(final, "\r\nX-Request-Id: ") || !strings.Contains(final, "\r\nServer: standpipe\r\n") || strings.Contains(final, "Link:") {
			t.Errorf("HTTP/1.1:\n%s", answer)
		}
		if answer := s.raw("POST /ask HTTP/1.1\r\nHost: h\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc"); strings.Count(answer, " 100 Continue") != 1 || !strings.HasSuffix(answer, "\r\n\r\nabc") {
			t.Errorf("Expect:\n%s", answer)
		}
		if answer := s.raw("POST /ask HTTP/1.0\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc"); strings.Contains(answer, " 100 ") || !strings.HasSuffix(answer, "\r\n\r\nabc") {
			t.Errorf("Expect by HTTP/1.0:\n%s", answer)
		}
		if buffering == "off" { // the upstream refuses before it has asked for the body
			if answer := s.raw("POST /refuse HTTP/1.1\r\nHost: h\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"); statusIn(answer) != 403 {
				t.Errorf("refused:\n%s", answer)
			}
		}
	}
}

// The URL of an [[internal]] table ends at a segment: what only begins alike is not in it.
func TestFault_C2_InternalURLEndsAtASegment(t *testing.T) {
	t.Parallel()
	app := `def app(environ, start_response):
    start_response("200 OK", [("X-Accel-Redirect", environ["PATH_INFO"])])
    return []
`
	dir := project(t, map[string]string{"app.py": app, "files/a.txt": "a", "files/x/a.txt": "beside", "files/-x/a.txt": "beside",
		"standpipe.toml": "[[internal]]\nurl = \"/protected\"\ndir = \"files\"\n[[app]]\nmodule = \"app:app\"\nworkers = 1\n"})
	s := start(t, opts{Dir: dir, Args: []string{"-c", "standpipe.toml"}})
	for path, want := range map[string]int{"/protected/a.txt": 200, "/protected/x/a.txt": 200, "/y/../protected/a.txt": 200, "/protectedx/a.txt": 404, "/protected-x/a.txt": 404, "/protected": 404, "/protected/%252e%252e/app.py": 404} {
		if got := statusIn(s.raw("GET " + path + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
}

// The client that a trusted proxy names arrives at an upstream, by whatever field it was named.
func TestFault_C0_RouteHandsTheClientOn(t *testing.T) {
	t.Parallel()
	up := recording(t, answerUp)
	for _, c := range []struct{ fields, sent, want string }{
		{"for,proto,forwarded", "Forwarded: for=203.0.113.9;proto=https", "203.0.113.9, 127.0.0.1"},
		{"proto,X-Real-IP", "X-Real-IP: 203.0.113.9", "203.0.113.9, 127.0.0.1"},
		{"for,proto", "X-Forwarded-For: 203.0.113.9", "203.0.113.9, 127.0.0.1"},
		{"for,proto", "Forwarded: for=6.6.6.6", "127.0.0.1"},
	} {
		s := routed(t, fmt.Sprintf("[[route]]\nhandler = \"proxy\"\nupstreams = [%q]\n", up.URL), "--trusted-fields", c.fields)
		s.want(200, "/", c.sent)
		if heads := up.taken(); len(heads) != 1 || !strings.Contains(heads[0], "\r\nX-Forwarded-For: "+c.want+"\r\n") || strings.Contains(heads[0], "6.6.6.6") {
			t.Errorf("%s: %q", c.sent, heads)
		}
	}
}

// A route passes on no content of a 205 (RFC 9110 15.3.6), whichever way the upstream framed it, and no phrase that is a text.
func TestFault_D17_ResetContentThroughRoutes(t *testing.T) {
	t.Parallel()
	up := recording(t, func(head string, c net.Conn, _ *bufio.Reader) {
		switch {
		case strings.HasPrefix(head, "GET /length"):
			io.WriteString(c, "HTTP/1.1 205 Reset\r\nContent-Length: 5\r\n\r\nhello")
		case strings.HasPrefix(head, "GET /chunks"):
			io.WriteString(c, "HTTP/1.1 205 Reset\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n")
		case strings.HasPrefix(head, "GET /close"):
			io.WriteString(c, "HTTP/1.1 205 Reset\r\n\r\nhello")
		default:
			io.WriteString(c, "HTTP/1.1 404 "+strings.Repeat("long", 1000)+"\r\nContent-Length: 0\r\n\r\n")
		}
	})
	s := routed(t, fmt.Sprintf("[[route]]\nhandler = \"proxy\"\nupstreams = [%q]\n", up.URL))
	for _, path := range []string{"/length", "/chunks", "/close"} {
		for _, version := range []string{"1.0", "1.1"} {
			answer := s.raw("GET " + path + " HTTP/" + version + "\r\nHost: h\r\nConnection: close\r\n\r\n")
			if statusIn(answer) != 205 || !strings.Contains(answer, "\r\nContent-Length: 0\r\n") || strings.Contains(answer, "Transfer-Encoding") || !strings.HasSuffix(answer, "\r\n\r\n") {
				t.Errorf("%s, HTTP/%s: %q", path, version, answer)
			}
		}
	}
	if answer := s.raw("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(answer, "HTTP/1.1 404 Not Found\r\n") {
		t.Errorf("%.200q", answer)
	}
}
