package integration

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// refusal is one request with a body that is answered without it.
type refusal struct {
	Method, Target, Host string
	Fields               map[string]string
	Chunked              bool
	Size                 int
	Want                 int
}

// sendAll is Python's http.client, which sends a whole body before it reads: it prints what it saw in place of Want.
const sendAll = `
import http.client, json, sys
address, cases = sys.argv[1], json.load(sys.stdin)
body = b"x" * (1 << 20)
for case in cases:
    seen = {}
    for _ in range(15):
        c = http.client.HTTPConnection(address, timeout=120)
        try:
            c.putrequest(case["Method"], case["Target"], skip_host=True)
            c.putheader("Host", case["Host"] or address)
            for name, value in (case["Fields"] or {}).items():
                c.putheader(name, value)
            if case["Chunked"]:
                c.putheader("Transfer-Encoding", "chunked")
            else:
                c.putheader("Content-Length", str(case["Size"]))
            c.endheaders()
            left = case["Size"]
            while left > 0:
                piece = body[:left]
                left -= len(piece)
                c.send(b"%x\r\n%s\r\n" % (len(piece), piece) if case["Chunked"] else piece)
            if case["Chunked"]:
                c.send(b"0\r\n\r\n")
            r = c.getresponse()
            r.read()
            got = r.status
        except Exception as e:
            got = repr(e)
        c.close()
        seen[str(got)] = seen.get(str(got), 0) + 1
    if seen != {str(case["Want"]): 15}:
        print(case["Method"], case["Target"][:40], case["Fields"], "chunked" if case["Chunked"] else "", "want", case["Want"], "got", seen)
`

// Whatever refuses a request, a client that sends its whole body before it reads gets the answer: 15 times of 15.
func TestFault_D1_RefusalsReachTheClient(t *testing.T) {
	t.Parallel()
	early := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // answers, and then reads
		_ = http.NewResponseController(w).EnableFullDuplex()
		w.Header()["Content-Length"] = []string{"0"}
		w.WriteHeader(http.StatusForbidden)
		_ = http.NewResponseController(w).Flush()
		_, _ = io.Copy(io.Discard, r.Body)
	}))
	t.Cleanup(early.Close)
	dir := project(t, map[string]string{"app.py": hello("hi"), "assets/a.css": "a{}", "standpipe.toml": fmt.Sprintf(`
[limits]
max_body = "6MiB"
[[app]]
name = "shop"
module = "app:app"
hosts = ["shop.test"]
workers = 1
request_buffering = "on"
[[app]]
name = "stream"
module = "app:app"
hosts = ["stream.test"]
workers = 1
request_buffering = "off"
[[static]]
url = "/assets/"
dir = "assets"
missing = "404"
[[route]]
handler = "proxy"
path = "/whole/"
upstreams = [%[1]q]
[[route]]
handler = "proxy"
path = "/early/"
upstreams = [%[1]q]
request_buffering = "off"
`, early.URL)})
	s := start(t, opts{Dir: dir, Apps: 2})
	const five, seven = 5 << 20, 7 << 20
	var cases []refusal
	for _, chunked := range []bool{false, true} {
		cases = append(cases,
			refusal{Method: "POST", Target: "/none", Host: "other.test", Chunked: chunked, Size: five, Want: 404},        // router
			refusal{Method: "POST", Target: "/assets/a.css", Host: "shop.test", Chunked: chunked, Size: five, Want: 405}, // static
			refusal{Method: "GET", Target: "/assets/none", Host: "shop.test", Chunked: chunked, Size: five, Want: 404},   // static
			refusal{Method: "GET", Target: "/assets/a.css", Host: "shop.test", Chunked: chunked, Size: five, Want: 200},  // static
			refusal{Method: "POST", Target: "nonsense", Host: "shop.test", Chunked: chunked, Size: five, Want: 400},      // chain
			refusal{Method: "POST", Target: "/" + strings.Repeat("x", 40_000), Host: "shop.test", Chunked: chunked, Size: five, Want: 414},
			refusal{Method: "CONNECT", Target: "shop.test:1", Host: "shop.test:1", Chunked: chunked, Size: five, Want: 405}, // chain
			refusal{Method: "POST", Target: "/", Host: "shop.test", Chunked: chunked, Size: seven, Want: 413},               // chain, app
			refusal{Method: "POST", Target: "/", Host: "stream.test", Chunked: chunked, Size: seven, Want: 413},             // chain
			refusal{Method: "POST", Target: "/whole/", Host: "shop.test", Chunked: chunked, Size: seven, Want: 413},         // chain, proxy
			refusal{Method: "POST", Target: "/early/", Host: "shop.test", Chunked: chunked, Size: five, Want: 403},          // an upstream
			refusal{Method: "GET", Target: "/livez", Host: "shop.test", Chunked: chunked, Size: five, Want: 200},            // health
			refusal{Method: "GET", Target: "/readyz", Host: "shop.test", Chunked: chunked, Size: five, Want: 200},           // health
			refusal{Method: "POST", Target: "/", Host: "a b", Chunked: chunked, Size: five, Want: 400},                      // net/http
			refusal{Method: "POST", Target: "/", Host: "shop.test", Fields: map[string]string{"Cookie": strings.Repeat("x", 100_000)}, Chunked: chunked, Size: five, Want: 431},
		)
	}
	// The app that reads as it goes may answer before it has read too much.
	for i := range cases {
		if cases[i].Host == "stream.test" && cases[i].Chunked {
			cases = append(cases[:i], cases[i+1:]...)
			break
		}
	}
	list, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	client := exec.Command(systemPython(t), "-B", "-c", sendAll, s.Addr)
	client.Stdin = bytes.NewReader(list)
	out, err := client.CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
	s.want(404, "/assets/none")
}

// The same over uwsgi: a gateway that sends a whole body before it reads.
func TestFault_D1_RefusalsReachTheGateway(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": hello("hi"), "assets/a.css": "a{}"})
	s := speaksUwsgi(t, opts{Dir: dir, App: "app:app", Args: []string{"-w", "1", "--max-body", "6MiB", "--static", "/assets=" + filepath.Join(dir, "assets")}})
	tcp, unix := s.uwsgiAddresses()
	for network, address := range map[string]string{"tcp": tcp, "unix": unix} {
		for _, c := range []struct {
			method, path string
			size, want   int
		}{
			{"POST", "nonsense", 5 << 20, 400}, {"POST", "/", 7 << 20, 413}, {"GET", "/livez", 5 << 20, 200}, {"GET", "/assets/a.css", 5 << 20, 200},
			{"POST", "/" + strings.Repeat("x", 40_000), 5 << 20, 400}, // the packet is broken
		} {
			for range 15 {
				nc, err := net.Dial(network, address)
				if err != nil {
					t.Fatal(err)
				}
				_ = nc.SetDeadline(time.Now().Add(2 * time.Minute))
				_, err = io.WriteString(nc, uwsgiPacket("REQUEST_METHOD="+c.method, "REQUEST_URI="+c.path, "PATH_INFO="+c.path, "QUERY_STRING=", "SERVER_PROTOCOL=HTTP/1.1",
					"HTTP_HOST=h", fmt.Sprintf("CONTENT_LENGTH=%d", c.size))+strings.Repeat("x", c.size))
				all, rerr := io.ReadAll(nc)
				if err != nil || rerr != nil || !strings.HasPrefix(string(all), fmt.Sprintf("HTTP/1.1 %d ", c.want)) {
					t.Errorf("%s %s %.20s: sent %v, read %v: %.100q", network, c.method, c.path, err, rerr, all)
				}
				nc.Close()
			}
		}
	}
}

// A body of which the rest trickles holds no refusal back for long, and its connection ends.
func TestFault_D1_TricklingBody(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": hello("hi"), "assets/a.css": "a{}"})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := start(t, opts{Dir: dir, App: "app:app", Args: []string{"-w", "1", "--static", "/assets=" + filepath.Join(dir, "assets")}})
	c, err := s.dial()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(2 * time.Minute))
	fmt.Fprintf(c, "GET /assets/a.css HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nx")
	all, err := io.ReadAll(c) // nothing more is sent
	if err != nil || !strings.HasPrefix(string(all), "HTTP/1.1 200 ") {
		t.Errorf("%.200q, %v", all, err)
	}
}

// Clients that go on sending to a refusal hold their connections for a moment only while those are all taken.
func TestFault_D1_LingeringGivesWay(t *testing.T) {
	t.Parallel()
	const most = 4
	s := start(t, opts{App: "app:app", Dir: project(t, map[string]string{"app.py": hello("ok")}), Args: []string{"-w", "1", "--max-connections", fmt.Sprint(most), "--max-body", "1KiB"}})
	begun := time.Now()
	for range most {
		c, err := s.dial()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", 200<<20)
		if resp, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || resp.StatusCode != 413 {
			t.Errorf("%v %v", resp, err)
		}
		go func() { // ends with the connection
			for piece := make([]byte, 1000); ; time.Sleep(20 * time.Millisecond) {
				if _, err := c.Write(piece); err != nil {
					return
				}
			}
		}()
	}
	s.want(200, "/livez", "Connection: close")
	if waited := time.Since(begun); waited > 20*time.Second { // a guard: without a hurry it is 30
		t.Errorf("a connection was free after %v", waited)
	}
}

// An upstream that answers before it has read the body, and closes, has answered: its status reaches the client.
func TestFault_D1_EarlyAnswerOfAnUpstream(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() { // ends with ln
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			c.Read(make([]byte, 100))
			io.WriteString(c, "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
			c.Close() // with bytes unread: a reset
		}
	}()
	s := start(t, opts{Dir: project(t, map[string]string{"app.py": hello("ok"), "standpipe.toml": fmt.Sprintf(`
[[app]]
name = "a"
module = "app:app"
workers = 1
[[route]]
handler = "proxy"
path = "/whole"
upstreams = ["http://%[1]s"]
[[route]]
handler = "proxy"
path = "/stream"
upstreams = ["http://%[1]s"]
request_buffering = "off"
`, ln.Addr())})})
	for _, path := range []string{"/whole", "/stream"} {
		for i := range 10 {
			r, err := s.try(s.request("POST", path, &pattern{left: 20 << 20}))
			if err != nil || r.Status != 403 || string(r.Body) != "no" {
				t.Errorf("%s, try %d: %v %v", path, i, r, err)
			}
		}
	}
}
