package integration

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// The alerts of TLS that are expected (RFC 8446 6).
const (
	alertHandshakeFailure = 40
	alertProtocolVersion  = 70
	alertFallback         = 86
	alertNoProtocol       = 120
)

// What testssl.sh looks for in a first answer: versions, suites, compression, downgrades, extensions.
func TestTLSHellos(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "test CA")
	s := secureServer(t, a, secureListen, nil)
	good := []uint16{0xc02b, 0xc02f}
	for name, c := range map[string]struct {
		version uint16
		want    greeting
	}{"SSL 3": {0x0300, greeting{alert: alertProtocolVersion}}, "TLS 1.0": {0x0301, greeting{alert: alertProtocolVersion}}, "TLS 1.1": {0x0302, greeting{alert: alertProtocolVersion}}} {
		if g := greet(t, s.Addr, clientHello{version: c.version, suites: good}.bytes()); g.alert != c.want.alert {
			t.Errorf("%s: %+v", name, g)
		}
		if g := greet(t, s.Addr, clientHello{version: c.version, suites: append([]uint16{0x5600}, good...)}.bytes()); g.alert == 0 && !g.closed {
			t.Errorf("%s, a fallback: %+v", name, g)
		}
	}
	if g := greet(t, s.Addr, []byte("\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10\x01\x00\x80\x02\x00\x80\x03\x00\x80\x04\x00\x80\x05\x00\x80\x06\x00\x40\x07\x00\xc0"+strings.Repeat("x", 16))); g.alert != alertProtocolVersion {
		t.Errorf("SSL 2: %+v", g)
	}

	// TLS 1.2, with what makes a downgrade or a heart bleed.
	extra := slices.Concat(ext(0xff01, []byte{0}), ext(23, nil), ext(15, []byte{1}), ext(35, nil))
	g := greet(t, s.Addr, clientHello{suites: good, compression: []byte{1, 0}, extensions: extra, name: "localhost"}.bytes())
	if g.version != 0x0303 || g.suite != 0xc02b || g.compression != 0 {
		t.Errorf("TLS 1.2: %+v", g)
	}
	for kind, want := range map[uint16]bool{0xff01: true /* renegotiation_info */, 23: true /* extended_master_secret */, 15: false /* heartbeat */, 35: true /* session_ticket */} {
		if _, has := g.extensions[kind]; has != want {
			t.Errorf("extension %d: %v", kind, has)
		}
	}
	if g := greet(t, s.Addr, clientHello{suites: append([]uint16{0x5600}, good...)}.bytes()); g.alert != alertFallback {
		t.Errorf("a client that speaks TLS 1.3 is made to speak 1.2: %+v", g)
	}
	for name, methods := range map[string][]byte{"deflate": {1}, "none at all": {}} {
		if g := greet(t, s.Addr, clientHello{suites: good, compression: methods}.bytes()); g.alert == 0 && !g.closed {
			t.Errorf("compression, %s: %+v", name, g)
		}
	}
	// All other suites together: without forward secrecy, export, NULL, anonymous, RC4, DES, 3DES, and those of SHA-256 in CBC mode.
	ours := []uint16{0xc02b, 0xc02c, 0xcca9, 0xc009, 0xc00a} // of a certificate with ECDSA
	var others []uint16
	for i := range uint16(0x0100) {
		others = append(others, i, 0xc000|i, 0xcc00|i)
	}
	others = slices.DeleteFunc(others, func(id uint16) bool { return slices.Contains(ours, id) })
	if g := greet(t, s.Addr, clientHello{suites: others}.bytes()); g.alert != alertHandshakeFailure {
		t.Errorf("a suite that is not safe is taken: %+v", g)
	}
	for _, id := range ours {
		if g := greet(t, s.Addr, clientHello{suites: []uint16{id}}.bytes()); g.suite != id {
			t.Errorf("%s: %+v", tls.CipherSuiteName(id), g)
		}
	}
	// The server's preference counts: AEAD before CBC.
	if g := greet(t, s.Addr, clientHello{suites: []uint16{0xc009, 0xc00a, 0xc02c, 0xc02b}}.bytes()); g.suite != 0xc02b && g.suite != 0xc02c {
		t.Errorf("CBC is preferred: %+v", g)
	}
	if g := greet(t, s.Addr, clientHello{suites: good, extensions: ext(16, []byte("\x00\x07\x06spdy/3"))}.bytes()); g.alert != alertNoProtocol {
		t.Errorf("an unknown protocol in ALPN: %+v", g)
	}
	if g := greet(t, s.Addr, clientHello{suites: good, extensions: ext(16, []byte("\x00\x0c\x02h3\x08http/1.1"))}.bytes()); string(g.extensions[16]) != "\x00\x09\x08http/1.1" {
		t.Errorf("ALPN: %+v", g)
	}

	// Sizes: a hello in many records, one as large as a client's may be, one that is too large, and lengths that lie.
	padded := clientHello{suites: good, extensions: ext(21, make([]byte, 40_000)), name: "localhost"}
	if g := greet(t, s.Addr, inRecords(0x0301, padded.message(), 1000)); g.suite != 0xc02b {
		t.Errorf("a hello of 40,000 bytes in many records: %+v", g)
	}
	for name, p := range map[string][]byte{
		"a message of 16 MiB": append([]byte("\x16\x03\x01\x40\x00\x01\xff\xff\xff"), make([]byte, 1<<14-4)...),
		"a message of 70,000": inRecords(0x0301, append([]byte{1, 1, 0x11, 0x70}, make([]byte, 70_000)...), 1<<14),
		"a record of 65,535":  append([]byte("\x16\x03\x01\xff\xff"), make([]byte, 65_535)...),
		"empty records":       []byte(strings.Repeat("\x16\x03\x01\x00\x00", 100)),
		"a cut extension":     clientHello{suites: good, extensions: []byte{0, 16, 0xff}}.bytes(),
		"two names":           clientHello{suites: good, extensions: ext(0, []byte("\x00\x04\x00\x00\x01a")), name: "localhost"}.bytes(),
	} {
		if g := greet(t, s.Addr, p); g.alert == 0 && !g.closed {
			t.Errorf("%s: %+v", name, g)
		}
	}
	for _, name := range []string{strings.Repeat("a.", 500) + "example.org", "127.0.0.1", "a..b", "x\x00y", "*.example.org"} {
		if g := greet(t, s.Addr, clientHello{suites: good, name: name}.bytes()); g.suite != 0xc02b && g.alert == 0 {
			t.Errorf("the name %.20q: %+v", name, g)
		}
	}
	s.counts(map[string]float64{`standpipe_tls_handshake_failures_total{reason="version"}`: 3, `standpipe_tls_handshake_failures_total{reason="cipher"}`: 1,
		`standpipe_tls_handshake_failures_total{reason="protocol"}`: 1, `standpipe_tls_handshake_failures_total{reason="not_tls"}`: 1})
	if _, _, err := page(secureClient(a, nil), s.URL); err != nil {
		t.Error(err)
	}
}

// Each key exchange of today is spoken, and a client that offers several gets one that no quantum computer breaks.
func TestTLSKeyExchange(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "test CA")
	s := secureServer(t, a, secureListen, nil)
	for _, curve := range []tls.CurveID{tls.X25519MLKEM768, tls.SecP256r1MLKEM768, tls.SecP384r1MLKEM1024, tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521} {
		resp, _, err := page(secureClient(a, &tls.Config{CurvePreferences: []tls.CurveID{curve}}), s.URL)
		if err != nil || resp.TLS.CurveID != curve {
			t.Errorf("%v: %v", curve, err)
		}
	}
	for _, list := range [][]tls.CurveID{nil, {tls.CurveP256, tls.X25519, tls.X25519MLKEM768}} {
		resp, _, err := page(secureClient(a, &tls.Config{CurvePreferences: list}), s.URL)
		if err != nil || resp.TLS.CurveID != tls.X25519MLKEM768 {
			t.Errorf("%v: %v", list, err)
		}
	}
}

// A client cannot renegotiate, and its connection does no harm.
func TestTLSRenegotiation(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("openssl"); err != nil {
		skip(t, "no-program", err.Error())
	}
	a := newAuthority(t, "test CA")
	s := secureServer(t, a, secureListen, nil)
	c := exec.Command("openssl", "s_client", "-connect", s.Addr, "-servername", "localhost", "-CAfile", s.Cmd.Dir+"/ca.pem", "-tls1_2")
	in, err := c.StdinPipe() // it stays open: at its end openssl would not wait for the answer
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(in, "R\n"); err != nil {
		t.Fatal(err)
	}
	killer := time.AfterFunc(patience, func() { _ = c.Process.Kill() })
	defer killer.Stop()
	out, err := c.CombinedOutput()
	if text := string(out); err == nil || !strings.Contains(text, "RENEGOTIATING") || !strings.Contains(text, "alert number 10") || !strings.Contains(text, "Secure Renegotiation IS supported") {
		t.Error(text)
	}
}

// A handshake that comes byte by byte ends with header_timeout, at the hello and behind it.
func TestTLSTrickle(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "test CA")
	s := secureServer(t, a, secureListen+"[limits]\nheader_timeout = \"8s\"\n", nil)
	first := clientHello{suites: []uint16{0xc02b}, extensions: ext(21, make([]byte, 600)), name: "localhost"}
	var three sync.WaitGroup
	defer three.Wait()
	whole, pieces, c := dialFor(t, s.Addr), dialFor(t, s.Addr), dialFor(t, s.Addr)
	three.Go(func() { trickle(t, whole, first.bytes()) })
	three.Go(func() { trickle(t, pieces, []byte(strings.Repeat("\x16\x03\x01\x00\x01\x01", 200))) })
	if _, err := c.Write(first.bytes()); err != nil {
		t.Fatal(err)
	}
	if g := readGreeting(t, c); g.suite != 0xc02b {
		t.Fatalf("%+v", g)
	}
	trickle(t, c, append([]byte{22, 3, 3, 2, 0, 16, 0, 1, 252}, make([]byte, 600)...)) // a ClientKeyExchange
	three.Wait()
	eventually(t, "they are counted", func() bool {
		return s.metrics("unix", s.controlSocket())[`standpipe_tls_handshake_failures_total{reason="timeout"}`] >= 2
	})
}

// Certificates of clients that are not for clients, or not signed by a CA that is named; and keys that are not theirs.
func TestTLSBadClientCertificates(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "test CA")
	s := secureServer(t, a, secureListen+"client_ca = \"ca.pem\"\n", nil)
	subject := pkix.Name{CommonName: "alice"}
	good, _, _ := a.sign(t, &x509.Certificate{Subject: subject})
	server, _, _ := a.sign(t, &x509.Certificate{Subject: subject, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	early, _, _ := a.sign(t, &x509.Certificate{Subject: subject, NotBefore: time.Now().Add(time.Hour)})
	stolen := tls.Certificate{Certificate: good.Certificate, PrivateKey: server.PrivateKey}
	for name, c := range map[string]struct {
		cert tls.Certificate
		ok   bool
	}{"good": {good, true}, "for servers": {server, false}, "not valid yet": {early, false}, "without its key": {stolen, false}} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			for _, two := range []bool{false, true} {
				o := &tls.Config{MaxVersion: version, GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &c.cert, nil }}
				client := secureClient(a, o)
				if two {
					client = secureTwo(t, a, o)
				}
				if _, _, err := page(client, s.URL); (err == nil) != c.ok {
					t.Errorf("%s, %x, HTTP/2 %v: %v", name, version, two, err)
				}
				client.CloseIdleConnections()
			}
		}
	}
}

// A request in clear text behind a good handshake is none, and a record that was changed ends the connection.
func TestTLSRecords(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "test CA")
	s := secureServer(t, a, secureListen, nil)
	for name, p := range map[string]string{"clear text": "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "a changed record": "\x17\x03\x03\x00\x20" + strings.Repeat("x", 32), "a long record": "\x17\x03\x03\x48\x01" + strings.Repeat("x", 0x4801)} {
		c := dialFor(t, s.Addr)
		secure := tls.Client(c, &tls.Config{RootCAs: a.pool, ServerName: "localhost", MaxVersion: tls.VersionTLS12})
		if err := secure.Handshake(); err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(c, p)
		if b, err := io.ReadAll(secure); err == nil || len(b) > 0 {
			t.Errorf("%s: %q %v", name, b, err)
		}
	}
}
