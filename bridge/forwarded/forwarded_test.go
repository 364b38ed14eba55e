package forwarded

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/bridgetest"
	"github.com/standpipe/standpipe/bridge/httpx"
)

func mustTrust(t testing.TB, items ...string) *Trust {
	tr, err := ParseTrust(items)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// forward runs one request through a forwarder. peer "" is a unix socket.
func forward(f *forwarder, peer string, h http.Header) (*httpx.RequestInfo, *http.Request) {
	n := &httpx.RequestInfo{Scheme: "http", ServerPort: "8000", RemoteAddr: peer, RemotePort: "1"}
	if a, err := netip.ParseAddr(peer); err == nil {
		n.Peer = netip.AddrPortFrom(a, 1)
	}
	n.Trusted = f.trust.Peer(n.Peer.Addr())
	r := &http.Request{Header: h, Host: "own"}
	f.apply(n, r)
	return n, r
}

func newForwarder(tr *Trust, words ...string) *forwarder {
	fields, err := ParseFields(words)
	if err != nil {
		panic(err)
	}
	return &forwarder{trust: tr, fields: fields, log: hclog.NewNullLogger(), limit: httpx.LogLimiter{Every: time.Hour}}
}

// every field counts, but for Forwarded.
var every = slices.Concat([]string{"for", "proto", "host", "port", "prefix", "id"}, addressFields, schemeFields)

func TestTrustedProxies(t *testing.T) {
	h := func(kv ...string) http.Header {
		m := http.Header{}
		for i := 0; i < len(kv); i += 2 {
			m.Add(kv[i], kv[i+1])
		}
		return m
	}
	trust := mustTrust(t, "loopback", "unix", "10.0.0.0/8", "2001:db8::/32")
	by := map[string]*forwarder{"": newForwarder(trust, every...), "Forwarded": newForwarder(trust, "for", "proto", "host", "forwarded"), "default": newForwarder(trust, DefaultFields...)}
	for _, c := range []struct {
		name string
		peer string
		in   http.Header
		want string // remote scheme host port
		out  http.Header
	}{
		{"nothing", "10.0.0.1", h("X-A", "1"), "10.0.0.1 http own 8000", h("X-A", "1")},
		{"one client", "10.0.0.1", h("X-Forwarded-For", "1.2.3.4", "X-Forwarded-Proto", "https"), "1.2.3.4 https own 8000", h("X-Forwarded-For", "1.2.3.4", "X-Forwarded-Proto", "https")},
		{"spoofed in front", "127.0.0.1", h("X-Forwarded-For", "6.6.6.6, 1.2.3.4"), "1.2.3.4 http own 8000", h("X-Forwarded-For", "1.2.3.4")},
		{"two proxies", "10.0.0.1", h("X-Forwarded-For", "6.6.6.6, 1.2.3.4, 10.0.0.9"), "1.2.3.4 http own 8000", h("X-Forwarded-For", "1.2.3.4, 10.0.0.9")},
		{"two lines", "10.0.0.1", h("X-Forwarded-For", "6.6.6.6", "X-Forwarded-For", "1.2.3.4,10.0.0.9"), "1.2.3.4 http own 8000", h("X-Forwarded-For", "1.2.3.4, 10.0.0.9")},
		{"all trusted", "10.0.0.1", h("X-Forwarded-For", "10.0.0.8, 10.0.0.9"), "10.0.0.8 http own 8000", h("X-Forwarded-For", "10.0.0.8, 10.0.0.9")},
		{"rubbish in front", "10.0.0.1", h("X-Forwarded-For", "<script>, 10.0.0.9"), "10.0.0.9 http own 8000", h("X-Forwarded-For", "10.0.0.9")},
		{"rubbish last", "10.0.0.1", h("X-Forwarded-For", "1.2.3.4, unknown"), "10.0.0.1 http own 8000", h()},
		{"with ports", "10.0.0.1", h("X-Forwarded-For", "1.2.3.4:555"), "1.2.3.4 http own 8000", h("X-Forwarded-For", "1.2.3.4:555")},
		{"IPv6", "::1", h("X-Forwarded-For", "[2001:db9::1]:80, 2001:db8::2"), "2001:db9::1 http own 8000", h("X-Forwarded-For", "[2001:db9::1]:80, 2001:db8::2")},
		{"IPv4 in IPv6", "::ffff:10.0.0.1", h("X-Forwarded-For", "6.6.6.6, ::ffff:1.2.3.4, ::ffff:10.1.1.1"), "1.2.3.4 http own 8000", h("X-Forwarded-For", "::ffff:1.2.3.4, ::ffff:10.1.1.1")},
		{"unix peer", "", h("X-Forwarded-For", "1.2.3.4", "X-Forwarded-Proto", "HTTPS"), "1.2.3.4 https own 8000", h("X-Forwarded-For", "1.2.3.4", "X-Forwarded-Proto", "HTTPS")},
		{"proto list as long as the addresses", "10.0.0.1", h("X-Forwarded-For", "6.6.6.6, 1.2.3.4, 10.0.0.9", "X-Forwarded-Proto", "http, https, http"), "1.2.3.4 https own 8000", h("X-Forwarded-For", "1.2.3.4, 10.0.0.9", "X-Forwarded-Proto", "https")},
		{"proto list of another length", "10.0.0.1", h("X-Forwarded-For", "1.2.3.4", "X-Forwarded-Proto", "https, http"), "1.2.3.4 http own 8000", h("X-Forwarded-For", "1.2.3.4", "X-Forwarded-Proto", "http")},
		{"strange proto", "10.0.0.1", h("X-Forwarded-Proto", "gopher"), "10.0.0.1 http own 8000", h()},
		{"two voices", "10.0.0.1", h("X-Forwarded-Proto", "http", "X-Forwarded-Ssl", "on", "X-Scheme", "http"), "10.0.0.1 http own 8000", h("X-Forwarded-Proto", "http", "X-Scheme", "http")},
		{"ssl on", "10.0.0.1", h("X-Forwarded-Ssl", "on"), "10.0.0.1 https own 8000", h("X-Forwarded-Ssl", "on")},
		{"host", "10.0.0.1", h("X-Forwarded-Proto", "https", "X-Forwarded-Host", "evil, shop.example"), "10.0.0.1 https shop.example 443", h("X-Forwarded-Proto", "https", "X-Forwarded-Host", "shop.example")},
		{"host with a port", "10.0.0.1", h("X-Forwarded-Host", "shop.example:8443"), "10.0.0.1 http shop.example:8443 8443", h("X-Forwarded-Host", "shop.example:8443")},
		{"port", "10.0.0.1", h("X-Forwarded-Host", "a", "X-Forwarded-Port", "444"), "10.0.0.1 http a 444", h("X-Forwarded-Host", "a", "X-Forwarded-Port", "444")},
		{"bad host, bad port", "10.0.0.1", h("X-Forwarded-Host", "a/b", "X-Forwarded-Port", "x"), "10.0.0.1 http own 8000", h()},
		{"real ip alone", "10.0.0.1", h("X-Real-Ip", "1.2.3.4"), "1.2.3.4 http own 8000", h("X-Real-Ip", "1.2.3.4")},
		{"real ip of a client beside", "10.0.0.1", h("X-Forwarded-For", "1.2.3.4", "X-Real-Ip", "6.6.6.6", "True-Client-Ip", "6.6.6.6"), "1.2.3.4 http own 8000", h("X-Forwarded-For", "1.2.3.4", "X-Real-Ip", "1.2.3.4", "True-Client-Ip", "1.2.3.4")},
		{"default, client ip that no proxy confirms", "10.0.0.1", h("X-Client-Ip", "6.6.6.6"), "10.0.0.1 http own 8000", h()},
		{"both families", "10.0.0.1", h("X-Forwarded-For", "1.2.3.4", "Forwarded", "for=6.6.6.6;proto=https"), "1.2.3.4 http own 8000", h("X-Forwarded-For", "1.2.3.4")},
		{"Forwarded", "10.0.0.1", h("Forwarded", `for=6.6.6.6, for=1.2.3.4;proto=https;host="shop.example:8443", For="10.0.0.9:8"`), "1.2.3.4 https shop.example:8443 8443", h("Forwarded", `for=1.2.3.4;proto=https;host="shop.example:8443", For="10.0.0.9:8"`)},
		{"Forwarded, IPv6", "10.0.0.1", h("Forwarded", `for="[2001:db9::1]:4711";proto=https`), "2001:db9::1 https own 8000", h("Forwarded", `for="[2001:db9::1]:4711";proto=https`)},
		{"Forwarded, hidden client", "10.0.0.1", h("Forwarded", `for=6.6.6.6, for=_hidden, for=10.0.0.9`), "10.0.0.9 http own 8000", h("Forwarded", `for=10.0.0.9`)},
		{"Forwarded, proto only", "10.0.0.1", h("Forwarded", `proto=https`), "10.0.0.1 https own 8000", h("Forwarded", `proto=https`)},
		{"Forwarded, broken", "10.0.0.1", h("Forwarded", `for=1.2.3.4;proto="https`), "10.0.0.1 http own 8000", h()},
		{"Forwarded, twice", "10.0.0.1", h("Forwarded", `for=1.2.3.4;for=6.6.6.6`), "10.0.0.1 http own 8000", h()},
		{"prefix stays for the app", "10.0.0.1", h("X-Forwarded-Prefix", "/shop/"), "10.0.0.1 http own 8000", h("X-Forwarded-Prefix", "/shop")},
		{"prefix with dots", "10.0.0.1", h("X-Forwarded-Prefix", "/a/.."), "10.0.0.1 http own 8000", h()},
		{"default, all from the client", "10.0.0.1", h("X-Forwarded-Host", "evil", "X-Forwarded-Port", "444", "X-Forwarded-Prefix", "/evil", "Forwarded", "for=6.6.6.6;host=evil;proto=https", "X-Real-Ip", "6.6.6.6", "X-Client-Ip", "6.6.6.6",
			"Cf-Connecting-Ip", "6.6.6.6", "X-Forwarded-Ssl", "on", "X-Scheme", "https", "Front-End-Https", "on", "X-Forwarded-Scheme", "https"), "10.0.0.1 http own 8000", h()},
		{"default, beside what the proxy wrote", "10.0.0.1", h("X-Forwarded-For", "6.6.6.6, 1.2.3.4", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "evil", "Forwarded", "for=6.6.6.6", "X-Real-Ip", "6.6.6.6", "X-Forwarded-Ssl", "off"),
			"1.2.3.4 https own 8000", h("X-Forwarded-For", "1.2.3.4", "X-Forwarded-Proto", "https", "X-Real-Ip", "1.2.3.4")},
		{"default, what says the same", "10.0.0.1", h("X-Forwarded-For", "1.2.3.4", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "own", "X-Forwarded-Port", "443", "X-Scheme", "https"),
			"1.2.3.4 https own 8000", h("X-Forwarded-For", "1.2.3.4", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "own", "X-Forwarded-Port", "443", "X-Scheme", "https")},
		{"Forwarded, beside a client's", "10.0.0.1", h("Forwarded", `for=1.2.3.4`, "X-Forwarded-For", "6.6.6.6", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "evil"), "1.2.3.4 http own 8000", h("Forwarded", `for=1.2.3.4`)},
		{"bad prefix", "10.0.0.1", h("X-Forwarded-Prefix", "//evil"), "10.0.0.1 http own 8000", h()},
		{"user field", "10.0.0.1", h("X-Forwarded-User", "anna"), "10.0.0.1 http own 8000", h("X-Forwarded-User", "anna")},
		{"not trusted", "11.0.0.1", h("X-Forwarded-For", "6.6.6.6", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "evil", "X-Forwarded-User", "root", "Forwarded", "for=6.6.6.6", "X-Real-Ip", "6.6.6.6",
			"X-Client-Ip", "6.6.6.6", "X-Forwarded-Ssl", "on", "X-Scheme", "https", "Front-End-Https", "on", "True-Client-Ip", "6", "X-A", "1"), "11.0.0.1 http own 8000", h("X-A", "1")},
		{"not trusted, IPv4 in IPv6", "::ffff:11.0.0.1", h("X-Forwarded-For", "6.6.6.6"), "::ffff:11.0.0.1 http own 8000", h()},
	} {
		way, _, _ := strings.Cut(c.name, ",")
		f := by[way]
		if f == nil {
			f = by[""]
		}
		n, r := forward(f, c.peer, c.in.Clone())
		if got := n.RemoteAddr + " " + n.Scheme + " " + r.Host + " " + n.ServerPort; got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if len(r.Header) != len(c.out) {
			t.Errorf("%s: fields %v, want %v", c.name, r.Header, c.out)
		}
		for k, v := range c.out {
			if got := r.Header[k]; len(got) != 1 || got[0] != v[0] {
				t.Errorf("%s: %s is %q, want %q", c.name, k, got, v)
			}
		}
		if n.Prefix != strings.Join(c.out["X-Forwarded-Prefix"], "") {
			t.Errorf("%s: prefix %q", c.name, n.Prefix)
		}
	}
	star := newForwarder(mustTrust(t, "*"), "for")
	if n, _ := forward(star, "99.0.0.1", h("X-Forwarded-For", "1.2.3.4, 5.6.7.8")); n.RemoteAddr != "1.2.3.4" {
		t.Errorf("*: %s", n.RemoteAddr)
	}
}

func TestForwardedIgnoredIsSaidOnce(t *testing.T) {
	out := new(bridgetest.Log)
	f := newForwarder(mustTrust(t, "10.0.0.0/8"), "for", "proto")
	f.log = hclog.New(&hclog.LoggerOptions{Output: out, JSONFormat: true})
	for range 3 {
		for _, peer := range []string{"11.0.0.1", "11.0.0.2", "", "10.0.0.1"} {
			forward(f, peer, http.Header{"X-Forwarded-For": {"1.1.1.1"}, "Forwarded": {"x"}})
		}
	}
	s := out.String()
	if strings.Count(s, "forwarded_ignored") != 4 || !strings.Contains(s, "--trusted-fields for,proto,forwarded") || !strings.Contains(s, "Forwarded, X-Forwarded-For") || !strings.Contains(s, "--trusted-proxies 11.0.0.1") ||
		!strings.Contains(s, "--trusted-proxies unix") {
		t.Errorf("%s", s)
	}
}

func TestParseTrust(t *testing.T) {
	if _, err := ParseTrust([]string{"10.0.0.0/8, nonsense", "1.2.3", "::1/200"}); err == nil || !strings.Contains(err.Error(), `"nonsense", "1.2.3", "::1/200"`) {
		t.Errorf("%v", err)
	}
	tr := mustTrust(t, "10.1.2.3/8,1.2.3.4", "::ffff:9.0.0.0/104", "fe80::1%eth0")
	for s, want := range map[string]bool{"10.9.9.9": true, "::ffff:10.9.9.9": true, "1.2.3.4": true, "1.2.3.5": false, "9.1.1.1": true, "fe80::1%eth9": true, "::1": false} {
		if tr.Addr(netip.MustParseAddr(s)) != want {
			t.Errorf("%s: %v", s, !want)
		}
	}
	if tr.Peer(netip.Addr{}) || !mustTrust(t, "*").Peer(netip.Addr{}) || (*Trust)(nil).Peer(netip.MustParseAddr("::1")) {
		t.Error("unix peers")
	}
}

func TestParseFields(t *testing.T) {
	for _, bad := range [][]string{{"hosts"}, {"X-Forwarded-User"}, {""}, {"forwarded"}, {"forwarded", "id"}} {
		if f, err := ParseFields(bad); err == nil {
			t.Errorf("%q: %+v", bad, f)
		}
	}
	f, err := ParseFields([]string{"FOR", "x-forwarded-proto", "X-Request-ID", "x-real-ip"})
	if err != nil || !f.client || !f.proto || !f.id || f.host || f.port || f.prefix || f.forwarded || len(f.more) != 1 || f.more[0] != "X-Real-Ip" {
		t.Errorf("%+v %v", f, err)
	}
	// Parameters that do not count are taken out of Forwarded.
	fw := newForwarder(mustTrust(t, "10.0.0.0/8"), "for", "forwarded")
	n, r := forward(fw, "10.0.0.1", http.Header{"Forwarded": {`for="[2001:db8::1]";proto=https;host="evil"`}})
	if n.RemoteAddr != "2001:db8::1" || n.Scheme != "http" || r.Host != "own" || r.Header.Get("Forwarded") != `for="[2001:db8::1]"` {
		t.Errorf("%+v %q %q", n, r.Host, r.Header)
	}
}

func FuzzForwarded(f *testing.F) {
	f.Add("1.2.3.4, 10.0.0.1", "https", `for=1.2.3.4;proto=https, for="[::1]:8"`, "host")
	f.Add(",,", "", `;;,=";`, "a:b")
	f.Fuzz(func(t *testing.T, xff, proto, fwd, host string) {
		fw := newForwarder(mustTrust(t, "10.0.0.0/8"), every...)
		for _, h := range []http.Header{{"X-Forwarded-For": {xff}, "X-Forwarded-Proto": {proto}, "X-Forwarded-Host": {host}}, {"Forwarded": {fwd}}} {
			if h["Forwarded"] != nil {
				fw = newForwarder(fw.trust, "for", "proto", "host", "forwarded")
			}
			n, r := forward(fw, "10.0.0.1", h)
			if _, err := netip.ParseAddr(n.RemoteAddr); err != nil {
				t.Fatalf("RemoteAddr %q", n.RemoteAddr)
			}
			if n.Scheme != "http" && n.Scheme != "https" || r.Host == "" || strings.ContainsAny(r.Host, " /\r\n\x00") || !digits(n.ServerPort) {
				t.Fatalf("%+v host %q", n, r.Host)
			}
			_, _ = forward(fw, "11.0.0.1", h)
			for k := range h {
				t.Fatalf("%s is left", k)
			}
		}
	})
}
