package uwsgi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/bridgetest"
	"github.com/standpipe/standpipe/bridge/cgi"
	"github.com/standpipe/standpipe/bridge/upstream"
	"github.com/standpipe/standpipe/shim/wire"
)

// fake answers each connection by hand; it gets the packet that came.
func fake(t *testing.T, answer func(c *net.TCPConn, packet []byte)) *Transport {
	t.Helper()
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
			p := make([]byte, headerSize)
			io.ReadFull(c, p)
			p = append(p, make([]byte, parseHeader(p).size)...)
			io.ReadFull(c, p[headerSize:])
			answer(c.(*net.TCPConn), p)
			c.Close()
		}
	}()
	t.Cleanup(func() { ln.Close(); <-done })
	return NewTransport(upstream.Dialer{Network: "tcp", Address: ln.Addr().String(), Timeouts: upstream.Timeouts{Connect: time.Minute, Send: time.Minute, Read: time.Minute}})
}

func get(t *testing.T, more ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequest("GET", "http://h/a%2Fb?q=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.RequestURI = "/a%2Fb?q=1"
	for _, m := range more {
		name, value, _ := strings.Cut(m, ": ")
		r.Header.Add(name, value)
	}
	return r
}

func TestTransportSendsVariables(t *testing.T) {
	t.Parallel()
	var packet []byte
	tr := fake(t, func(c *net.TCPConn, p []byte) {
		packet = p
		io.WriteString(c, "HTTP/1.0 200 OK\r\nX-A: 1\r\nx-a:2\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\nbody\r\n")
	})
	r := get(t, "X-B: c", "Connection: close", "Expect: 100-continue")
	r = r.WithContext(cgi.WithInfo(r.Context(), &cgi.Info{ID: "id", Scheme: "https", ScriptName: "/a", RemoteAddr: "192.0.2.1", RemotePort: "1", ServerPort: "443",
		Extra: []wire.Var{{Name: "REMOTE_USER", Value: "ann"}}}))
	resp, err := tr.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || string(b) != "body\r\n" || resp.StatusCode != 200 || resp.ContentLength != -1 || fmt.Sprint(resp.Header["X-A"], resp.Header["Set-Cookie"]) != "[1 2] [a b]" {
		t.Errorf("%+v %q %v", resp, b, err)
	}
	vars, err := parseVars(nil, packet[headerSize:])
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]string{}
	for _, v := range vars {
		if _, twice := m[v.Name]; twice || strings.Contains(v.Name, ".") {
			t.Errorf("%s comes twice, or is ours", v.Name)
		}
		m[v.Name] = v.Value
	}
	for name, want := range map[string]string{"REQUEST_METHOD": "GET", "SCRIPT_NAME": "/a", "PATH_INFO": "/b", "QUERY_STRING": "q=1", "REQUEST_URI": "/a%2Fb?q=1", "HTTP_HOST": "h", "HTTP_X_B": "c",
		"HTTPS": "on", "UWSGI_SCHEME": "https", "REQUEST_SCHEME": "https", "REMOTE_ADDR": "192.0.2.1", "REMOTE_PORT": "1", "SERVER_NAME": "h", "SERVER_PORT": "443", "REMOTE_USER": "ann",
		"HTTP_CONNECTION": "", "HTTP_EXPECT": "", "CONTENT_LENGTH": ""} {
		if m[name] != want {
			t.Errorf("%s is %q, want %q", name, m[name], want)
		}
	}
}

func TestTransportRefusesAnswers(t *testing.T) {
	t.Parallel()
	answer := make(chan string, 1)
	tr := fake(t, func(c *net.TCPConn, _ []byte) { io.WriteString(c, <-answer) })
	for text, fault := range map[string]string{
		"HTTP/2 200 OK\r\n\r\n":                                              "",
		"HTTP/1.1 20 OK\r\n\r\n":                                             "",
		"HTTP/1.1 2000 OK\r\n\r\n":                                           "",
		"HTTP/1.1 099 OK\r\n\r\n":                                            "",
		"HTTP/1.1 700 OK\r\n\r\n":                                            "",
		"HTTP/1.1 -20 OK\r\n\r\n":                                            "",
		"HTTP/1.1 200 OK\n\n":                                                "CR LF",
		"HTTP/1.1 200 OK\r\nA: b\n\r\n":                                      "CR LF",
		"HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n":                                 "0x0d",
		"HTTP/1.1 200 OK\r\nA: b\x00c\r\n\r\n":                               "0x00",
		"HTTP/1.1 200 O\x00K\r\n\r\n":                                        "0x00",
		"HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n":                         "",
		"HTTP/1.1 200 OK\r\nA : b\r\n\r\n":                                   "",
		"HTTP/1.1 200 OK\r\nnothing\r\n\r\n":                                 "",
		"HTTP/1.1 200 OK\r\n: b\r\n\r\n":                                     "",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\ncontent-length: 1\r\n\r\nx": "Content-Length",
		"HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\nx":                   "Content-Length",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n":                      "Content-Length",
		"HTTP/1.1 200 OK\r\nContent-Length: 0x1\r\n\r\n":                     "Content-Length",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n":     "Transfer-Encoding",
		"HTTP/1.1 101 Switching Protocols\r\n\r\n":                           "",
		"HTTP/1.1 200 OK\r\nA: " + strings.Repeat("x", cgi.MaxHead):          "",
	} {
		answer <- text
		resp, err := tr.RoundTrip(get(t))
		var ba *cgi.BadResponse
		if !errors.As(err, &ba) || !strings.Contains(err.Error(), fault) {
			t.Errorf("%.60q: %v %v, want %q", text, resp, err, fault)
		}
	}
	for text, want := range map[string]error{"": io.EOF, "HTTP/1.1 20": io.ErrUnexpectedEOF, "HTTP/1.1 200 OK\r\nA: b\r\n": io.EOF} {
		answer <- text
		if resp, err := tr.RoundTrip(get(t)); !errors.Is(err, want) {
			t.Errorf("%q: %v %v, want %v", text, resp, err, want)
		}
	}
	// Fewer bytes than declared: the reader must be able to tell.
	answer <- "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc"
	resp, err := tr.RoundTrip(get(t))
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(resp.Body); string(b) != "abc" || err != io.ErrUnexpectedEOF {
		t.Errorf("%q %v", b, err)
	}
	resp.Body.Close()
	answer <- "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n"
	if resp, err = tr.RoundTrip(get(t)); err != nil || resp.StatusCode != 304 || resp.Header.Get("Content-Length") != "7" {
		t.Errorf("%+v %v", resp, err)
	}
}

func TestTransportTellsBufferSize(t *testing.T) {
	t.Parallel()
	tr := fake(t, func(c *net.TCPConn, _ []byte) { c.SetLinger(0) })
	var small *BufferSize
	if _, err := tr.RoundTrip(get(t)); err == nil || errors.As(err, &small) {
		t.Errorf("a small packet: %v", err)
	}
	_, err := tr.RoundTrip(get(t, "X-A: "+strings.Repeat("x", 5000)))
	if !errors.As(err, &small) || small.Size < 5000 || !strings.Contains(err.Error(), "buffer-size") {
		t.Errorf("a large packet: %v", err)
	}
	var large *TooLarge
	if _, err := tr.RoundTrip(get(t, "X-A: "+strings.Repeat("x", 70000))); !errors.As(err, &large) {
		t.Errorf("more than a packet: %v", err)
	}
}

// Who is silent, does not take the request, or is not there.
func TestTransportTimeouts(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{})
	tr := fake(t, func(c *net.TCPConn, p []byte) {
		if strings.Contains(string(p), "/begun") {
			io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\nsome")
		}
		<-gate
	})
	t.Cleanup(func() { close(gate) })
	tr.to.Read, tr.to.Send = 2*time.Second, 2*time.Second // longer than a busy machine stands still
	if _, err := tr.RoundTrip(get(t)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("silent: %v", err)
	}
	gate <- struct{}{}
	r := get(t)
	r.URL.Path = "/begun"
	resp, err := tr.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(resp.Body); string(b) != "some" || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("silent within its answer: %q %v", b, err)
	}
	resp.Body.Close()
	gate <- struct{}{}
	ctx, cancel := context.WithCancel(context.Background())
	tr.to.Read = 20 * time.Second
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := tr.RoundTrip(get(t).WithContext(ctx)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	gate <- struct{}{}
	var op *net.OpError
	if _, err := NewTransport(upstream.Dialer{Network: "tcp", Address: bridgetest.Refusing(t), Timeouts: upstream.Timeouts{}}).RoundTrip(get(t)); !errors.As(err, &op) || op.Op != "dial" {
		t.Errorf("nobody there: %v", err)
	}
}

// Our own two ends together: bodies both ways, an answer that comes before the body
// is read, and a body that fails.
func TestBothEnds(t *testing.T) {
	t.Parallel()
	seen := make(chan error, 1)
	g := newRig(t, "unix", func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/early":
			io.WriteString(w, "no need")
		case "/fails":
			_, err := io.ReadAll(r.Body)
			seen <- err
		default:
			io.Copy(w, r.Body)
		}
	})
	tr := NewTransport(upstream.Dialer{Network: "unix", Address: g.addr.String(), Timeouts: upstream.Timeouts{Connect: time.Minute, Send: time.Minute, Read: time.Minute}})
	post := func(path string, body io.Reader, size int64) (string, error) {
		r, _ := http.NewRequest("POST", "http://h"+path, body)
		r.ContentLength = size
		resp, err := tr.RoundTrip(r)
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		return string(b), err
	}
	data := strings.Repeat("0123456789abcdef", 64<<10)
	if b, err := post("/echo", strings.NewReader(data), int64(len(data))); err != nil || b != data {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	if b, err := post("/early", strings.NewReader(data), int64(len(data))); err != nil || b != "no need" {
		t.Errorf("%q %v", b, err)
	}
	if _, err := post("/echo", strings.NewReader(data), -1); !errors.Is(err, errNoLength) {
		t.Errorf("%v", err)
	}
	boom := errors.New("boom")
	if _, err := post("/fails", io.MultiReader(strings.NewReader("abc"), failing{boom}), 10); !errors.Is(err, boom) {
		t.Errorf("the body's error: %v", err)
	}
	if err := <-seen; err != io.ErrUnexpectedEOF {
		t.Errorf("the server's: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// FuzzAnswer: whatever a server sends, what is taken is a head that can be handed on.
func FuzzAnswer(f *testing.F) {
	f.Add("HTTP/1.1 200 OK\r\nA: b\r\n\r\nx")
	f.Add("HTTP/1.0 304 \r\nContent-Length: 18446744073709551616\r\n\r\n")
	f.Add("HTTP/1.1 100 C\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		req := get(t)
		x := &exchange{upstream.NewCall(textConn{Reader: strings.NewReader(text)}, upstream.Timeouts{}, req), req, nil}
		resp, err := x.response()
		if err != nil {
			return
		}
		if resp.StatusCode < 200 || resp.StatusCode > 599 {
			t.Fatalf("status %d", resp.StatusCode)
		}
		for name, values := range resp.Header {
			if strings.ContainsAny(name+strings.Join(values, ""), "\r\n\x00") || name == "" {
				t.Fatalf("%q: %q", name, values)
			}
		}
		if b, err := io.ReadAll(resp.Body); err == nil && resp.ContentLength >= 0 && int64(len(b)) != resp.ContentLength && resp.StatusCode != 304 {
			t.Fatalf("%d bytes of %d", len(b), resp.ContentLength)
		}
	})
}

type textConn struct {
	net.Conn
	io.Reader
}

func (c textConn) Read(p []byte) (int, error) { return c.Reader.Read(p) }
func (textConn) Close() error                 { return nil }
