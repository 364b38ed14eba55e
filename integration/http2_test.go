package integration

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// plainTwo is a client of HTTP/2 without TLS, with a connection of its own.
func plainTwo(t testing.TB) *http.Client {
	t.Helper()
	p := new(http.Protocols)
	p.SetUnencryptedHTTP2(true)
	tr := &http.Transport{Protocols: p}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: patience}
}

// postEnviron posts 300,000 bytes to /a%20b?c=d, with two parts of a cookie, and returns the environ that the app
// answers with. host: of the Host field; empty: the URL's.
func postEnviron(t testing.TB, client *http.Client, server, host string) (*http.Response, map[string]string) {
	t.Helper()
	req, err := http.NewRequest("POST", server+"/a%20b?c=d", strings.NewReader(strings.Repeat("x", 300_000)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header["Cookie"] = []string{"a=1; b=2"}
	req.Host = host
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var environ map[string]string
	if err := json.NewDecoder(resp.Body).Decode(&environ); err != nil {
		t.Fatal(err)
	}
	return resp, environ
}

// One address speaks HTTP/1.1 and, to clients that begin with it, HTTP/2: the environ is the same but for the version.
func TestHTTP2Cleartext(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": `import json
def app(environ, start_response):
    n = len(environ["wsgi.input"].read())
    body = json.dumps(dict({k: v for k, v in environ.items() if isinstance(v, str)}, n=str(n))).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
`, "standpipe.toml": `[[listen]]
address = "127.0.0.1:0"
h2c = "on"
[[app]]
name = "a"
module = "app:app"
workers = 1
`})
	s := start(t, opts{Dir: dir, Bare: true})
	for version, client := range map[string]*http.Client{"HTTP/2.0": plainTwo(t), "HTTP/1.1": {Timeout: patience}} {
		resp, environ := postEnviron(t, client, "http://"+s.Addr, "shop.example.org")
		for k, want := range map[string]string{"SERVER_PROTOCOL": version, "HTTP_COOKIE": "a=1; b=2", "HTTP_HOST": "shop.example.org", "PATH_INFO": "/a b", "QUERY_STRING": "c=d",
			"REMOTE_ADDR": "127.0.0.1", "wsgi.url_scheme": "http", "n": "300000", "CONTENT_LENGTH": "300000"} {
			if environ[k] != want {
				t.Errorf("%s: %s is %q, want %q", version, k, environ[k], want)
			}
		}
		if resp.Proto != version || resp.Header.Get("X-Request-Id") == "" {
			t.Errorf("%s, %v", resp.Proto, resp.Header)
		}
	}
	if out, err := exec.Command("curl", "-sS", "--http2-prior-knowledge", "-o", "/dev/null", "-w", "%{http_version} %{http_code}", "http://"+s.Addr+"/").CombinedOutput(); err != nil || string(out) != "2 200" {
		t.Errorf("curl: %s, %v", out, err)
	}
	control := s.controlSocket()
	eventually(t, "the status and the metrics count by version", func() bool {
		m, served := s.metrics("unix", control), s.status().Served
		two, one := m[`standpipe_requests_by_version_total{version="HTTP/2.0"}`], m[`standpipe_requests_by_version_total{version="HTTP/1.1"}`]
		return two == 2 && one == 1 && served["HTTP/2.0"] == 2 && served["HTTP/1.1"] == 1
	})
	if text := s.must("status"); !strings.Contains(text, "HTTP/1.1 1, HTTP/2.0 2") {
		t.Errorf("the status: %s", text)
	}
	eventually(t, "the access log says HTTP/2.0", func() bool { return strings.Contains(strings.Join(s.access(), "\n"), "HTTP/2.0") })
}

// longStop is the budget of a server that has to end long before it.
const longStop = "100s"

// A stream that runs at a SIGTERM is answered; connections without one end at once.
func TestHTTP2StopCutsNoStream(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": `import os, time
def app(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        print("in slow", flush=True)
        while not os.path.exists("gate"):
            time.sleep(0.01)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"who", b"le"]
`, "standpipe.toml": `[[listen]]
address = "127.0.0.1:0"
h2c = "on"
[[app]]
name = "a"
module = "app:app"
workers = 1
`})
	s := start(t, opts{Dir: dir, Bare: true, Args: []string{"--log-format", "json", "--stop-timeout", longStop}})
	get := func(path string) (string, error) { // on a connection of its own
		resp, err := plainTwo(t).Get("http://" + s.Addr + path)
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		return string(b), err
	}
	if text, err := get("/"); text != "whole" || err != nil { // stays open
		t.Fatal(text, err)
	}
	type result struct {
		text string
		err  error
	}
	got := make(chan result, 1)
	go func() { text, err := get("/slow"); got <- result{text, err} }()
	s.printed("in slow")
	s.signal(syscall.SIGTERM)
	s.waitEvent("stopping")
	if err := os.WriteFile(filepath.Join(dir, "gate"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	if r := <-got; r.text != "whole" || r.err != nil {
		t.Errorf("the running stream: %q, %v", r.text, r.err)
	}
	if code := s.wait(); code != 0 || time.Since(begun) > time.Minute {
		t.Errorf("exit code %d after %v", code, time.Since(begun))
	}
}
