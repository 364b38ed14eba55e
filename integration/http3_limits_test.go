package integration

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// A body beyond max_body is 413, with a length and without one; the connection serves on. Early hints arrive before the answer.
func TestHTTP3Limits(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "test CA")
	s := secureServer(t, a, threeListen+"[limits]\nmax_body = \"1MiB\"\n", map[string]string{"app.py": `
def app(environ, start_response):
    n = len(environ["wsgi.input"].read())
    if environ["PATH_INFO"] == "/hints":
        environ["wsgi.early_hints"]([("Link", "</a.css>; rel=preload; as=style")])
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(n).encode()]
`})
	c := secureThree(t, a, nil)
	for _, body := range []struct {
		of     io.Reader
		length int64
		status int
		answer string
	}{
		{bytes.NewReader(make([]byte, 1<<20)), 1 << 20, 200, "1048576"},
		{bytes.NewReader(make([]byte, 1<<20+1)), 1<<20 + 1, 413, ""},
		{io.LimitReader(strings.NewReader(strings.Repeat("x", 3<<20)), 3<<20), -1, 413, ""},
		{strings.NewReader("ab"), -1, 200, "2"},
	} {
		req, err := http.NewRequest("POST", s.URL, io.NopCloser(body.of))
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = body.length
		resp, err := c.Do(req)
		if err != nil {
			t.Fatalf("%d bytes: %v", body.length, err)
		}
		got, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != body.status || body.answer != "" && string(got) != body.answer {
			t.Errorf("%d bytes: %d %.100s", body.length, resp.StatusCode, got)
		}
	}

	var hinted string
	trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
		hinted = strconv.Itoa(code) + " " + h.Get("Link")
		return nil
	}}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), "GET", s.URL+"/hints", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 || hinted != "103 </a.css>; rel=preload; as=style" {
		t.Errorf("%d, hints %q", resp.StatusCode, hinted)
	}
}

// HTTP/3 at an address of IPv6.
func TestHTTP3OverIPv6(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		skip(t, "no-ipv6", err.Error())
	}
	ln.Close()
	a := newAuthority(t, "test CA")
	cert, key := a.forNames(t, "localhost", "::1")
	s := secureServer(t, a, strings.Replace(threeListen, "127.0.0.1", "[::1]", 1), map[string]string{"cert.pem": cert, "key.pem": key})
	resp, _, err := page(secureThree(t, a, nil), "https://[::1]:"+port(s)+"/")
	if err != nil || resp.StatusCode != 200 || resp.Proto != "HTTP/3.0" {
		t.Error(err, resp)
	}
}

// A process without privileges gets the buffers that the kernel's limits allow; when they are smaller than HTTP/3 wants, a record has
// the line that raises them.
func TestHTTP3Buffers(t *testing.T) {
	t.Parallel()
	needRoot(t)
	const wanted = 7 << 20
	least := wanted // as the kernel counts it: twice its limit
	for _, name := range []string{"rmem_max", "wmem_max"} {
		b, err := os.ReadFile("/proc/sys/net/core/" + name)
		if err != nil { // in a network namespace of older kernels
			skip(t, "no-sysctl", err.Error())
		}
		n, err := strconv.Atoi(strings.TrimSpace(string(b)))
		if err != nil {
			t.Fatal(err)
		}
		least = min(least, 2*n)
	}
	uid, gid := account(t, "nobody")
	a := newAuthority(t, "test CA")
	cert, key := a.forNames(t, "localhost", "127.0.0.1")
	env, top := runtimeFolder(t)
	if err := os.Chown(strings.TrimSuffix(top, "/standpipe"), uid, gid); err != nil {
		t.Fatal(err)
	}
	dir := project(t, map[string]string{"app.py": hello("x"), "cert.pem": cert, "key.pem": key, "standpipe.toml": threeListen})
	s := start(t, opts{Dir: dir, Bare: true, Argv: []string{sandboxBinary(t), "serve", "app:app"}, Env: env, Identity: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)},
		Args: []string{"-c", "standpipe.toml", "--log-format", "json", "--python", systemPython(t), "-w", "1"}})
	records := s.events("udp_buffer")
	if least >= wanted {
		if len(records) > 0 {
			t.Error(records)
		}
		return
	}
	if len(records) != 1 || !strings.Contains(records[0].str("message"), "sysctl -w net.core.rmem_max=") || records[0].str("wanted") != strconv.Itoa(wanted) {
		t.Errorf("limit %d: %v", least, records)
	}
	if resp, body, err := page(secureThree(t, a, nil), s.URL); err != nil || body != "x" {
		t.Error(err, resp)
	}
}
