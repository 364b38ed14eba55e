package limit

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hashicorp/go-hclog"
)

func pathsOf(t testing.TB, own, except []string) *Paths {
	t.Helper()
	p, err := ParsePaths(append(ScannerPaths(), own...), except)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPaths(t *testing.T) {
	t.Parallel()
	p := pathsOf(t, []string{"/own", "/folder/", "/begin*", "secret", "key-*"}, []string{"/wp-json/"})
	for _, in := range []string{
		"/.env", "/app/.env", "/.env.production", "/.git/config", "/static/.git/HEAD", "/.git", "/wp-login.php", "/wp-admin", "/wp-admin/", "/wp-admin/x/y", "/wp-config.php.bak",
		"/cgi-bin/luci", "/own", "/folder", "/folder/x", "/begin", "/beginning/x", "/a/secret/b", "/a/key-1", "/x/wp-login.php", "//xmlrpc.php", "///.git/config", "/blog//wp-includes/wlwmanifest.xml", "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php", "/+CSCOE+/logon.html", "/x/secret",
	} {
		if !p.Has(in) {
			t.Errorf("%s is not in", in)
		}
	}
	for _, out := range []string{
		"", "/", "//", "/env", "/.environment", "/.well-known/acme-challenge/x", "/.well-known/security.txt", "/wp-login", "/wp-administrator", "/x/wp-loginphp", "/wpcontent/", "/own/x", "/folders", "/secrets", "/a/key",
		"/wp-json/v2", "/git/config", "/environ", "/login", "/admin/", "/static/app.js", "*", "x",
	} {
		if p.Has(out) {
			t.Errorf("%s is in", out)
		}
	}
	for _, bad := range []string{"", "/", "*", "/*", "a/b", "/a b", "/a?x", "/a*b", "//a", "/a#", "/a%20b", "/a\x00"} {
		if err := ParsePath(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	list := ScannerPaths()
	if len(list) < 80 {
		t.Errorf("the list has %d entries", len(list))
	}
	for i, item := range list {
		if err := ParsePath(item); err != nil || slices.Contains(list[:i], item) {
			t.Errorf("%q: %v, or a duplicate", item, err)
		}
	}
}

// Scanners get their answer from the stage, all others from what comes behind it.
func TestScanners(t *testing.T) {
	t.Parallel()
	d := &denials{}
	g := newRig(t, Options{}, nil)
	var counted atomic.Int64
	o := ScannerOptions{Paths: pathsOf(t, nil, nil), Status: 404, IPv6Prefix: 64, Counted: &counted, Ban: banned(g, d), Log: hclog.New(&hclog.LoggerOptions{Output: &g.log, JSONFormat: true})}
	served := 0
	g.h = Scanners(o)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served++ }))
	at := func(path string) func(*http.Request) { return func(r *http.Request) { r.URL.Path = path } }
	g.want("answers", []int{g.send("192.0.2.1", at("/")).StatusCode, g.send("192.0.2.1", at("/.env")).StatusCode, g.send("192.0.2.1", at("/a")).StatusCode,
		g.send("192.0.2.1", at("/wp-login.php")).StatusCode, g.send("192.0.2.1", at("/.git/config")).StatusCode}, []int{200, 404, 200, 404, 404})
	if served != 2 || counted.Load() != 3 || !slices.Equal(d.list, []string{"192.0.2.1/32 1h0m0s limit api"}) {
		t.Errorf("%d served, %d counted, %v", served, counted.Load(), d.list)
	}
	if list := g.records("scanner_refused"); len(list) != 1 || list[0]["client"] != "192.0.2.1" {
		t.Errorf("%v", list)
	}
}

func FuzzPaths(f *testing.F) {
	f.Add("/.env", "/a/.env")
	f.Add("/x/", "/x/y")
	f.Add("name*", "//name/")
	f.Fuzz(func(t *testing.T, item, path string) {
		p, err := ParsePaths([]string{item}, nil)
		if err != nil {
			return
		}
		stem := strings.TrimSuffix(item, "*")
		if stem[0] == '/' && !p.Has(stem) || stem[0] != '/' && (!p.Has("/a/"+stem) || !p.Has("/"+stem+"/b")) {
			t.Fatalf("%q does not take itself", item)
		}
		if p.Has(path) && !strings.Contains(path, strings.Trim(stem, "/")) {
			t.Fatalf("%q takes %q", item, path)
		}
	})
}

// BenchmarkPaths is what a request costs that is no scanner's.
func BenchmarkPaths(b *testing.B) {
	p := pathsOf(b, nil, nil)
	r := httptest.NewRequest("GET", "/api/v2/customers/4711/orders", nil)
	b.ReportAllocs()
	for b.Loop() {
		if p.Has(r.URL.Path) {
			b.Fatal("it is a scanner's")
		}
	}
}
