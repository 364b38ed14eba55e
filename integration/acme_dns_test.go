package integration

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/standpipe/standpipe/integration/testca"
	"github.com/standpipe/standpipe/integration/testdns"
)

// A wildcard by dynamic updates; what a DNS server may refuse is an error that names the zone and the server.
func TestDynamicUpdates(t *testing.T) {
	t.Parallel()
	ca := newACME(t, nil)
	o := ca.options(t, "--https", "*.example.test,shop.example.test", "--acme-dns", "rfc2136", "--acme-dns-server", ca.Addr, "--acme-dns-resolvers", ca.Addr, "--acme-dns-wait", "1m", "--acme-dns-key-name", testdns.KeyName)
	key := "STANDPIPE_ACME_DNS_KEY=" + testdns.Key
	for _, c := range []struct {
		env, server, wait string
		prepare           func(bool)
		words             []string
	}{
		{env: "STANDPIPE_ACME_DNS_KEY=b3RoZXI=", words: []string{"NOTAUTH", "acme_dns_key", "example.test.", ca.Addr}},
		{env: key, prepare: ca.Refuse, words: []string{"REFUSED", "example.test.", ca.Addr}},
		{env: key, wait: "3s", prepare: ca.Hide, words: []string{"acme_dns_wait", "_acme-challenge.", "example.test.", ca.Addr}},
		{env: key, server: "127.0.0.1:1", words: []string{"example.test.", "127.0.0.1:1"}},
	} {
		o.Env = []string{c.env}
		if c.prepare != nil {
			c.prepare(true)
		}
		wrong := o
		if c.server != "" {
			wrong.Args = append(wrong.Args[:len(wrong.Args):len(wrong.Args)], "--acme-dns-server", c.server)
		}
		if c.wait != "" {
			wrong.Args = append(wrong.Args[:len(wrong.Args):len(wrong.Args)], "--acme-dns-wait", c.wait)
		}
		s := start(t, wrong)
		r := s.waitEvent("certificate_failed")
		if !holds(r.str("error"), c.words...) {
			t.Errorf("%q are not all in %v", c.words, r)
		}
		s.stop()
		if c.prepare != nil {
			c.prepare(false)
		}
		if err := os.RemoveAll(ca.dir + "/certificates"); err != nil {
			t.Fatal(err)
		}
	}
	o.Env = []string{key}
	s := start(t, o)
	if leaf := ca.issued(t, "any.example.test"); leaf.VerifyHostname("any.example.test") != nil {
		t.Error(leaf.DNSNames)
	}
	ca.issued(t, "shop.example.test")
	eventually(t, "the records are removed", func() bool { return ca.Left() == 0 })
	if seen := ca.Seen(); len(seen) < 2 {
		t.Errorf("%q", seen)
	}
	if text := s.stderrText(); strings.Contains(text, testdns.Key) {
		t.Error("the key is in the log")
	}
}

// cloudflare is the HTTP API of Cloudflare, as far as records need it, over the DNS server of the CA. The server finds it by a proxy.
type cloudflare struct {
	ca *acmeCA
	t  testing.TB

	mu      sync.Mutex
	records map[string][2]string // name and value, by id
	refuse  string               // the message of an error for each change; empty: none
	asked   int
}

func (c *cloudflare) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	reply := func(status int, v map[string]any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		if err := json.NewEncoder(w).Encode(v); err != nil {
			c.t.Error(err)
		}
	}
	refused := func(status, code int, text string) {
		reply(status, map[string]any{"success": false, "errors": []any{map[string]any{"code": code, "message": text}}, "result": nil})
	}
	path, ok := strings.CutPrefix(r.URL.Path, "/client/v4/zones")
	id, change := strings.CutPrefix(path, "/zone1/dns_records")
	switch {
	case r.Host != "api.cloudflare.com" || !ok:
		c.t.Errorf("%s %s", r.Host, r.URL)
		refused(404, 7003, "no such path")
	case r.Header.Get("Authorization") != "Bearer token-1":
		refused(403, 9109, "Invalid access token")
	case path == "" && r.FormValue("name") == "example.test":
		reply(200, map[string]any{"success": true, "result": []any{map[string]string{"id": "zone1", "name": "example.test"}}})
	case path == "":
		reply(200, map[string]any{"success": true, "result": []any{}})
	case !change:
		refused(404, 7003, "no such zone")
	case r.Method == http.MethodGet:
		list := []any{}
		for id, one := range c.records {
			if one[0] == r.FormValue("name") && r.FormValue("type") == "TXT" {
				list = append(list, map[string]string{"id": id, "type": "TXT", "name": one[0], "content": one[1]})
			}
		}
		reply(200, map[string]any{"success": true, "result": list})
	case c.refuse != "":
		refused(400, 81057, c.refuse)
	case r.Method == http.MethodPost:
		var made struct{ Type, Name, Content string }
		if err := json.NewDecoder(r.Body).Decode(&made); err != nil || made.Type != "TXT" {
			c.t.Errorf("%+v %v", made, err)
		}
		id := fmt.Sprintf("record%d", c.asked)
		c.records[id] = [2]string{made.Name, made.Content}
		c.ca.Set(made.Name, strings.Trim(made.Content, `"`), true)
		reply(200, map[string]any{"success": true, "result": map[string]string{"id": id}})
	case r.Method == http.MethodDelete:
		one := c.records[strings.TrimPrefix(id, "/")]
		delete(c.records, strings.TrimPrefix(id, "/"))
		c.ca.Set(one[0], strings.Trim(one[1], `"`), false)
		reply(200, map[string]any{"success": true, "result": map[string]string{"id": id}})
	default:
		refused(405, 7001, r.Method)
	}
}

// connectProxy is a proxy whose every CONNECT leads to handler, by TLS with a certificate for the host that is asked for.
func connectProxy(t testing.TB, a *authority, handler http.Handler) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	made := a.Sign(t, testca.For("api.cloudflare.com"))
	inside := &http.Server{Handler: handler}
	proxy := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || r.Host != "api.cloudflare.com:443" {
			http.Error(w, r.Method+" "+r.Host, http.StatusForbidden)
			return
		}
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
		go func() {
			_ = inside.Serve(&oneConn{tls.Server(c, &tls.Config{Certificates: []tls.Certificate{*made.Certificate}}), make(chan struct{})})
		}()
	})}
	go func() { _ = proxy.Serve(l) }()
	t.Cleanup(func() { proxy.Close(); _ = inside.Shutdown(context.WithoutCancel(t.Context())) })
	return "http://" + l.Addr().String()
}

// oneConn is a listener that has one connection.
type oneConn struct {
	c    net.Conn
	done chan struct{}
}

func (o *oneConn) Accept() (net.Conn, error) {
	if c := o.c; c != nil {
		o.c = nil
		return c, nil
	}
	<-o.done
	return nil, net.ErrClosed
}
func (o *oneConn) Close() error {
	select {
	case <-o.done:
	default:
		close(o.done)
	}
	return nil
}
func (o *oneConn) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// A wildcard by the API of Cloudflare, which is reached by the proxy of the environment; its errors are told, its token is not.
func TestCloudflareAPI(t *testing.T) {
	t.Parallel()
	ca := newACME(t, nil)
	a := newAuthority(t, "test CA")
	api := &cloudflare{ca: ca, t: t, records: map[string][2]string{}}
	dir := project(t, map[string]string{"ca.pem": a.pem})
	o := ca.options(t, "--https", "*.example.test", "--acme-dns", "cloudflare", "--acme-dns-resolvers", ca.Addr, "--acme-dns-wait", "20s")
	proxy := connectProxy(t, a, api)
	env := func(token string) []string {
		return []string{"HTTPS_PROXY=" + proxy, "SSL_CERT_FILE=" + dir + "/ca.pem", "STANDPIPE_ACME_DNS_TOKEN=" + token}
	}
	o.Env = env("token-2")
	s := start(t, o)
	s.refusedCertificate("*.example.test", "9109 Invalid access token", "example.test", "Cloudflare")
	if strings.Contains(s.stderrText(), "token-2") {
		t.Error("the token is in the log")
	}
	s.stop()
	api.mu.Lock()
	api.refuse = "An identical record already exists."
	api.mu.Unlock()
	o.Env = env("token-1")
	s = start(t, o)
	s.refusedCertificate("*.example.test", "81057 An identical record", "example.test", "Cloudflare")
	api.mu.Lock()
	api.refuse = ""
	api.mu.Unlock()
	s.must("certs", "renew", "*.example.test")
	if leaf := ca.leaf("any.example.test"); leaf == nil || leaf.VerifyHostname("any.example.test") != nil {
		t.Error(leaf)
	}
	eventually(t, "the records are removed", func() bool { return ca.Left() == 0 })
	api.mu.Lock()
	defer api.mu.Unlock()
	if len(api.records) != 0 {
		t.Errorf("%v", api.records)
	}
}
