package https_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/standpipe/standpipe/bridge/https"
	"github.com/standpipe/standpipe/integration/testca"
)

// New settings are for new handshakes, and no session of others gets around them: a ticket is good
// where clients are authenticated in the same way alone.
func TestSet(t *testing.T) {
	authority, other := testca.New(t, "test CA"), testca.New(t, "other CA")
	alice := authority.Sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: "alice"}}).Certificate
	keys := [][32]byte{{1}, {2}}
	off := https.Settings{}
	request := https.Settings{ClientAuth: https.RequestClientAuth, ClientCAs: authority.Pool, Scope: "request, test CA"}
	require := https.Settings{ClientAuth: https.RequireClientAuth, ClientCAs: authority.Pool, Scope: "require, test CA"}
	foreign := https.Settings{ClientAuth: https.RequireClientAuth, ClientCAs: other.Pool, Scope: "require, other CA"}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		r := newRig(t, echo, https.Options{Settings: off})
		r.SetTicketKeys(keys)
		ask := func(cache tls.ClientSessionCache, with *tls.Certificate) (resumed, ok bool) {
			t.Helper()
			client := r.client(&tls.Config{MaxVersion: version, ClientSessionCache: cache, GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return with, nil }})
			defer client.CloseIdleConnections()
			resp, err := client.Get("https://" + r.address + "/")
			if err != nil {
				return false, false
			}
			defer resp.Body.Close()
			_, _ = io.Copy(io.Discard, resp.Body)
			return resp.TLS.DidResume, true
		}
		kept := r.dial(t)
		r.Set(require) // which does not touch a connection from before
		fmt.Fprint(kept, "GET /kept HTTP/1.1\r\nHost: localhost\r\n\r\n")
		if resp, err := http.ReadResponse(bufio.NewReader(kept), nil); err != nil || resp.StatusCode != 200 {
			t.Errorf("%x: the connection from before: %v", version, err)
		}
		none := &tls.Certificate{}
		for _, c := range []struct {
			name          string
			before, after https.Settings
			with          *tls.Certificate
			resumed, ok   bool
		}{
			{"the same", off, off, none, true, true},
			{"the lowest version", off, https.Settings{MinVersion: tls.VersionTLS12}, none, true, true},
			{"asked for now", off, request, alice, false, true},
			{"required now, and there", off, require, alice, false, true},
			{"required now, and not there", off, require, none, false, false},
			{"required after it was optional", request, require, none, false, false},
			{"required twice", require, require, alice, true, true},
			{"another CA", require, foreign, alice, false, false},
			{"not asked for any more", require, off, alice, false, true},
		} {
			cache := tls.NewLRUClientSessionCache(1)
			r.Set(c.before)
			if _, ok := ask(cache, c.with); !ok {
				t.Fatalf("%x, %s: no first connection", version, c.name)
			}
			r.Set(c.after)
			if resumed, ok := ask(cache, c.with); resumed != c.resumed || ok != c.ok {
				t.Errorf("%x, %s: resumed %v, served %v", version, c.name, resumed, ok)
			}
		}
		// New keys, the old one still among them; and then without it.
		r.Set(require)
		cache := tls.NewLRUClientSessionCache(1)
		ask(cache, alice)
		r.SetTicketKeys([][32]byte{{3}, {1}})
		if resumed, ok := ask(cache, alice); !resumed || !ok {
			t.Errorf("%x: a ticket of the key before is not taken", version)
		}
		r.SetTicketKeys([][32]byte{{4}})
		if resumed, ok := ask(cache, alice); resumed || !ok {
			t.Errorf("%x: a ticket of a key that has gone: resumed %v, served %v", version, resumed, ok)
		}
	}
}
