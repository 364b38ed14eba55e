package route

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
)

func named(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Header().Set("App", name) })
}

func TestPrecedenceWhateverTheOrder(t *testing.T) {
	rules := []Rule{
		{Name: "root", Mount: "/", Handler: named("root")},
		{Name: "shop", Mount: "/shop", Handler: named("shop")},
		{Name: "shop2", Mount: "/shop/v2/", Handler: named("shop2")},
		{Name: "exact", Mount: "/", Hosts: []string{"a.b.example.org"}, Handler: named("exact")},
		{Name: "wild", Mount: "", Hosts: []string{"*.example.org"}, Handler: named("wild")},
		{Name: "wilder", Mount: "", Hosts: []string{"*.b.Example.org."}, Handler: named("wilder")},
		{Name: "v6", Mount: "", Hosts: []string{"[::1]"}, Handler: named("v6")},
	}
	for range 2 {
		rt, err := New(rules, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct{ host, path, want string }{
			{"x", "/", "root"},
			{"x", "/shopping", "root"},
			{"x", "/shop", "shop"},
			{"x", "/shop/", "shop"},
			{"x", "/shop/v2", "shop2"},
			{"x", "/shop/v2x", "shop"},
			{"x", "/shop/v2/y", "shop2"},
			{"x", "/sh%6fp/y", "shop"},
			{"x", "/shop%2fy", "shop"},
			{"x", "//shop", "root"},
			{"x", "/Shop", "root"},
			{"a.b.example.org", "/shop", "exact"}, // the host is its own
			{"c.example.org", "/shop", "wild"},
			{"a.b.example.org", "/", "exact"},
			{"A.B.Example.ORG:8080", "/", "exact"},
			{"a.b.example.org.", "/", "exact"},
			{"c.b.example.org", "/", "wilder"},
			{"d.c.b.example.org:1", "/", "wilder"},
			{"b.example.org", "/", "wild"},
			{"example.org", "/", "root"},
			{".example.org", "/", "root"},
			{"evilexample.org", "/", "root"},
			{"example.org.evil", "/", "root"},
			{"[::1]:80", "/", "v6"},
			{"a.b.example.or\u212a", "/", "root"},
		} {
			r := httptest.NewRequest("GET", c.path, nil)
			r.Host = c.host
			w := httptest.NewRecorder()
			rt.ServeHTTP(w, r)
			if got := w.Header().Get("App"); got != c.want {
				t.Errorf("%s%s went to %q, want %q", c.host, c.path, got, c.want)
			}
		}
		for i, j := 0, len(rules)-1; i < j; i, j = i+1, j-1 {
			rules[i], rules[j] = rules[j], rules[i]
		}
	}
}

func TestNoRoute(t *testing.T) {
	var out bytes.Buffer
	rt, err := New([]Rule{{Name: "a", Mount: "/a", Handler: named("a")}}, nil, hclog.New(&hclog.LoggerOptions{Output: &out}))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		w := httptest.NewRecorder()
		rt.ServeHTTP(w, httptest.NewRequest("GET", "http://x.org/b", nil))
		if w.Code != 404 || !strings.Contains(w.Body.String(), "404") {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	if s := out.String(); strings.Count(s, "no_route") != 1 || !strings.Contains(s, "x.org") || !strings.Contains(s, "/b") {
		t.Errorf("%s", s)
	}
}

func TestBadRules(t *testing.T) {
	for _, c := range []struct {
		rules []Rule
		want  string
	}{
		{[]Rule{{Name: "a", Mount: "a"}}, `"a"`},
		{[]Rule{{Name: "a", Mount: "/a*"}}, `"/a*"`},
		{[]Rule{{Name: "a", Hosts: []string{"a.*.org"}}}, `"a.*.org"`},
		{[]Rule{{Name: "a", Hosts: []string{"*."}}}, `"*."`},
		{[]Rule{{Name: "a", Mount: "/x/"}, {Name: "b", Mount: "/x"}}, `"b"`},
		{[]Rule{{Name: "a", Hosts: []string{"H.org"}}, {Name: "b", Hosts: []string{"h.org:80"}}}, `"b"`},
	} {
		if _, err := New(c.rules, nil, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.rules, err, c.want)
		}
	}
}

func FuzzCanonicalHost(f *testing.F) {
	for _, s := range []string{"", "a:1", "[::1]:80", "[", "A.", "::", "[]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if once := CanonicalHost(s); len(once) > len(s) || strings.ContainsAny(once, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
			t.Fatalf("%q -> %q", s, once)
		}
	})
}
