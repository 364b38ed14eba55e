package cache

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// mirror is an app that believes everything a client says, and lets its answers be stored all the same.
func mirror(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "max-age=60")
	h.Set("Content-Type", "text/plain")
	switch {
	case len(r.Header.Get("X-Odd")) > 100 || strings.ContainsAny(r.Header.Get("X-Odd"), "\x01<"):
		h.Del("Cache-Control")
		w.WriteHeader(http.StatusBadRequest)
	case r.Header.Get("X-Http-Method-Override") == "POST" || r.Header.Get("X-Method-Override") == "POST" || r.Header.Get("X-Http-Method") == "POST":
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
	fmt.Fprintf(w, "%s %s host=%s target=%s path=%s query=%s body=%d\n", r.Method, r.Proto, r.Host, r.RequestURI, r.URL.Path, r.URL.RawQuery, r.ContentLength)
	for _, name := range []string{"Forwarded", "Front-End-Https", "X-Forwarded-Host", "X-Forwarded-Scheme", "X-Forwarded-Proto", "X-Forwarded-Protocol", "X-Forwarded-Port", "X-Forwarded-Prefix",
		"X-Forwarded-Server", "X-Forwarded-Ssl", "X-Forwarded-Path", "X-Forwarded-Uri", "X-Host", "X-Original-Host", "X-Http-Host-Override", "X-Original-Url", "X-Rewrite-Url", "X-Scheme", "X-Url-Scheme", "X-Script-Name"} {
		if v := r.Header.Get(name); v != "" {
			fmt.Fprintf(w, "%s=%s\n", name, v)
		}
	}
}

// The published ways to poison a cache: what an attacker sends changes nothing for the client that asks for the page after it. The
// handler is one that believes everything.
func TestPoisoning(t *testing.T) {
	t.Parallel()
	const clean = "GET %s HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n%s\r\n"
	ask := func(path string, fields ...string) string {
		return fmt.Sprintf(clean, path, strings.Join(append(fields, ""), "\r\n"))
	}
	rows := []struct {
		name, attack, victim string
		same                 bool // both are the same request, so that the victim may have a hit
	}{
		{"nothing", ask("/a"), ask("/a"), true},
		{"X-Forwarded-Host", ask("/a", "X-Forwarded-Host: evil.example"), ask("/a"), false},
		{"X-Host", ask("/a", "X-Host: evil.example"), ask("/a"), false},
		{"X-Forwarded-Server", ask("/a", "X-Forwarded-Server: evil.example"), ask("/a"), false},
		{"X-HTTP-Host-Override", ask("/a", "X-HTTP-Host-Override: evil.example"), ask("/a"), false},
		{"X-Original-Host", ask("/a", "X-Original-Host: evil.example"), ask("/a"), false},
		{"Forwarded", ask("/a", "Forwarded: host=evil.example;proto=http"), ask("/a"), false},
		{"X-Forwarded-Scheme", ask("/a", "X-Forwarded-Scheme: http"), ask("/a"), false},
		{"X-Forwarded-Proto", ask("/a", "X-Forwarded-Proto: nothttps"), ask("/a"), false},
		{"X-Forwarded-Protocol", ask("/a", "X-Forwarded-Protocol: ssl"), ask("/a"), false},
		{"X-Forwarded-SSL", ask("/a", "X-Forwarded-SSL: on"), ask("/a"), false},
		{"Front-End-Https", ask("/a", "Front-End-Https: on"), ask("/a"), false},
		{"X-Scheme", ask("/a", "X-Scheme: https"), ask("/a"), false},
		{"X-Url-Scheme", ask("/a", "X-Url-Scheme: https"), ask("/a"), false},
		{"X-Forwarded-Port", ask("/a", "X-Forwarded-Port: 1337"), ask("/a"), false},
		{"X-Forwarded-Prefix", ask("/a", "X-Forwarded-Prefix: /evil"), ask("/a"), false},
		{"X-Script-Name", ask("/a", "X-Script-Name: /evil"), ask("/a"), false},
		{"X-Forwarded-Path", ask("/a", "X-Forwarded-Path: /evil"), ask("/a"), false},
		{"X-Forwarded-Uri", ask("/a", "X-Forwarded-Uri: /evil"), ask("/a"), false},
		{"X-Original-URL", ask("/a", "X-Original-URL: /evil"), ask("/a"), false},
		{"X-Rewrite-URL", ask("/a", "X-Rewrite-URL: /evil"), ask("/a"), false},
		{"X-HTTP-Method-Override", ask("/a", "X-HTTP-Method-Override: POST"), ask("/a"), false},
		{"X-HTTP-Method", ask("/a", "X-HTTP-Method: POST"), ask("/a"), false},
		{"X-Method-Override", ask("/a", "X-Method-Override: POST"), ask("/a"), false},
		{"two fields, the order", ask("/a", "X-Host: x", "X-Forwarded-Host: y"), ask("/a", "X-Forwarded-Host: x", "X-Host: y"), false},
		{"a value that looks like two fields", ask("/a", "X-Forwarded-Host: x, X-Host: y"), ask("/a", "X-Forwarded-Host: x", "X-Host: y"), false},
		{"a repeated field", ask("/a", "X-Forwarded-Host: x", "X-Forwarded-Host: y"), ask("/a", "X-Forwarded-Host: x"), false},
		{"fat GET", ask("/a", "Content-Length: 9") + "evil=true", ask("/a"), false},
		{"fat GET, chunked", ask("/a", "Transfer-Encoding: chunked") + "4\r\nevil\r\n0\r\n\r\n", ask("/a"), false},
		{"HEAD", strings.Replace(ask("/a"), "GET", "HEAD", 1), ask("/a"), false},
		{"a method in lower case", strings.Replace(ask("/a"), "GET", "get", 1), ask("/a"), false},
		{"port of Host", strings.Replace(ask("/a"), "shop.example", "shop.example:1337", 1), ask("/a"), false},
		{"default port of Host", strings.Replace(ask("/a"), "shop.example", "shop.example:80", 1), ask("/a"), false},
		{"case of Host", strings.Replace(ask("/a"), "shop.example", "Shop.eXample", 1), ask("/a"), false},
		{"dot at the end of Host", strings.Replace(ask("/a"), "shop.example", "shop.example.", 1), ask("/a"), false},
		{"absolute target", ask("http://shop.example/a"), ask("/a"), false},
		{"ignored parameter", ask("/a?utm_source=evil"), ask("/a"), true},
		{"ignored parameter, twice", ask("/a?utm_source=1&x=1&utm_source=evil"), ask("/a?x=1"), true},
		{"parameter cloaking", ask("/a?x=1&utm_source=1;x=evil"), ask("/a?x=1"), false},
		{"parameter cloaking in the name", ask("/a?x=1&utm_source;x=evil"), ask("/a?x=1"), false},
		{"parameter cloaking by a question mark", ask("/a?x=1?utm_source=evil"), ask("/a?x=1"), false},
		{"an encoded name of an ignored parameter", ask("/a?utm%5Fsource=evil"), ask("/a"), false},
		{"a name in upper case", ask("/a?UTM_SOURCE=evil"), ask("/a"), false},
		{"order of parameters", ask("/a?x=evil&x=1"), ask("/a?x=1&x=evil"), false},
		{"an empty parameter", ask("/a?&x=1"), ask("/a?x=1"), false},
		{"an empty query", ask("/a?"), ask("/a"), false},
		{"extension", ask("/account/x.css"), ask("/account"), false},
		{"parameter of the path", ask("/account;x.css"), ask("/account"), false},
		{"%2f", ask("/account%2fx"), ask("/account/x"), false},
		{"%3f", ask("/account%3fx"), ask("/account?x"), false},
		{"%00", ask("/account%00.css"), ask("/account"), false},
		{"%0a", ask("/account%0a.css"), ask("/account"), false},
		{"two slashes", ask("//a"), ask("/a"), false},
		{"dot segments", ask("/evil/../a"), ask("/a"), false},
		{"encoded dot segments", ask("/evil/%2e%2e/a"), ask("/a"), false},
		{"an encoded letter", ask("/%61"), ask("/a"), false},
		{"an escape in lower case", ask("/a%c3%a9"), ask("/a%C3%A9"), false},
		{"a byte that may be encoded", ask("/a|b"), ask("/a%7Cb"), false},
		{"such a byte in the query", ask("/a?q=a|b"), ask("/a?q=a%7Cb"), false},
		{"no Host", "GET /a HTTP/1.0\r\n\r\n", "GET /a HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", false}, // the address of the server
		{"case of the path", ask("/A"), ask("/a"), false},
		{"slash at the end", ask("/a/"), ask("/a"), false},
		{"backslash", ask("/a%5cb"), ask("/a/b"), false},
		{"oversized field", ask("/a", "X-Odd: "+strings.Repeat("a", 200)), ask("/a"), false},
		{"a field that ends at the connection", ask("/a", "Accept-Language: de", "Connection: close, accept-language"), ask("/a", "Accept-Language: de"), false},
		{"a field of the connection", ask("/a", "TE: trailers", "Connection: close, TE"), ask("/a"), true},
		{"odd field", ask("/a", "X-Odd: <"), ask("/a"), false},
		{"Upgrade", ask("/a", "Upgrade: websocket"), ask("/a"), false},
		{"Range", ask("/a", "Range: bytes=0-1"), ask("/a"), false},
		{"If-None-Match", ask("/a", "If-None-Match: *"), ask("/a"), true},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			so := StageOptions{IgnoreQuery: []string{"utm_*"}}
			want := newRig(t, Options{}, so, mirror).raw(row.victim)
			g := newRig(t, Options{}, so, mirror)
			first := g.raw(row.attack)
			got := g.raw(row.victim)
			if body(got) != body(want) || got[:12] != want[:12] {
				t.Errorf("after the attack, which got\n%s\nthe victim got\n%s\ninstead of\n%s", first, got, want)
			}
			if hit := strings.Contains(got, "; hit"); hit != row.same {
				t.Errorf("hit: %v\n%s", hit, got)
			}
		})
	}
}

func body(response string) string {
	_, b, _ := strings.Cut(response, "\r\n\r\n")
	return b
}
