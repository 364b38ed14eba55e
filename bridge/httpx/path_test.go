package httpx

import (
	"net/url"
	"strings"
	"testing"
)

func TestCleanPath(t *testing.T) {
	for _, c := range []struct{ in, path, raw string }{ // path "": refused
		{"/", "/", "/"}, {"/a/b", "/a/b", "/a/b"}, {"/a/./b", "/a/b", "/a/b"}, {"/a/../b", "/b", "/b"}, {"/a/b/..", "/a/", "/a/"}, {"/a/.", "/a/", "/a/"}, {"/..", "/", "/"}, {"/../../x", "/x", "/x"},
		{"/up/%2e%2e/env", "/env", "/env"}, {"/up/%2E./env", "/env", "/env"}, {"/up/.%2e", "/", "/"}, {"/a/%2e/b", "/a/b", "/a/b"}, {"/a/.../b", "/a/.../b", "/a/.../b"}, {"/.well-known/x", "/.well-known/x", "/.well-known/x"},
		{"/a//../b", "/a/b", "/a/b"}, {"/a//b", "/a//b", "/a//b"}, {"/x/../a%2Fb|c%7c", "/a/b|c|", "/a%2Fb|c%7c"}, {"/%61%2D%2e%5f%7E%2f%7B%7b", "/a-._~/{{", "/a-._~%2f%7B%7b"}, {"/%2e%2E%2E", "/...", "/..."}, {"/%252e%252e/x", "/%2e%2e/x", "/%252e%252e/x"},
		{"/up/..%2fenv", "", ""}, {"/up%2f..%2fenv", "", ""}, {"/up/%2e%2e%2Fenv", "", ""}, {`/up/..\env`, "", ""}, {"/up/..%5cenv", "", ""}, {`/up/x\..\env`, "", ""}, {"/up/..;/env", "", ""}, {"/up/..%3bx/env", "", ""}, {"/up/..%00/env", "", ""}, {"/up/..%20/env", "", ""},
		{"/a%2fb", "/a/b", "/a%2fb"}, {`/a\b.c`, `/a\b.c`, `/a\b.c`}, {"/é/../ü", "/ü", "/ü"}, {"/a..b/..c/d..", "/a..b/..c/d..", "/a..b/..c/d.."},
	} {
		u, err := url.ParseRequestURI(c.in)
		if err != nil {
			t.Fatal(err)
		}
		if ok := CleanPath(u); ok != (c.path != "") || ok && (u.Path != c.path || RawPath(u) != c.raw) {
			t.Errorf("%s: %v %q %q, want %q %q", c.in, ok, u.Path, RawPath(u), c.path, c.raw)
		}
	}
	u := &url.URL{Path: "/up/../a b?%"} // as variables have it: decoded
	if !CleanPath(u) || u.Path != "/a b?%" || RawPath(u) != "/a%20b%3F%25" {
		t.Errorf("%q %q", u.Path, RawPath(u))
	}
	if u = (&url.URL{Path: "*"}); !CleanPath(u) || u.Path != "*" {
		t.Errorf("%q", u.Path)
	}
}

func FuzzCleanPath(f *testing.F) {
	for _, s := range []string{"/a/../b", "/%2e%2e/x", `/..\x`, "/a/./..;/%2f", "//..//", "/a|b#c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := url.ParseRequestURI(s)
		if err != nil || !strings.HasPrefix(u.Path, "/") {
			return
		}
		if !CleanPath(u) {
			return
		}
		for _, segment := range strings.FieldsFunc(u.Path, func(c rune) bool { return c == '/' || c == '\\' }) {
			if segment == ".." {
				t.Fatalf("%q: %q", s, u.Path)
			}
		}
		if p, err := url.PathUnescape(RawPath(u)); err != nil || p != u.Path || p[0] != '/' {
			t.Fatalf("%q: %q %q %v", s, u.Path, RawPath(u), err)
		}
		if raw := RawPath(u); decodeUnreserved(raw) != raw {
			t.Fatalf("%q: an unreserved byte is encoded: %q", s, raw)
		}
		was := *u
		if !CleanPath(u) || u.Path != was.Path || RawPath(u) != RawPath(&was) {
			t.Fatalf("%q: not the same again: %q %q", s, was.Path, u.Path)
		}
	})
}

func TestOneSlash(t *testing.T) {
	for in, want := range map[string]string{"": "", "/": "/", "//": "/", "/a/b/": "/a/b/", "//a///b//": "/a/b/", "a//b": "a/b"} {
		if got := OneSlash(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestSetRawPath(t *testing.T) {
	for raw, want := range map[string]string{"/a/%2e%2e/%62": "/b", "/a%2Fb": "/a/b", "/a/..%2fb": "", "/%zz": "", "/a%": ""} {
		var u url.URL
		if ok := SetRawPath(&u, raw); ok != (want != "") || ok && u.Path != want {
			t.Errorf("%q: %v %q, want %q", raw, ok, u.Path, want)
		}
	}
}
