package rules

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

// TestInvalidates is RFC 9111 4.4.
func TestInvalidates(t *testing.T) {
	for name, c := range map[string]struct {
		method string
		status int
		fields []string
		want   []string // without the origin
	}{
		"4.4 GET":                          {"GET", 200, []string{"Location", "/b"}, nil},
		"4.4 HEAD, OPTIONS, TRACE":         {"OPTIONS", 200, nil, nil},
		"4.4 a safe method of WebDAV":      {"PROPFIND", 207, nil, nil},
		"4.4 POST":                         {"POST", 200, nil, []string{"/a/x?q=1"}},
		"4.4 PUT, DELETE":                  {"DELETE", 204, nil, []string{"/a/x?q=1"}},
		"4.4 unknown methods":              {"M-SEARCH", 200, nil, []string{"/a/x?q=1"}},
		"4.4 a method's case counts":       {"get", 200, nil, []string{"/a/x?q=1"}},
		"4.4 an error":                     {"POST", 400, []string{"Location", "/b"}, nil},
		"4.4 a server's error":             {"POST", 500, nil, nil},
		"4.4 a redirection":                {"POST", 303, []string{"Location", "/b?c=d#e"}, []string{"/a/x?q=1", "/b?c=d"}},
		"4.4 all statuses of redirections": {"POST", 399, nil, []string{"/a/x?q=1"}},
		"4.4 no final status":              {"POST", 103, nil, nil},
		"4.4 Content-Location":             {"POST", 200, []string{"Content-Location", "/b", "Location", "/c"}, []string{"/a/x?q=1", "/c", "/b"}},
		"4.4 the first of two":             {"POST", 201, []string{"Location", "/b", "Location", "/c"}, []string{"/a/x?q=1", "/b"}},
		"4.4 relative":                     {"POST", 201, []string{"Location", "b"}, []string{"/a/x?q=1", "/a/b"}},
		"4.4 relative, up":                 {"POST", 201, []string{"Location", "../../b"}, []string{"/a/x?q=1", "/b"}},
		"4.4 the query alone":              {"POST", 201, []string{"Location", "?r=2"}, []string{"/a/x?q=1", "/a/x?r=2"}},
		"4.4 itself":                       {"POST", 201, []string{"Location", ""}, []string{"/a/x?q=1"}},
		"4.4 absolute":                     {"POST", 201, []string{"Location", "http://example.org:8000/b"}, []string{"/a/x?q=1", "/b"}},
		"4.4 absolute, another case":       {"POST", 201, []string{"Location", "HTTP://Example.ORG:8000/b"}, []string{"/a/x?q=1", "/b"}},
		"4.4 a network path":               {"POST", 201, []string{"Location", "//example.org:8000/b"}, []string{"/a/x?q=1", "/b"}},
		"4.4 another host":                 {"POST", 201, []string{"Location", "http://example.com:8000/b"}, []string{"/a/x?q=1"}},
		"4.4 another host, network path":   {"POST", 201, []string{"Location", "//example.com/b"}, []string{"/a/x?q=1"}},
		"4.4 another port":                 {"POST", 201, []string{"Location", "http://example.org/b"}, []string{"/a/x?q=1"}},
		"4.4 another scheme":               {"POST", 201, []string{"Location", "https://example.org:8000/b"}, []string{"/a/x?q=1"}},
		"4.4 a host's beginning":           {"POST", 201, []string{"Location", "http://example.org:80000/b"}, []string{"/a/x?q=1"}},
		"4.4 without a path":               {"POST", 201, []string{"Location", "http://example.org:8000"}, []string{"/a/x?q=1", "/"}},
		"4.4 escapes":                      {"POST", 201, []string{"Location", "/%7euser/%2f?%20"}, []string{"/a/x?q=1", "/%7euser/%2f?%20"}},
		"4.4 as clients send it":           {"POST", 201, []string{"Location", "/b|c?{d}", "Content-Location", "e^f/../g|h"}, []string{"/a/x?q=1", "/b|c?{d}", "/a/g|h"}},
		"4.4 no reference":                 {"POST", 201, []string{"Location", "http://[::1"}, []string{"/a/x?q=1"}},
		"4.4 mail":                         {"POST", 201, []string{"Location", "mailto:a@example.org"}, []string{"/a/x?q=1"}},
		"4.4 too long":                     {"POST", 201, []string{"Location", "/" + strings.Repeat("b", maxReference)}, []string{"/a/x?q=1"}},
	} {
		t.Run(name, func(t *testing.T) {
			target, _ := url.Parse("http://example.org:8000/a/x?q=1")
			got := Invalidates(c.method, c.status, target, head(c.fields...))
			for i, u := range got {
				got[i] = strings.TrimPrefix(u, "http://example.org:8000")
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%q, not %q", got, c.want)
			}
		})
	}
	target, _ := url.Parse("http://example.org/a|b{c}")
	if got := Invalidates("POST", 200, target, nil); !slices.Equal(got, []string{"http://example.org/a|b{c}"}) {
		t.Errorf("as the client has sent it: %q", got)
	}
	target, _ = url.Parse("https://example.org/")
	if got := Invalidates("POST", 200, target, head("Location", "https://EXAMPLE.org:443/b")); !slices.Contains(got, "https://example.org/b") {
		t.Errorf("the default port: %q", got)
	}
}

func FuzzInvalidates(f *testing.F) {
	for _, s := range []string{"/b", "b?c", "//example.org/x", "http://example.org/\x00", "http:b", "?", "#", "../..//x", "http://a@example.org/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, location string) {
		target, _ := url.Parse("http://example.org/a/b?c")
		list := Invalidates("POST", 201, target, head("Location", location, "Content-Location", location))
		if len(list) == 0 || len(list) > 2 {
			t.Errorf("%q: %q", location, list)
		}
		for _, u := range list {
			if !strings.HasPrefix(u, "http://example.org/") || strings.Contains(u, "#") {
				t.Errorf("%q: %q", location, list)
			}
		}
	})
}
