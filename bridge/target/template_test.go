package target

import (
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/bridge/httpx"
)

func partsOf(t testing.TB, path, expr string) (Parts, bool) {
	t.Helper()
	r := httptest.NewRequest("GET", path, nil)
	r.Host = "shop.example.org:8080"
	var find Find
	if expr != "" {
		find = regexp.MustCompile(expr).FindStringSubmatchIndex
	}
	return PartsOf(r, &httpx.RequestInfo{Scheme: "https"}, find)
}

func TestURLs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ template, expr, target, want string }{
		{"https://www.example.org{path}", "", "/a/b?x=1", "https://www.example.org/a/b"},
		{"https://www.example.org{path}?{query}", "", "/a?x=1&y", "https://www.example.org/a?x=1&y"},
		{"https://www.example.org{path}?{query}", "", "/a", "https://www.example.org/a"},
		{"{scheme}://{host}/new{path}", "", "/a", "https://shop.example.org:8080/new/a"},
		{"/new/{1}-{2}", "^/(..)/(.*)$", "/ab/c", "/new/ab-c"},
		{"/new/{1}{2}", "^/(a)|(b)$", "/a", "/new/a"},
		{"/x?a={1}&{query}", "^/(.*)$", "/p&q=r+s?z=1", "/x?a=p%26q%3Dr%2Bs&z=1"},
		{"/x?a={1}&{query}", "^/(.*)$", "/p", "/x?a=p"},
		{"/x?{query}&b=1", "", "/p", "/x?b=1"},
		{"/x?{query}&b=1", "", "/p?a", "/x?a&b=1"},
		{"/x?a=1?2", "", "/p", "/x?a=1?2"},
		{"/gone?", "", "/p?a", "/gone"},
		{"https://{host}", "", "/p", "https://shop.example.org:8080"},
		// No part of a request begins another host, or ends the line.
		{"{path}", "", "//evil.example/x", "/evil.example/x"},
		{"{path}", "", `/\evil.example`, "/%5Cevil.example"},
		{"/{1}", "^/go(.*)$", "/go//evil.example", "/evil.example"},
		{"/{1}", "^/go/(.*)$", "/go/%2Fevil.example", "/%2Fevil.example"},
		{"/{1}", "^/go/(.*)$", `/go/\evil.example`, "/%5Cevil.example"},
		{"/{1}", "(?s)^/go/(.*)$", "/go/a%0d%0aX:1", "/a%0d%0aX:1"},
		{"/a{path}", "", "/%c3%a9|\"<>^`{}", "/a/%c3%a9%7C%22%3C%3E%5E%60%7B%7D"},
		{"/a/{1}", "^/go/([a-z])$", "/go%2F/x", "400"},
		{"/a/{1}", "^/go(.*)$", "/go%2Fx%20y", "/a/%2Fx%20y"},
	} {
		tmpl, err := ParseURL(c.template)
		if err != nil {
			t.Fatal(err)
		}
		p, ok := partsOf(t, c.target, c.expr)
		got := "400"
		if ok {
			got, _ = tmpl.URL(&p)
		}
		if got != c.want {
			t.Errorf("%s for %s: %q, want %q", c.template, c.target, got, c.want)
		}
	}
	tmpl, _ := ParseURL("https://{host}/")
	for _, host := range []string{"", "a@b", "a/b", `a\b`, "a#b", "a?b", "a b"} {
		if got, ok := tmpl.URL(&Parts{Host: host}); ok {
			t.Errorf("host %q: %q", host, got)
		}
	}
}

func TestBadTemplates(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "www.example.org/x", "//www.example.org", "javascript:alert(1)", "ftp://a/", "https://", "https:///x", "https://u@h/", "{host}/x", "https://{1}/x", "https://a.org{1}", "https://a.org{host}{1}",
		"https://a.{1}.org/", "https://a.org{query}", "/a{query}", "/a b", "/a\r\nb", "/a{", "/a}", "/{x}", "/{0}", "/{10}", `/\x`, "/a#b", "{query}", "https://a\\b/"} {
		if _, err := ParseURL(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
	for _, text := range []string{"", "a", "{1}", "https://a/", "/{host}", "/{scheme}", "/a{query}"} {
		if _, err := ParsePath(text); err == nil {
			t.Errorf("path %q was taken", text)
		}
	}
}

// Whatever a client sends, a redirect leads to the host that the template names, in one line.
func FuzzURL(f *testing.F) {
	for _, s := range []string{"//evil.example", `/\evil`, "/a%0d%0ab", "/?\\", "/..//x", "/%2f%2fevil", "/@evil"} {
		f.Add(s, "h.example")
	}
	var templates []*Template
	for _, text := range []string{"https://a.example{path}?{query}", "{path}", "/{1}", "/x/{1}?q={1}&{query}", "https://a.example/{1}", "https://a.example:1?{1}"} {
		tmpl, err := ParseURL(text)
		if err != nil {
			f.Fatal(err)
		}
		templates = append(templates, tmpl)
	}
	find := regexp.MustCompile("(?s)^/(.*)$").FindStringSubmatchIndex
	f.Fuzz(func(t *testing.T, target, host string) {
		u, err := url.ParseRequestURI(target)
		if err != nil || !strings.HasPrefix(u.Path, "/") || !httpx.CleanPath(u) {
			return
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.URL, r.Host = u, host
		p, ok := PartsOf(r, &httpx.RequestInfo{Scheme: "http"}, find)
		if !ok {
			return
		}
		for _, tmpl := range templates {
			got, _ := tmpl.URL(&p)
			to, err := url.Parse(got)
			if err != nil || strings.ContainsFunc(got, func(c rune) bool { return c <= ' ' || c > '~' || c == '\\' }) {
				t.Fatalf("%s of %q: %q: %v", tmpl, target, got, err)
			}
			if want := map[bool]string{true: "a.example"}[strings.HasPrefix(tmpl.String(), "http")]; to.Hostname() != want {
				t.Fatalf("%s of %q: %q leads to %q", tmpl, target, got, to.Host)
			}
		}
	})
}
