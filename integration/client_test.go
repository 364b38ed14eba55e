package integration

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/standpipe/standpipe/integration/overh2"
)

// response is an answer read to its end.
type response struct {
	Status int
	Header http.Header
	Body   string
	Proto  string
}

// dialPlain opens a connection to the server's first address.
func (s *server) dialPlain() (net.Conn, error) {
	network := "tcp"
	if strings.HasPrefix(s.Addr, "/") || strings.HasPrefix(s.Addr, "@") {
		network = "unix"
	}
	return net.DialTimeout(network, s.Addr, patience)
}

// client makes one connection per request: net/http's Transport repeats a GET whose kept connection breaks, and that
// would hide an aborted answer. It follows no redirect.
func (s *server) client() *http.Client {
	return &http.Client{
		Timeout:       patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: overTransport(s.over, &http.Transport{
			DisableCompression: true,
			DialContext:        func(context.Context, string, string) (net.Conn, error) { return s.dialPlain() },
		}),
	}
}

// try sends req and reads the whole answer.
func (s *server) try(req *http.Request) (*response, error) { return s.tryFor(patience, req) }

// tryFor is try with another patience.
func (s *server) tryFor(limit time.Duration, req *http.Request) (*response, error) {
	c := s.client()
	c.Timeout = limit
	defer c.CloseIdleConnections()
	resp, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	r := &response{Status: resp.StatusCode, Header: resp.Header, Body: string(b), Proto: resp.Proto}
	return r, err
}

// do is try; a transport error fails the test.
func (s *server) do(req *http.Request) *response {
	s.t.Helper()
	r, err := s.try(req)
	if err != nil {
		s.t.Fatalf("%s %s: %v", req.Method, req.URL, err)
	}
	return r
}

// request builds a request; headers are "Name: value".
func (s *server) request(method, path string, body io.Reader, headers ...string) *http.Request {
	s.t.Helper()
	req, err := http.NewRequest(method, s.URL+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ":")
		value = strings.TrimSpace(value)
		if strings.EqualFold(name, "Host") {
			req.Host = value
			continue
		}
		req.Header.Add(name, value)
	}
	return req
}

// get sends a GET; each header is "Name: value".
func (s *server) get(path string, headers ...string) *response {
	s.t.Helper()
	return s.do(s.request("GET", path, nil, headers...))
}

// post sends body with its content type; each header is "Name: value".
func (s *server) post(path, contentType, body string, headers ...string) *response {
	s.t.Helper()
	return s.do(s.request("POST", path, strings.NewReader(body), append(headers, "Content-Type: "+contentType)...))
}

// want is get with its status checked.
func (s *server) want(status int, path string, headers ...string) *response {
	s.t.Helper()
	r := s.get(path, headers...)
	if r.Status != status {
		s.t.Fatalf("GET %s: status %d, want %d; body %.300q", path, r.Status, status, r.Body)
	}
	return r
}

// raw writes the bytes of request as they are on a fresh connection and reads until the server closes it, or for patience.
// The writing side stays open.
func (s *server) raw(request string) string {
	s.t.Helper()
	c, err := s.dial()
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	// A server that refuses early closes while we still write: what it said counts, not our write error.
	_, werr := io.WriteString(c, request)
	if two, ok := c.(*overh2.Conn); ok {
		_ = two.CloseWrite() // it reads until the answer is here: the server keeps the connection
	}
	b, _ := io.ReadAll(c)
	if werr != nil && len(b) == 0 {
		s.t.Logf("raw: write: %v", werr)
	}
	return string(b)
}

// async is a request under way.
type async struct {
	done chan struct{}
	resp *response
	err  error
}

// background sends a GET and does not wait for the answer. The caller calls wait.
func (s *server) background(path string, headers ...string) *async {
	s.t.Helper()
	return s.backgroundFor(patience, path, headers...)
}

// backgroundFor is background with another patience, for an answer that waits for the rest of the test.
func (s *server) backgroundFor(limit time.Duration, path string, headers ...string) *async {
	s.t.Helper()
	req := s.request("GET", path, nil, headers...)
	a := &async{done: make(chan struct{})}
	go func() { defer close(a.done); a.resp, a.err = s.tryFor(limit, req) }()
	return a
}

func (a *async) wait(t testing.TB) *response {
	t.Helper()
	select {
	case <-a.done:
	case <-time.After(patience + patience/2): // the client's own bound comes first
		t.Fatal("the request did not end")
	}
	if a.err != nil {
		t.Fatal(a.err)
	}
	return a.resp
}

// running says whether the request still has no answer.
func (a *async) running() bool {
	select {
	case <-a.done:
		return false
	default:
		return true
	}
}

// project writes files (path: text) into a fresh folder that other users may read, and returns it.
func project(t testing.TB, files map[string]string) string {
	t.Helper()
	dir, err := os.MkdirTemp(built.dir, "project-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, dir, files)
	return dir
}

// write puts files in place, each at once: a program that looks at any moment finds the old one or the new one, as a whole.
func write(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := put(path, text); err != nil {
			t.Fatal(err)
		}
	}
}

// put writes a file beside the project, which may be watched, and moves it. One that is there keeps its mode; a link stays one.
func put(path, text string) error {
	mode := os.FileMode(0o644)
	if st, err := os.Lstat(path); err == nil {
		if !st.Mode().IsRegular() {
			return os.WriteFile(path, []byte(text), mode)
		}
		mode = st.Mode().Perm()
	}
	syscall.ForkLock.RLock() // a program that a child of another test had open for writing could not be run (ETXTBSY)
	defer syscall.ForkLock.RUnlock()
	f, err := os.CreateTemp(built.dir, "put-")
	if err != nil {
		return err
	}
	_, err = io.WriteString(f, text)
	err = errors.Join(err, f.Chmod(mode), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	return err
}

// hello is the smallest app; what it answers tells apps apart.
func hello(answer string) string {
	return fmt.Sprintf(`def app(environ, start_response):
    body = %q.encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
`, answer)
}

// gate is a file that an app waits for: the test holds workers on it and opens it when it has seen enough.
type gate struct{ path string }

func newGate(t testing.TB) gate {
	t.Helper()
	dir, err := os.MkdirTemp(built.dir, "gate-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	g := gate{filepath.Join(dir, "open")}
	t.Cleanup(func() { _ = os.WriteFile(g.path, nil, 0o644) }) // runs before the server's stop when made after start
	return g
}

func (g gate) open(t testing.TB) {
	t.Helper()
	if err := os.WriteFile(g.path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
}

// disconnect closes a connection with a TCP reset: the client has disconnected. A client that closes its side at once after its
// request may still wait for its answer.
func disconnect(c net.Conn) {
	if two, ok := c.(*overh2.Conn); ok {
		two.Disconnect()
		return
	}
	tcp := tcpOf(c)
	_ = tcp.SetLinger(0)
	tcp.Close()
}
