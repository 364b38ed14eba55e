package integration

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A server gets its certificate from a CA by itself, answers https with it, redirects http, and has it again after a restart.
func TestAutomaticHTTPS(t *testing.T) {
	t.Parallel()
	ca := newACME(t, nil)
	o := ca.options(t, "--https", "shop.example.test")
	s := start(t, o)
	before := ca.issued(t, "shop.example.test")
	if err := before.VerifyHostname("shop.example.test"); err != nil {
		t.Error(err)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{ServerName: "shop.example.test", InsecureSkipVerify: true}}}
	defer client.CloseIdleConnections()
	if answer, _, err := page(client, fmt.Sprintf("https://127.0.0.1:%d/livez", ca.secure)); err != nil || answer.StatusCode != http.StatusOK {
		t.Error(answer, err)
	}
	if info, err := os.Stat(ca.dir + "/certificates"); err != nil || info.Mode().Perm() != 0o700 {
		t.Error(info, err)
	}
	if list := s.certs(); len(list) != 1 || len(list[0].Names) != 1 || list[0].Names[0] != "shop.example.test" || list[0].Issuer == "" || list[0].Source != "acme" ||
		list[0].DaysLeft == nil || *list[0].DaysLeft != 89 || list[0].Error != "" || time.Until(list[0].Next) < 59*24*time.Hour || time.Until(list[0].Next) > 61*24*time.Hour {
		t.Errorf("%+v", list)
	}
	if out := s.must("certs"); !strings.Contains(out, "shop.example.test") || !strings.Contains(out, "acme") || !strings.Contains(out, " 89 ") {
		t.Error(out)
	}
	s.must("certs", "renew", "SHOP.example.test")
	renewed := ca.leaf("shop.example.test")
	if renewed == nil || renewed.Equal(before) {
		t.Error("the old certificate after a renewal")
	}
	if r := s.order("certs", "renew", "other.example.test"); r.code != 2 || !r.names("shop.example.test") {
		t.Errorf("%+v", r)
	}
	s.stop()
	start(t, o)
	if after := ca.leaf("shop.example.test"); after == nil || !after.Equal(renewed) {
		t.Error("another certificate after a restart")
	}
}

// With --https alone there are the ports 443 and 80, and the second one redirects: path and query stay. What a CA and a health
// check ask for is answered by http.
func TestAutomaticRedirect(t *testing.T) {
	t.Parallel()
	ca := newACME(t, map[string]any{"tlsPort": 1}) // HTTP-01 is the only way
	dir := project(t, map[string]string{"app.py": secureApp, "standpipe.toml": fmt.Sprintf(`
[acme]
https = ["shop.example.test"]
acme_ca = [%q]
acme_ca_roots = %q
acme_storage = "certificates"
[[listen]]
address = "https://127.0.0.1:%d"
[[listen]]
address = "127.0.0.1:%d"
redirect_https = "on"
[[app]]
name = "shop"
module = "app:app"
`, ca.URL, ca.roots, ca.secure, ca.plain)})
	start(t, opts{Dir: dir, Bare: true, Args: []string{"-c", "standpipe.toml", "--log-format", "json"}})
	ca.issued(t, "shop.example.test")
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	plain := fmt.Sprintf("http://127.0.0.1:%d", ca.plain)
	for target, want := range map[string]int{"/a%2Fb/?q=1&r=%20": 308, "/": 308, "/livez": 200, "/.well-known/acme-challenge/unknown": 308} {
		r, err := http.NewRequest(http.MethodPost, plain+target, strings.NewReader("x=1"))
		if strings.HasPrefix(target, "/livez") || strings.HasPrefix(target, "/.well") {
			r, err = http.NewRequest(http.MethodGet, plain+target, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "shop.example.test"
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%s: %s, want %d", target, answer.Status, want)
		}
		if to := answer.Header.Get("Location"); want == 308 && to != fmt.Sprintf("https://shop.example.test:%d%s", ca.secure, target) {
			t.Errorf("%s: redirected to %s", target, to)
		}
	}
}

// A CA that issues for accounts of its own alone: the key that it gave works, and another one or none is an error that says so.
func TestExternalAccount(t *testing.T) {
	t.Parallel()
	const key = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2U"
	ca := newACME(t, map[string]any{"externalAccountBindingRequired": true, "externalAccountMACKeys": map[string]string{"account-1": key}})
	s := start(t, ca.options(t, "--https", "shop.example.test"))
	s.refusedCertificate("shop.example.test", "externalAccountRequired", "acme_eab_id", ca.host())
	s.stop()
	o := ca.options(t, "--https", "shop.example.test", "--acme-eab-id", "account-1")
	const wrong = "b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhlcm90aGVyb3Q"
	o.Env = []string{"STANDPIPE_ACME_EAB_KEY=" + wrong}
	s = start(t, o)
	s.refusedCertificate("shop.example.test", "unauthorized", "acme_eab_key", ca.host())
	if strings.Contains(s.stderrText(), wrong) {
		t.Error("the key is in the log")
	}
	s.stop()
	o.Env = []string{"STANDPIPE_ACME_EAB_KEY=no base64!"}
	if r := run(t, o.Dir, o.Env, append([]string{"check", o.App}, o.Args...)...); r.code != 2 || !r.names("STANDPIPE_ACME_EAB_KEY") || r.names("no base64!") {
		t.Errorf("%+v", r)
	}
	o.Env = []string{"STANDPIPE_ACME_EAB_KEY=" + key + "="} // some CAs write the padding
	s = start(t, o)
	ca.issued(t, "shop.example.test")
	if list := s.certs(); len(list) != 1 || list[0].Error != "" {
		t.Errorf("%+v", list)
	}
	if strings.Contains(s.stderrText(), key) {
		t.Error("the key is in the log")
	}
}

// Certificates for a name and for an address, by a profile of the CA; a profile that it does not have is refused with its name.
func TestAddressAndProfile(t *testing.T) {
	t.Parallel()
	ca := newACME(t, map[string]any{"profiles": map[string]any{
		"default": map[string]any{"description": "three months", "validityPeriod": 7776000}, "week": map[string]any{"description": "a week", "validityPeriod": 604800},
	}})
	s := start(t, ca.options(t, "--https", "shop.example.test", "--acme-profile", "year"))
	s.refusedCertificate("shop.example.test", "year", ca.host())
	s.stop()
	own := outsideAddress(t)
	o := ca.options(t, "--https", own+",shop.example.test", "--acme-profile", "week")
	o.Listen = []string{fmt.Sprintf("https://:%d", ca.secure), fmt.Sprintf(":%d", ca.plain)}
	s = start(t, o)
	leaf := ca.issued(t, "shop.example.test")
	if life := leaf.NotAfter.Sub(leaf.NotBefore).Round(time.Hour); life != 7*24*time.Hour {
		t.Errorf("it is valid for %v", life)
	}
	eventually(t, "both are listed", func() bool {
		n := 0
		for _, row := range s.certs() {
			if row.DaysLeft != nil && *row.DaysLeft == 6 {
				n++
			}
		}
		return n == 2
	})
	c, err := tls.Dial("tcp", fmt.Sprintf("%s:%d", own, ca.secure), &tls.Config{InsecureSkipVerify: true}) // without SNI: the name is an address
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if leaf := c.ConnectionState().PeerCertificates[0]; leaf.VerifyHostname(own) != nil {
		t.Errorf("%s gets the certificate of %v %v", own, leaf.DNSNames, leaf.IPAddresses)
	}
}

// Certificates that are valid for a minute are renewed under load: each handshake gets one that is valid, no request fails, and
// connections from before the renewal stay open.
func TestBriefCertificates(t *testing.T) {
	t.Parallel()
	ca := newACME(t, map[string]any{"profiles": map[string]any{"default": map[string]any{"description": "a minute", "validityPeriod": 60}}})
	s := start(t, ca.options(t, "--https", "shop.example.test"))
	first := ca.issued(t, "shop.example.test")
	var stop atomic.Bool
	var done atomic.Int64
	var wg sync.WaitGroup
	url := fmt.Sprintf("https://127.0.0.1:%d/", ca.secure)
	wg.Go(func() { // one connection from before; net/http's client leaves one if its own goroutines are late
		c, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", ca.secure), &tls.Config{ServerName: "shop.example.test", InsecureSkipVerify: true})
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(2 * patience))
		for in := bufio.NewReader(c); !stop.Load(); time.Sleep(5 * time.Millisecond) {
			_, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: shop.example.test\r\n\r\n")
			answer, readErr := http.ReadResponse(in, nil)
			if err != nil || readErr != nil || answer.StatusCode != http.StatusOK {
				t.Error(answer, err, readErr)
				return
			}
			_, _ = io.Copy(io.Discard, answer.Body)
			done.Add(1)
		}
	})
	for range 2 {
		wg.Go(func() {
			client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{
				ServerName: "shop.example.test", InsecureSkipVerify: true, ClientSessionCache: tls.NewLRUClientSessionCache(1),
			}}}
			for !stop.Load() {
				began := time.Now()
				answer, err := client.Get(url)
				if err != nil || answer.StatusCode != http.StatusOK {
					t.Error(answer, err)
					return
				}
				_, _ = io.Copy(io.Discard, answer.Body)
				answer.Body.Close()
				if leaf := answer.TLS.PeerCertificates[0]; !answer.TLS.DidResume && began.After(leaf.NotAfter) {
					t.Errorf("a handshake got a certificate that expired at %v", leaf.NotAfter)
				}
				done.Add(1)
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	eventually(t, "a renewal", func() bool { leaf := ca.leaf("shop.example.test"); return leaf != nil && !leaf.Equal(first) })
	stop.Store(true)
	wg.Wait()
	if done.Load() < 50 {
		t.Errorf("%d requests", done.Load())
	}
	if list := s.events("certificate_failed"); len(list) > 0 {
		t.Error(list)
	}
}

// While no CA answers, the commands say why and when the next attempt is made, and a renewal fails.
func TestCertsWithoutCA(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, opts{
		App: "app:application", Dir: appDir(t, "wsgi_smoke"), Python: python(t), Listen: []string{"https://127.0.0.1:0", "127.0.0.1:0"},
		Args: []string{"--https", "shop.example.test", "--acme-ca", "https://127.0.0.1:1/dir", "--acme-storage", dir + "/certificates"},
	})
	failed := s.waitEvent("certificate_failed")
	var v struct {
		Certificates []struct {
			Names []string  `json:"names"`
			Days  *int      `json:"days_left"`
			Error string    `json:"error"`
			Next  time.Time `json:"next"`
		}
	}
	eventually(t, "the failure is listed", func() bool { // it is stored after the record is written
		v.Certificates = nil
		if err := json.Unmarshal([]byte(s.must("certs", "--json")), &v); err != nil {
			t.Fatal(err)
		}
		return len(v.Certificates) == 1 && v.Certificates[0].Error != ""
	})
	c := v.Certificates[0]
	if len(c.Names) != 1 || c.Names[0] != failed.str("name") || c.Days != nil || c.Error != failed.str("error") || time.Until(c.Next) <= 0 || time.Until(c.Next) > time.Minute {
		t.Errorf("%+v %v", c, failed)
	}
	if out := s.must("certs"); !strings.Contains(out, "none yet") || !strings.Contains(out, c.Next.Local().Format(time.DateTime)) {
		t.Error(out)
	}
	if r := s.order("certs", "renew", "shop.example.test"); r.code != 1 || !r.names("shop.example.test", "127.0.0.1:1") {
		t.Errorf("%+v", r)
	}
}
