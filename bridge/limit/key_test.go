package limit

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/bridge/httpx"
)

func keyOf(t testing.TB, items ...string) Key {
	t.Helper()
	k, err := ParseKey(items)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// from makes a subject: peer is an address, or empty; client is what a trusted peer names.
func from(peer, client, target string, fields ...string) *subject {
	n := &httpx.RequestInfo{RemoteAddr: peer}
	if peer != "" {
		n.Peer = netip.AddrPortFrom(netip.MustParseAddr(peer), 1)
	}
	if client != "" {
		n.Trusted, n.RemoteAddr = true, client
	}
	r := httptest.NewRequest("GET", target, nil)
	for i := 0; i < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1])
	}
	return &subject{info: n, r: r, app: "shop", bits: 64}
}

// Which requests are of one key: two are exactly if the hash, the text and the digest agree.
func TestKeys(t *testing.T) {
	t.Parallel()
	seed := newSecret()
	for _, c := range []struct {
		name string
		key  string
		a, b *subject
		same bool
		text string // of a
	}{
		{"one client", "client", from("192.0.2.1", "", "/a"), from("192.0.2.1", "", "/b"), true, "192.0.2.1"},
		{"two clients", "client", from("192.0.2.1", "", "/"), from("192.0.2.2", "", "/"), false, "192.0.2.1"},
		{"behind a proxy", "client", from("10.0.0.1", "192.0.2.1", "/"), from("10.0.0.2", "192.0.2.1", "/"), true, "192.0.2.1"},
		{"two behind a proxy", "client", from("10.0.0.1", "192.0.2.1", "/"), from("10.0.0.1", "192.0.2.2", "/"), false, "192.0.2.1"},
		{"an IPv6 network", "client", from("2001:db8::1", "", "/"), from("2001:db8::ffff:1:2", "", "/"), true, "2001:db8::/64"},
		{"two IPv6 networks", "client", from("2001:db8:0:1::1", "", "/"), from("2001:db8:0:2::1", "", "/"), false, "2001:db8:0:1::/64"},
		{"an address written in two ways", "client", from("10.0.0.1", "::ffff:192.0.2.1", "/"), from("192.0.2.1", "", "/"), true, "192.0.2.1"},
		{"IPv4 in IPv6", "client", from("::ffff:192.0.2.1", "", "/"), from("::ffff:192.0.2.2", "", "/"), false, "192.0.2.1"},
		{"unknown clients", "client", from("", "", "/"), from("", "nonsense", "/"), true, "unknown"},
		{"an unknown one and a known one", "client", from("", "", "/"), from("192.0.2.1", "", "/"), false, "unknown"},
		{"one field", "header:x-api-key", from("192.0.2.1", "", "/", "X-Api-Key", "a"), from("192.0.2.2", "", "/", "x-api-key", "a"), true, "X-Api-Key sha256:ca978112ca1bbdca"},
		{"two values", "header:X-API-Key", from("192.0.2.1", "", "/", "X-Api-Key", "a"), from("192.0.2.1", "", "/", "X-Api-Key", "b"), false, "X-Api-Key sha256:ca978112ca1bbdca"},
		{"a field that comes twice", "header:X-API-Key", from("192.0.2.1", "", "/", "X-Api-Key", "a"), from("192.0.2.1", "", "/", "X-Api-Key", "a", "X-Api-Key", "b"), false, "X-Api-Key sha256:ca978112ca1bbdca"},
		{"no field: one client", "header:X-API-Key", from("192.0.2.1", "", "/"), from("192.0.2.1", "", "/"), true, "192.0.2.1"},
		{"no field: two clients", "header:X-API-Key", from("192.0.2.1", "", "/"), from("192.0.2.2", "", "/"), false, "192.0.2.1"},
		{"a field that is an address", "header:X-API-Key", from("192.0.2.1", "", "/"), from("192.0.2.2", "", "/", "X-Api-Key", "192.0.2.1"), false, "192.0.2.1"},
		{"one cookie", "cookie:session", from("192.0.2.1", "", "/", "Cookie", "a=b; session=x"), from("192.0.2.2", "", "/", "Cookie", "session=x ;a=c"), true, "session sha256:2d711642b726b044"},
		{"two cookies", "cookie:session", from("192.0.2.1", "", "/", "Cookie", "session=x"), from("192.0.2.1", "", "/", "Cookie", "session=y"), false, "session sha256:2d711642b726b044"},
		{"a cookie of another name", "cookie:session", from("192.0.2.1", "", "/", "Cookie", "asession=x"), from("192.0.2.1", "", "/", "Cookie", "session2=y"), true, "192.0.2.1"},
		{"one path", "path", from("192.0.2.1", "", "/a?x"), from("192.0.2.2", "", "/a?y"), true, "/a"},
		{"two paths", "path", from("192.0.2.1", "", "/a"), from("192.0.2.1", "", "/b"), false, "/a"},
		{"app", "app", from("192.0.2.1", "", "/a"), from("192.0.2.2", "", "/b"), true, "shop"},
		{"client and path", "client,path", from("192.0.2.1", "", "/a"), from("192.0.2.1", "", "/a"), true, "192.0.2.1 /a"},
		{"client and another path", "client,path", from("192.0.2.1", "", "/a"), from("192.0.2.1", "", "/b"), false, "192.0.2.1 /a"},
		{"another client and path", "client,path", from("192.0.2.1", "", "/a"), from("192.0.2.2", "", "/a"), false, "192.0.2.1 /a"},
		{"parts are not added up", "header:A,header:B", from("", "", "/", "A", "x", "B", "y"), from("", "", "/", "A", "y", "B", "x"), false, "A sha256:2d711642b726b044 B sha256:a1fce4363854ff88"},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := keyOf(t, strings.Split(c.key, ",")...)
			if same := k.hash(seed, c.a) == k.hash(seed, c.b); same != c.same {
				t.Errorf("the same hash: %v", same)
			}
			if same := k.digest(c.a) == k.digest(c.b); same != c.same || len(k.digest(c.a)) != 32 {
				t.Errorf("the same digest: %v", same)
			}
			if text := k.text(c.a); text != c.text {
				t.Errorf("text %q, want %q", text, c.text)
			}
		})
	}
}

func TestParseKey(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "clients", "header", "header:", "header:a b", "cookie", "cookie:a=b", "client:x", "path:/a", "header:Host", "client,client", "client,path,app,header:A,header:B", "header:X-A,header:x-a"} {
		if k, err := ParseKey(strings.Split(bad, ",")); err == nil {
			t.Errorf("%q: %v", bad, k)
		}
	}
	if k := keyOf(t, "Client", "header:x-api-key", "cookie:Session", "app"); k.String() != "client,header:X-Api-Key,cookie:Session,app" || !k.NeedsApp() {
		t.Error(k)
	}
}

func FuzzKey(f *testing.F) {
	f.Add("client", "a=b; session=x", "x", "192.0.2.1")
	f.Add("cookie:session", ";;=; session==", "", "::1%eth0")
	f.Add("header:X-Api-Key", "", "\x00\xff", "[::1]")
	seed := newSecret()
	f.Fuzz(func(t *testing.T, key, cookies, field, client string) {
		k, err := ParseKey(strings.Split(key, ","))
		if err != nil {
			return
		}
		if again, err := ParseKey(strings.Split(k.String(), ",")); err != nil || again.String() != k.String() {
			t.Fatalf("%q is written as %q: %v", key, k, err)
		}
		s := from("10.0.0.1", "192.0.2.1", "/")
		s.info.RemoteAddr = client
		s.r.Header = http.Header{"Cookie": {cookies}, "X-Api-Key": {field}}
		if h := k.hash(seed, s); h == 0 || h != k.hash(seed, s) {
			t.Fatal(h)
		}
		if d := k.digest(s); len(d) != 32 || strings.Contains(k.text(s), "\x00") {
			t.Fatal(d, k.text(s))
		}
	})
}
