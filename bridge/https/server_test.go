package https_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/https"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/integration/testca"
)

func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %s %s %d", r.Method, r.URL.Path, httpx.Of(w).Scheme, len(body))
}

func get(t *testing.T, c *http.Client, url string) string {
	t.Helper()
	resp, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestRequests(t *testing.T) {
	r := newRig(t, echo, https.Options{})
	c := r.client(nil)
	for range 3 {
		if got := get(t, c, "https://"+r.address+"/x"); got != "GET /x https 0" {
			t.Fatal(got)
		}
	}
	resp, err := c.Post("https://"+r.address+"/up", "", bytes.NewReader(make([]byte, 300<<10)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, _ := io.ReadAll(resp.Body); string(b) != "POST /up https 307200" || resp.TLS.Version != tls.VersionTLS13 {
		t.Errorf("%s %x", b, resp.TLS.Version)
	}
}

// Requests that came in one record, in several, or after an idle time are all answered: none
// waits in a buffer.
func TestPipelined(t *testing.T) {
	r := newRig(t, echo, https.Options{})
	one := "GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n"
	post := "POST /p HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4096\r\n\r\n" + strings.Repeat("x", 4096)
	padded := "GET /x HTTP/1.1\r\nHost: localhost\r\nX: "
	padded += strings.Repeat("y", 4096-len(padded)-4) + "\r\n\r\n" // fills the buffer of a head
	for name, records := range map[string][]string{
		"one record":     {strings.Repeat(one, 50)},
		"records":        {one, one, one},
		"cut":            {one[:10], one[10:] + one[:3], one[3:]},
		"a body":         {post + one + post, one},
		"a whole buffer": {padded + padded + one},
	} {
		for _, pause := range []time.Duration{0, 400 * time.Millisecond} { // it cools
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				c := r.dial(t)
				in := bufio.NewReader(c)
				want := strings.Count(strings.Join(records, ""), "HTTP/1.1")
				for range 2 {
					for _, s := range records {
						if _, err := io.WriteString(c, s); err != nil {
							t.Fatal(err)
						}
					}
					for i := range want {
						_ = c.SetReadDeadline(time.Now().Add(patience))
						resp, err := http.ReadResponse(in, nil)
						if err != nil {
							t.Fatalf("answer %d of %d: %v", i, want, err)
						}
						_, _ = io.Copy(io.Discard, resp.Body)
					}
					time.Sleep(pause)
				}
			})
		}
	}
}

// A file, and parts that do not fit into a record.
func TestAnswers(t *testing.T) {
	name := t.TempDir() + "/f"
	content := bytes.Repeat([]byte("0123456789abcdef"), 20_000)
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/file" {
			f, err := os.Open(name)
			if err != nil {
				panic(err)
			}
			defer f.Close()
			w.Header().Set("Content-Length", fmt.Sprint(len(content)))
			_, _ = io.Copy(w, f)
			return
		}
		_, _ = w.Write(content)
	}, https.Options{})
	for _, path := range []string{"/file", "/bytes"} {
		if got := get(t, r.client(nil), "https://"+r.address+path); got != string(content) {
			t.Errorf("%s: %d bytes", path, len(got))
		}
	}
}

// How handshakes fail, and what is counted.
func TestFailures(t *testing.T) {
	other := testca.New(t, "other CA")
	r := newRig(t, echo, https.Options{HandshakeTimeout: patience, Settings: https.Settings{MinVersion: tls.VersionTLS13}})
	dial := func(o *tls.Config) error {
		o.RootCAs = r.ca.Pool
		c, err := tls.Dial("tcp", r.address, o)
		if err == nil {
			c.Close()
		}
		return err
	}
	if err := dial(&tls.Config{MaxVersion: tls.VersionTLS12}); err == nil {
		t.Error("TLS 1.2 is spoken")
	}
	r.wait(t, "version", 1)
	if err := dial(&tls.Config{NextProtos: []string{"foo"}}); err == nil {
		t.Error("foo is spoken")
	}
	r.wait(t, "protocol", 1)
	distrustful, err := net.Dial("tcp", r.address)
	if err != nil {
		t.Fatal(err)
	}
	defer distrustful.Close() // not before its alert was read: a reset can overtake it
	if tls.Client(distrustful, &tls.Config{RootCAs: other.Pool, ServerName: "localhost"}).Handshake() == nil {
		t.Error("another CA's certificate was taken")
	}
	r.wait(t, "rejected", 1)
	raw := func(r *rig, text string) *bufio.Reader {
		c, err := net.Dial("tcp", r.address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if _, err := io.WriteString(c, text); err != nil {
			t.Fatal(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(patience))
		return bufio.NewReader(c)
	}
	resp, err := http.ReadResponse(raw(r, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := io.ReadAll(resp.Body); resp.StatusCode != 400 || !bytes.Contains(b, []byte("HTTPS")) {
		t.Errorf("%d %s", resp.StatusCode, b)
	}
	r.wait(t, "plain_http", 1)
	if _, err := raw(r, "SSH-2.0-x\r\n").ReadByte(); err == nil {
		t.Error("what is not TLS was answered")
	}
	r.wait(t, "not_tls", 1)
	short := newRig(t, echo, https.Options{HandshakeTimeout: 300 * time.Millisecond})
	if _, err := raw(short, "\x16\x03\x01").ReadByte(); err == nil {
		t.Error("half a hello was answered")
	}
	short.wait(t, "timeout", 1)
	c, err := net.Dial("tcp", r.address)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	r.wait(t, "closed", 1)
}

func TestNoCertificate(t *testing.T) {
	r := newRig(t, echo, https.Options{Certificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, https.ErrNoCertificate }})
	if _, err := tls.Dial("tcp", r.address, &tls.Config{InsecureSkipVerify: true}); err == nil {
		t.Error("there was a certificate")
	}
	r.wait(t, "no_certificate", 1)
}

// environ answers with the variables of the connection.
func environ(w http.ResponseWriter, _ *http.Request) {
	for _, v := range httpx.Of(w).Extra {
		fmt.Fprintf(w, "%s=%s\n", v.Name, v.Value)
	}
}

func TestClientCertificates(t *testing.T) {
	authority, other := testca.New(t, "test CA"), testca.New(t, "other CA")
	subject := pkix.Name{CommonName: "alice", Organization: []string{"Shop, Inc"}}
	certs := map[string]*tls.Certificate{
		"none":    nil,
		"good":    authority.Sign(t, &x509.Certificate{Subject: subject}).Certificate,
		"expired": authority.Sign(t, &x509.Certificate{Subject: subject, NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour)}).Certificate,
		"other":   other.Sign(t, &x509.Certificate{Subject: subject}).Certificate,
		"server":  authority.Sign(t, &x509.Certificate{Subject: subject, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}).Certificate,
	}
	ask := func(r *rig, c *tls.Certificate, version uint16, cache tls.ClientSessionCache) (string, error) {
		o := &tls.Config{MaxVersion: version, ClientSessionCache: cache, GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if c == nil {
				return &tls.Certificate{}, nil
			}
			return c, nil
		}}
		client := r.client(o)
		defer client.CloseIdleConnections()
		resp, err := client.Get("https://" + r.address + "/")
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		return string(b), err
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		optional := newRig(t, environ, https.Options{Settings: https.Settings{ClientAuth: https.RequestClientAuth, ClientCAs: authority.Pool}})
		for name, want := range map[string]string{"none": "NONE", "good": "SUCCESS", "expired": "FAILED:certificate has expired", "other": "FAILED:unable to verify the certificate", "server": "FAILED:"} {
			cache := tls.NewLRUClientSessionCache(1)
			for range 2 { // the second one resumes the session
				got, err := ask(optional, certs[name], version, cache)
				if err != nil || !strings.Contains(got, "SSL_CLIENT_VERIFY="+want) || strings.Contains(got, "alice") != (name == "good") {
					t.Errorf("%s: %v\n%s", name, err, got)
				}
			}
		}
		required := newRig(t, environ, https.Options{Settings: https.Settings{ClientAuth: https.RequireClientAuth, ClientCAs: authority.Pool}})
		for name, c := range certs {
			got, err := ask(required, c, version, nil)
			if (err == nil) != (name == "good") {
				t.Errorf("%s: %v", name, err)
			}
			if name == "good" && (!strings.Contains(got, "\nSSL_CLIENT_S_DN=CN=alice,O=Shop\\, Inc\n") || !strings.Contains(got, "SSL_CLIENT_I_DN=CN=test CA\n")) {
				t.Error(got)
			}
		}
		required.wait(t, "client_certificate", 4)
	}
}

// The watch sees the socket below TLS: a reset ends the request's context, and a half-close does
// not.
func TestDisconnect(t *testing.T) {
	began, gone := make(chan struct{}), make(chan bool)
	r := newRig(t, func(w http.ResponseWriter, r *http.Request) {
		began <- struct{}{}
		if r.URL.Path == "/half" {
			time.Sleep(200 * time.Millisecond) // longer than a half-close may be late
			fmt.Fprint(w, "whole")
			return
		}
		select {
		case <-r.Context().Done():
			gone <- true
		case <-time.After(patience):
			gone <- false
		}
	}, https.Options{})
	c := r.dial(t)
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
	<-began
	_ = c.NetConn().(*net.TCPConn).SetLinger(0)
	c.NetConn().Close()
	if !<-gone {
		t.Error("the handler does not see that its client has disconnected")
	}
	c = r.dial(t)
	fmt.Fprint(c, "GET /half HTTP/1.1\r\nHost: localhost\r\n\r\n")
	<-began
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(resp.Body); string(b) != "whole" || err != nil {
		t.Errorf("%s %v", b, err)
	}
}

// An answer that ends too early ends without a close_notify, a whole one with it.
func TestCut(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "half")
		_ = http.NewResponseController(w).Flush()
		if r.URL.Path == "/cut" {
			panic(http.ErrAbortHandler)
		}
	}, https.Options{})
	for path, whole := range map[string]bool{"/cut": false, "/whole": true} {
		c := r.dial(t)
		fmt.Fprintf(c, "GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n", path)
		_, err := io.ReadAll(c)
		if (err == nil) != whole {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// Shutdown answers what was asked, and Close ends connections whose clients take nothing.
func TestStop(t *testing.T) {
	began, end := make(chan struct{}), make(chan struct{})
	r := newRig(t, func(w http.ResponseWriter, _ *http.Request) {
		close(began)
		<-end
		fmt.Fprint(w, "done")
	}, https.Options{})
	idle, busy := r.dial(t), r.dial(t)
	fmt.Fprint(busy, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
	<-began
	stopped := make(chan error, 1)
	go func() { stopped <- r.group.Shutdown(context.Background()) }()
	if _, err := idle.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("an idle connection: %v", err)
	}
	close(end)
	resp, err := http.ReadResponse(bufio.NewReader(busy), nil)
	if err != nil || !resp.Close {
		t.Errorf("%v %+v", err, resp)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// fake is a protocol behind ALPN.
type fake struct{ name string }

func (f fake) ServeConn(nc net.Conn) {
	defer nc.Close()
	fmt.Fprintf(nc, "%s %s", f.name, nc.(*https.Conn).State().NegotiatedProtocol)
}
func (fake) Leave()                         {}
func (fake) Shutdown(context.Context) error { return nil }
func (fake) Close() error                   { return nil }

func TestALPN(t *testing.T) {
	r := newRig(t, echo, https.Options{}, https.Named{Name: "h2", Protocol: fake{"fake"}})
	c, err := tls.Dial("tcp", r.address, &tls.Config{RootCAs: r.ca.Pool, ServerName: "localhost", NextProtos: []string{"http/1.1", "h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if b, err := io.ReadAll(c); string(b) != "fake h2" || err != nil {
		t.Errorf("%q %v", b, err)
	}
	if got := get(t, r.client(&tls.Config{NextProtos: []string{"http/1.1"}}), "https://"+r.address+"/"); got != "GET / https 0" {
		t.Error(got)
	}
}
