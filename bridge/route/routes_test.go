package route

import (
	"math"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// everything is a Match with a condition of each kind, all of which hold for the request of the tests.
func everything() Match {
	return Match{Path: "/legacy", Exact: []string{"/legacy/x/y"}, Globs: []string{"/legacy/**/y"}, Regexes: []string{"^/legacy/([a-z])/"}, Hosts: []string{"*.example.org"},
		Methods: []string{"GET"}, Fields: []Value{{"x-beta", "1"}}, Parameters: []Value{{"b", "~^[0-9]$"}}, Clients: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, Scheme: "https"}
}

func stageOf(t testing.TB, list []Match, h http.Handler) func(http.Handler) http.Handler {
	t.Helper()
	var routes []Route
	for _, m := range list {
		matcher, err := m.Compile()
		if err != nil {
			t.Fatal(err)
		}
		routes = append(routes, Route{Matcher: matcher, Handler: func(http.Handler) http.Handler { return h }})
	}
	return NewRoutes(routes, nil).At("")
}

// The order of the routes counts, not the length of their paths; what none takes goes on.
func TestRoutesInOrder(t *testing.T) {
	list := []Match{{Path: "/a"}, {Path: "/a/b"}, {Path: "/", Hosts: []string{"x.org", "*.y.org"}}}
	var routes []Route
	for i, name := range []string{"a", "ab", "host"} {
		m, err := list[i].Compile()
		if err != nil {
			t.Fatal(err)
		}
		routes = append(routes, Route{Name: name, Matcher: m, Handler: func(http.Handler) http.Handler { return named(name) }})
	}
	s := NewRoutes(routes, nil)
	var said []Verdict
	s.Trace = func(v Verdict) { said = append(said, v) }
	for target, want := range map[string]string{"http://z/a": "a", "http://z/a/b/c": "a", "http://z/ab": "rest", "http://X.org:80/q": "host", "http://w.y.org/a": "a", "http://y.org/": "rest"} {
		said = nil
		w := httptest.NewRecorder()
		s.At("")(named("rest")).ServeHTTP(w, httptest.NewRequest("GET", target, nil))
		if got := w.Header().Get("App"); got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
		if last := said[len(said)-1]; want == "rest" && (len(said) != len(list) || last.Fails == "") || want != "rest" && (last.Name != want || last.Fails != "") {
			t.Errorf("%s: %+v", target, said)
		}
	}
}

// A route of one address answers there alone, also behind one that leaves the request.
func TestRoutesAtAddress(t *testing.T) {
	list := []Match{{Path: "/leaves"}, {Listen: []string{":80", "unix:a"}}, {Path: "/b"}}
	var routes []Route
	for i := range list {
		m, err := list[i].Compile()
		if err != nil {
			t.Fatal(err)
		}
		routes = append(routes, Route{Name: strconv.Itoa(i), Matcher: m, Handler: func(next http.Handler) http.Handler {
			if i == 0 {
				return next
			}
			return named(strconv.Itoa(i))
		}})
	}
	s := NewRoutes(routes, nil)
	for _, c := range []struct{ at, target, want string }{{":80", "/b", "1"}, {"unix:a", "/leaves", "1"}, {":81", "/b", "2"}, {":81", "/leaves", "rest"}, {"", "/b", "2"}} {
		w := httptest.NewRecorder()
		s.At(c.at)(named("rest")).ServeHTTP(w, httptest.NewRequest("GET", c.target, nil))
		if got := w.Header().Get("App"); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
	if got := routes[1].Matcher.String(); got != "listen :80 unix:a" {
		t.Error(got)
	}
}

// A route may leave a request to the routes after it.
func TestRouteLeavesARequest(t *testing.T) {
	m, err := (&Match{}).Compile()
	if err != nil {
		t.Fatal(err)
	}
	leave := func(next http.Handler) http.Handler { return next }
	s := NewRoutes([]Route{{Matcher: m, Handler: leave}, {Matcher: m, Handler: leave}}, nil)
	w := httptest.NewRecorder()
	s.At("")(named("rest")).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if got := w.Header().Get("App"); got != "rest" {
		t.Error(got)
	}
}

func TestConditions(t *testing.T) {
	net := func(s string) []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix(s)} }
	field := func(name, value string) Match { return Match{Fields: []Value{{name, value}}} }
	param := func(name, value string) Match { return Match{Parameters: []Value{{name, value}}} }
	for _, c := range []struct {
		m     Match
		holds []string // METHOD target, with fields after blanks
		fails []string
	}{
		{Match{}, []string{"GET /", "GET *"}, nil},
		{everything(), []string{"GET /legacy/x/y?b=1 X-Beta=1"}, []string{"GET /legacy/x/y?b=1", "GET /legacy/x/y X-Beta=1"}},
		{Match{Path: "/a/"}, []string{"GET /a", "GET /a/", "GET /a/b", "GET //a", "GET /a%2Fb", "GET /%61"}, []string{"GET /ab", "GET /A", "GET /", "GET /b/a"}},
		{Match{Exact: []string{"/a", "/b/"}}, []string{"GET /a", "GET /b/", "GET /a?x", "GET //a"}, []string{"GET /a/", "GET /b", "GET /A"}},
		{Match{Globs: []string{"/a/*.php"}}, []string{"GET /a/x.php", "GET /a/.php"}, []string{"GET /a/b/x.php", "GET /a/x.php/y", "GET /x/a/x.php", "GET /a/xxphp"}},
		{Match{Globs: []string{"/**/x"}}, []string{"GET /x", "GET /a/x", "GET /a/b/x", "GET /%0a/x"}, []string{"GET /ax", "GET /x/y"}},
		{Match{Globs: []string{"/a/**"}}, []string{"GET /a/", "GET /a/b/c"}, []string{"GET /a", "GET /ab"}},
		{Match{Globs: []string{"/a?c", "/(x|y)+"}}, []string{"GET /abc", "GET /a.c", "GET /(x|y)+"}, []string{"GET /a/c", "GET /x"}},
		{Match{Regexes: []string{`\.php$`, "(?i)^/ADMIN"}}, []string{"GET /x.php", "GET /admin/x", "GET //admin"}, []string{"GET /x.php/y", "GET /x/admin"}},
		{Match{Regexes: []string{"^/a.b$"}}, []string{"GET /a%0ab"}, []string{"GET /ab"}},
		{Match{Methods: []string{"GET", "POST"}}, []string{"GET /", "HEAD /", "POST /"}, []string{"PUT /", "get /"}},
		{Match{Methods: []string{"POST"}}, []string{"POST /"}, []string{"HEAD /"}},
		{Match{Scheme: "https"}, []string{"GET /"}, nil}, {Match{Scheme: "http"}, nil, []string{"GET /"}},
		{Match{Clients: net("192.0.2.0/24")}, []string{"GET /"}, nil}, {Match{Clients: net("192.0.3.0/24")}, nil, []string{"GET /"}},
		{Match{Hosts: []string{"*"}}, []string{"GET /"}, nil},
		{field("X-Beta", "*"), []string{"GET / X-Beta=1", "GET / x-beta="}, []string{"GET /", "GET / X-Alpha=1"}},
		{field("X-Beta", "!*"), []string{"GET /", "GET / X-Alpha=1"}, []string{"GET / X-Beta=1"}},
		{field("X-Beta", "1"), []string{"GET / X-Beta=1", "GET / X-Beta=2 X-Beta=1"}, []string{"GET / X-Beta=12", "GET /"}},
		{field("X-Beta", "!1"), []string{"GET / X-Beta=2", "GET /"}, []string{"GET / X-Beta=1", "GET / X-Beta=2 X-Beta=1"}},
		{field("X-Beta", "~^[ab]"), []string{"GET / X-Beta=b2"}, []string{"GET / X-Beta=c"}},
		{field("X-Beta", "!~^[ab]"), []string{"GET / X-Beta=c"}, []string{"GET / X-Beta=b2"}},
		{param("q", "*"), []string{"GET /?q", "GET /?q=", "GET /?a=1&q=2", "GET /?%71=1"}, []string{"GET /", "GET /?Q=1", "GET /?aq=1"}},
		{param("q", "a b"), []string{"GET /?q=a+b", "GET /?q=a%20b", "GET /?q=1&q=a+b"}, []string{"GET /?q=a", "GET /?q=%zz"}},
		{param("q", "!~x"), []string{"GET /?q=a", "GET /"}, []string{"GET /?q=axb"}},
	} {
		s := stageOf(t, []Match{c.m}, named("route"))(named("rest"))
		for i, list := range [][]string{c.holds, c.fails} {
			for _, text := range list {
				words := strings.Fields(text)
				r := httptest.NewRequest(words[0], words[1], nil)
				r.Host = "shop.example.org"
				for _, f := range words[2:] {
					name, value, _ := strings.Cut(f, "=")
					r.Header.Add(name, value)
				}
				rec := httptest.NewRecorder()
				w := &httpx.Writer{}
				w.Reset(rec)
				w.Info = httpx.RequestInfo{Scheme: "https", RemoteAddr: "192.0.2.7"}
				s.ServeHTTP(w, r)
				if got, want := w.Header().Get("App"), []string{"route", "rest"}[i]; got != want {
					t.Errorf("%+v: %s: %s, want %s", c.m, text, got, want)
				}
			}
		}
	}
}

func TestBadConditions(t *testing.T) {
	for _, m := range []Match{{Path: "a"}, {Hosts: []string{"a.*"}}, {Globs: []string{"*.php"}}, {Regexes: []string{"("}}, {Fields: []Value{{"X", "~("}}}, {Parameters: []Value{{"x", "!~("}}}} {
		if _, err := m.Compile(); err == nil {
			t.Errorf("%+v was taken", m)
		}
	}
}

// What the handler gets lies under the route's path, also when its slashes do not.
func TestRoutesHandOnWhatMatched(t *testing.T) {
	var got string
	keep := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = httpx.RawPath(r.URL) })
	s := stageOf(t, []Match{{Path: "/a/b"}}, keep)(named("rest"))
	for target, want := range map[string]string{"/a/b//c": "/a/b//c", "//a/b": "/a/b", "/a//b//c%2F|": "/a/b/c%2F|", "/a%2F/b": "400", "/a%2Fb": "/a%2Fb"} {
		got = ""
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest("GET", target, nil))
		if want == "400" && w.Code != 400 || want != "400" && got != want {
			t.Errorf("%s: %d %q, want %q", target, w.Code, got, want)
		}
	}
}

func TestMatchingAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("SKIP[race]: sync.Pool, which regexp uses, drops values at random")
	}
	s := stageOf(t, []Match{{Path: "/other"}, everything()}, named("x"))(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).(*from)
	s.handlers = slices.Repeat([]http.Handler{http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}, 2)
	w := &httpx.Writer{}
	w.Info.Scheme, w.Info.RemoteAddr = "https", "192.0.2.7"
	r := httptest.NewRequest("GET", "/legacy/x/y?a=1&b=2", nil)
	r.Host = "shop.example.org:8080"
	r.Header.Set("X-Beta", "1")
	n := math.Inf(1)
	for range 3 { // a collection empties the pools
		n = min(n, testing.AllocsPerRun(100, func() { s.ServeHTTP(w, r) }))
	}
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzGlob(f *testing.F) {
	f.Add("/a/*", "/a/b")
	f.Add("/**/?x", "/ax")
	f.Fuzz(func(t *testing.T, glob, path string) {
		re, err := compileGlob(glob)
		if err != nil {
			return
		}
		if !strings.ContainsAny(glob, "*?") && re.MatchString(path) != (glob == path) && strings.ToValidUTF8(glob+path, "") == glob+path {
			t.Fatalf("%q matches %q: %v", glob, path, re.MatchString(path))
		}
	})
}
