package integration

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// secureTwo is secureClient for HTTP/2.
func secureTwo(t testing.TB, a *authority, o *tls.Config) *http.Client {
	c := secureClient(a, o)
	c.Transport.(*http.Transport).ForceAttemptHTTP2 = true
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// http2App answers with its environ and the length of the body; /stream ends when the file gate exists.
const http2App = `
import json, os, time

def app(environ, start_response):
    n = len(environ["wsgi.input"].read())
    if environ["PATH_INFO"] == "/stream":
        start_response("200 OK", [("Content-Type", "text/plain")])
        def parts():
            yield b"begun\n"
            while not os.path.exists("gate"):
                time.sleep(0.01)
            yield b"ended\n"
        return parts()
    body = json.dumps(dict({k: v for k, v in environ.items() if isinstance(v, str)}, n=str(n), ppid=str(os.getppid()))).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
`

// ALPN decides between HTTP/2 and HTTP/1.1; the environ is the same but for the version.
func TestHTTP2OverTLS(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "test CA")
	alice, _, _ := a.sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: "alice"}})
	s := secureServer(t, a, secureListen+"client_ca = \"ca.pem\"\nclient_auth = \"request\"\n", map[string]string{"app.py": http2App})
	certified := func() *tls.Config { return &tls.Config{Certificates: []tls.Certificate{alice}} }
	seen := map[string]map[string]string{}
	for version, client := range map[string]*http.Client{"HTTP/2.0": secureTwo(t, a, certified()), "HTTP/1.1": secureClient(a, certified())} {
		resp, environ := postEnviron(t, client, "https://localhost:"+port(s), "")
		for k, want := range map[string]string{"SERVER_PROTOCOL": version, "HTTP_COOKIE": "a=1; b=2", "HTTP_HOST": "localhost:" + port(s), "PATH_INFO": "/a b", "QUERY_STRING": "c=d", "REMOTE_ADDR": "127.0.0.1",
			"wsgi.url_scheme": "https", "HTTPS": "on", "SSL_PROTOCOL": "TLSv1.3", "SSL_TLS_SNI": "localhost", "SSL_CLIENT_VERIFY": "SUCCESS", "SSL_CLIENT_S_DN_CN": "alice", "SERVER_PORT": port(s), "n": "300000", "CONTENT_LENGTH": "300000"} {
			if environ[k] != want {
				t.Errorf("%s: %s is %q, want %q", version, k, environ[k], want)
			}
		}
		if resp.Proto != version || resp.Header.Get("X-Request-Id") == "" {
			t.Errorf("%s, %v", resp.Proto, resp.Header)
		}
		seen[version] = environ
	}
	for k := range seen["HTTP/1.1"] {
		if _, ok := seen["HTTP/2.0"][k]; !ok {
			t.Errorf("%s is missing in HTTP/2", k)
		}
	}
	for k := range seen["HTTP/2.0"] {
		if _, ok := seen["HTTP/1.1"][k]; !ok {
			t.Errorf("%s is in HTTP/2 alone", k)
		}
	}
	for flag, want := range map[string]string{"--http2": "2 200", "--http1.1": "1.1 200"} {
		out, err := exec.Command("curl", "-sS", flag, "--cacert", s.Cmd.Dir+"/ca.pem", "-o", "/dev/null", "-w", "%{http_version} %{http_code}", "https://localhost:"+port(s)+"/").CombinedOutput()
		if err != nil || string(out) != want {
			t.Errorf("curl %s: %s, %v", flag, out, err)
		}
	}
	eventually(t, "the access log has both versions", func() bool {
		text := strings.Join(s.access(), "\n")
		return strings.Contains(text, "HTTP/2.0") && strings.Contains(text, "HTTP/1.1")
	})
	t.Run("100 fields", func(t *testing.T) {
		for n, want := range map[int]int{90: 200, 101: 431} {
			fields := make([]string, 0, 2*n)
			for range n {
				fields = append(fields, "X-Field", "v")
			}
			if resp, _, err := page(secureTwo(t, a, nil), s.URL, fields...); err != nil || resp.StatusCode != want || resp.ProtoMajor != 2 {
				t.Errorf("%d fields: %v %+v", n, err, resp)
			}
		}
	})
}

// http2 = "off" leaves HTTP/1.1 to clients that would prefer HTTP/2.
func TestHTTP2Off(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "test CA")
	s := secureServer(t, a, "[tls]\ntls_cert = \"cert.pem\"\ntls_key = \"key.pem\"\n[[listen]]\naddress = \"https://127.0.0.1:0\"\nhttp2 = \"off\"\n", nil)
	resp, body, err := page(secureTwo(t, a, nil), s.URL)
	if err != nil || resp.Proto != "HTTP/1.1" {
		t.Fatal(err, resp)
	}
	holdsLines(t, body, "HTTPS=on", "SERVER_PROTOCOL=HTTP/1.1")
	dir := project(t, map[string]string{"app.py": secureApp, "standpipe.toml": "[[listen]]\naddress = \"127.0.0.1:0\"\nhttp2 = \"off\"\n[[app]]\nname = \"shop\"\nmodule = \"app:app\"\n"})
	if r := run(t, dir, nil, "check"); r.code != 2 || !strings.Contains(r.out+r.errout, "http2") {
		t.Errorf("an address of http: %+v", r)
	}
}

// begunStream reads the first line of /stream, and returns what gives the rest.
func begunStream(t testing.TB, c *http.Client, s *server) func() (string, error) {
	t.Helper()
	resp, err := c.Get(s.URL + "/stream")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	r := bufio.NewReader(resp.Body)
	if line, err := r.ReadString('\n'); line != "begun\n" || err != nil || resp.ProtoMajor < 2 {
		t.Fatalf("an answer that streams: %q %v %s", line, err, resp.Proto)
	}
	return func() (string, error) {
		b, err := io.ReadAll(r)
		return string(b), err
	}
}

// A stream that runs at a SIGTERM is answered; connections without one, and those that have not begun, do not delay the end.
func TestHTTP2OverTLSStop(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "test CA")
	s := secureServer(t, a, secureListen+"[stop]\nstop_timeout = \""+longStop+"\"\n", map[string]string{"app.py": http2App})
	if resp, _, err := page(secureTwo(t, a, nil), s.URL); err != nil || resp.ProtoMajor != 2 { // stays open
		t.Fatal(err)
	}
	silent, err := tls.Dial("tcp", s.Addr, &tls.Config{RootCAs: a.pool, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	rest := begunStream(t, secureTwo(t, a, nil), s)
	s.signal(syscall.SIGTERM)
	s.waitEvent("stopping")
	if err := os.WriteFile(filepath.Join(s.Cmd.Dir, "gate"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	if text, err := rest(); text != "ended\n" || err != nil {
		t.Errorf("the running stream: %q, %v", text, err)
	}
	if code := s.wait(); code != 0 || time.Since(begun) > time.Minute {
		t.Errorf("exit code %d after %v", code, time.Since(begun))
	}
}

// When another process has taken over, the old one answers the stream that runs, and further requests of the client go to the new one.
func TestHTTP2Upgrade(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "test CA")
	s := secureServer(t, a, secureListen, map[string]string{"app.py": http2App})
	c := secureTwo(t, a, nil)
	rest := begunStream(t, c, s)
	old := s.Pid
	s.usr2()
	s.upgraded()
	s.waitEvent("upgraded")
	eventually(t, "requests go to the new process", func() bool {
		resp, err := c.Get(s.URL + "/")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var environ map[string]string
		if err := json.NewDecoder(resp.Body).Decode(&environ); err != nil {
			t.Fatal(err)
		}
		return resp.ProtoMajor == 2 && environ["ppid"] == strconv.Itoa(s.Pid)
	})
	if !alive(old) {
		t.Error("the old process has ended with a stream that runs")
	}
	if err := os.WriteFile(filepath.Join(s.Cmd.Dir, "gate"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := rest(); text != "ended\n" || err != nil {
		t.Errorf("the running stream: %q, %v", text, err)
	}
	eventually(t, "the old process has ended", func() bool { return !alive(old) })
	if resp, _, err := page(c, s.URL); err != nil || resp.ProtoMajor != 2 {
		t.Error(err)
	}
}
