package integration

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
)

// An upload of 100 MB, with a Content-Length and without.
func TestHTTP3Upload(t *testing.T) {
	t.Parallel()
	const size = 100 << 20
	a := newAuthority(t, "test CA")
	s := secureServer(t, a, threeListen+"[limits]\nmax_body = \"200MiB\"\nspool_max = \"200MiB\"\n", map[string]string{"app.py": http2App})
	for _, length := range []int64{size, -1} {
		req, err := http.NewRequest("POST", s.URL+"/", io.LimitReader(zeros{}, size))
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = length
		resp, err := secureThree(t, a, nil).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var environ map[string]string
		err = json.NewDecoder(resp.Body).Decode(&environ)
		resp.Body.Close()
		if err != nil || environ["n"] != strconv.Itoa(size) {
			t.Errorf("with the length %d: %v, the app has got %s", length, err, environ["n"])
		}
	}
}

// A HEAD has the fields of a GET and no length of its own; a field that HTTP/3 does not have is left out.
func TestHTTP3Answers(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "test CA")
	s := secureServer(t, a, threeListen+"[limits]\nmax_target = \"8KiB\"\n", map[string]string{"app.py": `
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Alt-Svc", "clear"), ("X-A", "b")])
    for _ in range(3):
        yield b"part"
`})
	c := secureThree(t, a, nil)
	resp, err := c.Head(s.URL)
	if err != nil || resp.StatusCode != 200 || resp.Header.Get("Content-Length") != "" || resp.Header.Get("X-A") != "b" {
		t.Error(err, resp)
	}
	resp, text, err := page(c, s.URL)
	if err != nil || text != "partpartpart" || resp.Header.Get("X-A") != "b" {
		t.Error(err, resp, text)
	}
	if resp, _, err = page(secureTwo(t, a, nil), s.URL); err != nil || strings.Join(resp.Header["Alt-Svc"], "|") != "clear" {
		t.Error("an Alt-Svc of the app's own:", err, resp.Header)
	}
	if resp, _, err = page(c, s.URL+"/"+strings.Repeat("a", 9000)); err != nil || resp.StatusCode != http.StatusRequestURITooLong {
		t.Error(err, resp)
	}
}

// A client that resets its stream has disconnected; one that does not take its answer is too slow.
func TestHTTP3Leaves(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "test CA")
	s := secureServer(t, a, threeListen+"[limits]\nsend_timeout = \"1s\"\n", map[string]string{"app.py": `
import os, time
def app(environ, start_response):
    if environ["PATH_INFO"] == "/wait":
        open("begun", "w").close()
        while not os.path.exists("gate"):
            time.sleep(0.01)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"x" * 1000000] * 50
`})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", s.URL+"/wait", nil)
	if err != nil {
		t.Fatal(err)
	}
	left := make(chan error, 1)
	c := secureThree(t, a, nil)
	go func() {
		_, err := c.Do(req) //nolint:bodyclose // there is no answer
		left <- err
	}()
	eventually(t, "the app has the request", func() bool { _, err := os.Stat(s.Cmd.Dir + "/begun"); return err == nil })
	cancel()
	if err := <-left; err == nil {
		t.Error("an answer")
	}
	eventually(t, "the access log has 499", func() bool {
		return strings.Contains(strings.Join(s.access(), "\n"), `"status":499`) || strings.Contains(s.stderrText(), `"status":499`)
	})
	openGate(t, s)
	resp, err := c.Get(s.URL + "/")
	s.waitEvent("slow_client")
	if err != nil {
		return // the client was too slow for the head, too
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err == nil {
		t.Error("the answer looks whole")
	}
}

// Packets that are none, handshakes that do not end, and clients that vanish leave nothing behind.
func TestHTTP3Rubbish(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "test CA")
	s := secureServer(t, a, threeListen+"[limits]\nheader_timeout = \"5s\"\nidle_timeout = \"5s\"\n", nil)
	for range 3 {
		if _, _, err := page(secureThree(t, a, nil), s.URL); err != nil {
			t.Fatal(err)
		}
	}
	files, memory := s.openFiles(), s.memory()
	c, err := net.Dial("udp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	b := make([]byte, 1200)
	for i := range 20_000 {
		_, _ = rand.Read(b[:64])
		switch i % 3 {
		case 0: // what looks like the begin of a connection
			copy(b, "\xc3\x00\x00\x00\x01\x08")
		case 1: // what looks like a packet of one
			b[0] = 0x40
		}
		_, _ = c.Write(b)
	}
	for range 200 { // a client that is gone when the server answers
		u, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		tr := &quic.Transport{Conn: u}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
		addr, err := net.ResolveUDPAddr("udp", s.Addr)
		if err != nil {
			t.Fatal(err)
		}
		if conn, err := tr.Dial(ctx, addr, &tls.Config{RootCAs: a.pool, ServerName: "localhost", NextProtos: []string{"h3"}}, nil); err == nil {
			_ = conn // it is not closed: the client vanishes
		}
		cancel()
		_ = tr.Close()
		u.Close()
	}
	if _, _, err := page(secureThree(t, a, nil), s.URL); err != nil {
		t.Errorf("a client between them: %v", err)
	}
	within(t, bootPatience, "all of it is gone", func() bool { return s.openFiles() <= files && s.memory() < memory+(64<<20) })
}

// Reloaded certificates are for new connections.
func TestHTTP3CertificateReload(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "test CA")
	s := secureServer(t, a, threeListen, nil)
	name := func() string {
		conn, err := quic.DialAddr(context.Background(), s.Addr, &tls.Config{RootCAs: a.pool, ServerName: "localhost", NextProtos: []string{"h3"}}, patientQUIC())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.CloseWithError(0, "")
		return conn.ConnectionState().TLS.PeerCertificates[0].DNSNames[0]
	}
	if n := name(); n != "localhost" {
		t.Fatal(n)
	}
	cert, key := a.forNames(t, "second.example.org", "localhost")
	s.replace(map[string]string{"cert.pem": cert, "key.pem": key})
	eventually(t, "the new certificate is used", func() bool { return name() == "second.example.org" })
	if _, err := quic.DialAddr(context.Background(), s.Addr, &tls.Config{RootCAs: a.pool, ServerName: "other.example.org", NextProtos: []string{"h3"}}, patientQUIC()); err == nil {
		t.Error("a client takes the certificate of another name")
	}
	eventually(t, "the refusal is counted", func() bool {
		return slices.ContainsFunc(s.events("handshake_failed"), func(e record) bool { return e.str("reason") == "rejected" })
	})
}

// Addresses that cannot have HTTP/3 are named.
func TestHTTP3Refused(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "test CA")
	cert, key := a.forNames(t, "localhost")
	for _, at := range []string{"address = \"http://127.0.0.1:0\"", "address = \"https+unix:x.sock\"", "address = \"https://127.0.0.1:0\"\nproxy_protocol = \"on\""} {
		dir := project(t, map[string]string{"app.py": secureApp, "cert.pem": cert, "key.pem": key,
			"standpipe.toml": "trusted_proxies = \"127.0.0.1\"\n[[listen]]\n" + at + "\nhttp3 = \"on\"\n[tls]\ntls_cert = \"cert.pem\"\ntls_key = \"key.pem\"\n[[app]]\nname = \"shop\"\nmodule = \"app:app\"\n"})
		if r := run(t, dir, nil, "check"); r.code != 2 || !strings.Contains(r.out+r.errout, "http3") {
			t.Errorf("%s: %+v", at, r)
		}
	}
}

// The service manager passes a socket of TCP and one of UDP; an upgrade keeps both.
func TestHTTP3PassedSockets(t *testing.T) {
	t.Parallel()
	tcp, err := net.Listen("tcp", "127.0.0.1:"+freePort(t)) // below the ports that clients of UDP get
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	udp, err := net.ListenPacket("udp", tcp.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	one, err := tcp.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	two, err := udp.(*net.UDPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	defer two.Close()
	a := newAuthority(t, "test CA")
	cert, key := a.forNames(t, "localhost", "127.0.0.1")
	dir := project(t, map[string]string{"app.py": http2App, "cert.pem": cert, "key.pem": key,
		"standpipe.toml": "[[listen]]\naddress = \"https+fd://3\"\nhttp3 = \"on\"\n[tls]\ntls_cert = \"cert.pem\"\ntls_key = \"key.pem\"\n[[app]]\nname = \"shop\"\nmodule = \"app:app\"\nworkers = 1\n"})
	s := start(t, opts{Dir: dir, Bare: true, ExtraFiles: []*os.File{one, two}, Args: []string{"-c", "standpipe.toml", "--log-format", "json"}})
	if resp, _, err := page(secureThree(t, a, nil), s.URL); err != nil || resp.ProtoMajor != 3 {
		t.Error(err)
	}
	s.usr2()
	s.upgraded()
	eventually(t, "the new process answers", func() bool {
		pid, err := parent(secureThree(t, a, nil), s)
		if err != nil {
			t.Fatal(err)
		}
		return pid == s.Pid
	})
}
