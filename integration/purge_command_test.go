package integration

import (
	"fmt"
	"strings"
	"testing"
)

// standpipe purge: what it removes, what it prints, and its exit codes.
func TestPurgeCommand(t *testing.T) {
	t.Parallel()
	s := purgingServer(t, cachedApp, "-w", "1")
	fill := func() {
		s.want(200, "/product/a")
		s.want(200, "/product/b")
	}
	for _, c := range []struct {
		args []string
		says string
		b    bool // the second page is still stored
	}{
		{[]string{s.URL + "/product/a"}, "1 entry removed", true},
		{[]string{"/product/a", "/product/b", "/none"}, "2 entries removed", false},
		{[]string{strings.ToUpper(s.URL[:4]) + s.URL[4:] + "/product/a#top"}, "", true},
		{[]string{"--prefix", s.URL + "/product/"}, "2 entries removed", false},
		{[]string{"--prefix", "/product/a", "--group", "none"}, "1 entry removed", true},
		{[]string{"--group", "product-a"}, "1 entry removed", true},
		{[]string{"--group", "products", "--app", "shop"}, "2 entries removed", false},
		{[]string{"--all"}, "2 entries removed", false},
		{[]string{"--all", "--json"}, `{"removed":2,"soft":false,"cache":true}`, false},
	} {
		fill()
		s.cached("/product/a", "1")
		if c.says == "" {
			if r := s.order(append([]string{"purge"}, c.args...)...); r.code != 2 {
				t.Errorf("%q: %+v", c.args, r)
			}
			continue
		}
		if got := strings.Join(strings.Fields(s.must(append([]string{"purge"}, c.args...)...)), " "); got != c.says && strings.ReplaceAll(got, " ", "") != c.says {
			t.Errorf("%q prints %q, want %q", c.args, got, c.says)
		}
		if r := s.want(200, "/product/b"); r.cachedHit() != c.b {
			t.Errorf("%q: the other page: %s", c.args, r.cacheStatus())
		}
		s.fresh("/product/a", "1")
		s.must("purge", "--all")
	}
	if got := s.must("purge", "/product/*"); !strings.HasPrefix(got, "0 entries removed") || !strings.Contains(got, "--prefix /product/\n") {
		t.Errorf("a star: %q", got)
	}
	for n := range 21 {
		s.want(200, fmt.Sprintf("/product/%d", n))
	}
	if got := s.must("purge", "--prefix", "/product/"); got != "21 entries removed\n" {
		t.Errorf("%q", got)
	}
	for _, args := range [][]string{{}, {"--soft"}, {"--all", "/a"}, {"127.0.0.1/product/a"}, {"product-a"}, {"--prefix", "product"}, {"--app", "none", "--all"}, {"https://a b/"}, {"/a/..%2fb"}} {
		if r := s.order(append([]string{"purge"}, args...)...); r.code != 2 || r.errout == "" {
			t.Errorf("%q: %+v", args, r)
		}
	}
	if r := s.order("purge", "shop.example/product/a?x"); !strings.Contains(r.errout, "standpipe purge https://shop.example/product/a?x, or standpipe purge /product/a?x ") {
		t.Errorf("%+v", r)
	}
	if e := s.events("control"); len(e) == 0 || e[0].str("purge") != "URL "+s.URL+"/product/a" {
		t.Errorf("%v", e)
	}
}

// PURGE, from listed addresses only.
func TestPurgeMethod(t *testing.T) {
	t.Parallel()
	s := purgingServer(t, "[cache]\ncache_purge_from = [\"10.0.0.0/8\"]\n"+cachedApp, "-w", "1")
	purge := func(path string, fields ...string) *response {
		return s.do(s.request("PURGE", path, nil, append(fields, from("10.1.2.3"))...))
	}
	fill := func() {
		s.want(200, "/product/a")
		s.want(200, "/product/b")
		s.cached("/product/a", "1")
	}
	for _, c := range []struct {
		path   string
		fields []string
		n      int
	}{
		{"/product/a", nil, 1},
		{"/product/../product/a", nil, 1},
		{"/product/a?other", nil, 0},
		{"/product/", []string{"Standpipe-Purge: prefix"}, 2},
		{"/", []string{"Surrogate-Key: product-b none products"}, 2},
		{"/", []string{"Cache-Tag: products, x"}, 2},
		{"/", []string{`Cache-Groups: "product-a"`}, 1},
		{"/product/a", []string{"Fastly-Soft-Purge: 1"}, 1},
		{"/product/a", []string{"Standpipe-Purge: soft, prefix"}, 1},
	} {
		fill()
		if r := purge(c.path, c.fields...); r.Status != 200 || r.Body != fmt.Sprintf("{\"purged\":%d}\n", c.n) || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %q: %+v, want %d", c.path, c.fields, r, c.n)
		}
		s.must("purge", "--all")
	}
	fill()
	for _, fields := range [][]string{{"Standpipe-Purge: everything"}, {"Standpipe-Purge: prefix", "Cache-Tag: a"}} {
		if r := purge("/product/a", fields...); r.Status != 400 {
			t.Errorf("%q: %+v", fields, r)
		}
	}
	if r := s.do(s.request("PURGE", "/product/a", nil, "Host: other.example", from("10.1.2.3"))); r.Status != 200 || r.Body != "{\"purged\":0}\n" {
		t.Errorf("%+v", r)
	}
	for _, client := range [][]string{{from("192.0.2.1")}, nil} {
		if r := s.do(s.request("PURGE", "/product/a", nil, client...)); r.Status != 403 {
			t.Errorf("%q: %+v", client, r)
		}
	}
	s.cached("/product/a", "1")
	if r := run(t, s.Cmd.Dir, nil, "check", "-c", "standpipe.toml", "--explain", "GET http://h:8000/product/a"); r.code != 0 || !strings.Contains(r.out, "shop") {
		t.Errorf("%+v", r)
	}
	if e := s.waitEvent("purge_refused"); e.str("client") != "192.0.2.1" || e.str("target") != "/product/a" {
		t.Errorf("%v", e)
	}
}

// Without cache_purge_from the method is the app's, as any other.
func TestPurgeMethodIsTheAppsWhenOff(t *testing.T) {
	t.Parallel()
	s := start(t, opts{Dir: project(t, map[string]string{"app.py": `
def app(environ, start_response):
    start_response("200 OK", [("Cache-Control", "max-age=60")])
    return [environ["REQUEST_METHOD"].encode()]
`}), Args: []string{"--cache=on", "-w", "1"}})
	if r := s.do(s.request("PURGE", "/", nil)); r.Body != "PURGE" {
		t.Errorf("%+v", r)
	}
}
