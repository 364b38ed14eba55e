package integration

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// cacheStatus is the member of Cache-Status that standpipe has written.
func (r *response) cacheStatus() string { return r.Header.Get("Cache-Status") }

// cachedHit and cachedMiss say whether the cache has answered.
func (r *response) cachedHit() bool { return strings.HasPrefix(r.cacheStatus(), "standpipe; hit") }

// cacheNumbers are those of status --json for an app or a route.
func (s *server) cacheNumbers(app string) map[string]any {
	s.t.Helper()
	var st struct{ Cache []map[string]any }
	if err := json.Unmarshal([]byte(s.must("status", "--json")), &st); err != nil {
		s.t.Fatal(err)
	}
	for _, c := range st.Cache {
		if c["app"] == app {
			return c
		}
	}
	return nil
}

// pageCode is the n-th block of Python on a page.
func pageCode(t testing.TB, name string, n int) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(repoDir(), "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile("(?ms)^```python\n(.*?)^```").FindAllSubmatch(b, -1)
	if n >= len(list) {
		t.Fatalf("%s has %d blocks of python", name, len(list))
	}
	return string(list[n][1])
}

// The Flask app of docs/cache.md: what it says is stored, and what it calls private never is. The log, status and the metrics tell
// the same.
func TestCachedFlask(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"shop.py": pageCode(t, "cache.md", 0) + `
import itertools
calls = itertools.count(1)

@app.after_request
def counted(response):
    response.headers["X-Call"] = str(next(calls))
    return response
`})
	s := start(t, opts{App: "shop:app", Dir: dir, Python: python(t), Args: []string{"-w", "1", "--cache", "--metrics", "127.0.0.1:0"}})
	first, second := s.want(200, "/"), s.want(200, "/")
	if first.cachedHit() || !second.cachedHit() || second.Header.Get("X-Call") != "1" || second.Body != "the front page" || second.Header.Get("Age") == "" {
		t.Errorf("/: %v, then %v", first.Header, second.Header)
	}
	for n := range 2 {
		if r := s.want(200, "/account"); r.cachedHit() || r.Header.Get("X-Call") != fmt.Sprint(2+n) {
			t.Errorf("/account: %v", r.Header)
		}
	}
	s.want(200, "/article/1")
	if r := s.want(200, "/article/1?utm_source=mail"); !r.cachedHit() || r.Header.Get("Cache-Control") != "no-cache" || r.Header.Get("X-Call") != "4" {
		t.Errorf("/article/1: %v", r.Header)
	}
	if r := s.do(s.request("HEAD", "/", nil)); !r.cachedHit() || r.Body != "" || r.Header.Get("Content-Length") != "14" {
		t.Errorf("HEAD /: %v", r.Header)
	}
	s.waitAccess(`"GET / HTTP/1.1" 200 14 .* worker=- cache=hit$`)
	s.waitAccess(`"GET / HTTP/1.1" 200 14 .* worker=shop/1 cache=miss$`)
	s.waitAccess(`"HEAD / HTTP/1.1" 200 .* cache=hit$`)
	s.waitAccess(`"GET /account HTTP/1.1" .* worker=shop/1 cache=(miss|pass)$`)
	if c := s.cacheNumbers("shop"); c["hits"] != 3.0 || c["entries"] != 2.0 || c["stored"] != 2.0 || c["bytes"] == 0.0 {
		t.Errorf("status: %v", c)
	}
	if out := s.must("status"); !holds(out, "cache shop", "hits 3", "answers 2") {
		t.Errorf("%s", out)
	}
	m := s.metrics("tcp", strings.TrimSuffix(strings.TrimPrefix(s.waitEvent("metrics").str("address"), "http://"), "/metrics"))
	if m[`standpipe_cache_requests_total{app="shop",result="hit"}`] != 3 || m[`standpipe_cache_entries{app="shop"}`] != 2 || m[`standpipe_cache_bytes{app="shop"}`] <= 0 || m[`standpipe_requests_total{app="shop",class="2xx",source="cache"}`] != 3 {
		t.Errorf("%v", m)
	}
}

// The Django views of docs/cache.md, beside a form with a CSRF token and a page that looks at the session: no client gets what was made for
// somebody else.
func TestCachedDjango(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"site.py": `import django.conf
django.conf.settings.configure(
    SECRET_KEY="x", ALLOWED_HOSTS=["*"], ROOT_URLCONF="urls", USE_TZ=True,
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    MIDDLEWARE=["django.middleware.gzip.GZipMiddleware", "django.contrib.sessions.middleware.SessionMiddleware", "django.middleware.csrf.CsrfViewMiddleware", "django.middleware.http.ConditionalGetMiddleware"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}])
`, "wsgi.py": `import site_settings
import django
django.setup()
from django.core.wsgi import get_wsgi_application
application = get_wsgi_application()
`, "views.py": pageCode(t, "cache.md", 1) + `
import itertools
from django.template import engines
from django.utils.cache import patch_cache_control
calls = itertools.count(1)
FORM = engines["django"].from_string('<form>{% csrf_token %}</form>')


@cache_control(public=True, max_age=60)
def form(request):
    return HttpResponse(FORM.render({}, request))


@cache_control(public=True, max_age=60)
def greeting(request):
    return HttpResponse("hello " + request.session.get("name", "stranger"))


def login(request):
    request.session["name"] = request.GET["name"]
    return HttpResponse("ok", headers={"Cache-Control": "public, max-age=60"})


@cache_control(no_cache=True)
def checked(request):
    return HttpResponse(f"checked")


@cache_control(max_age=0)
def long(request):
    return HttpResponse("long " * 100)
`, "urls.py": `from django.urls import path
import views
urlpatterns = [path("", views.index), path("account", views.account), path("form", views.form), path("greeting", views.greeting), path("login", views.login), path("checked", views.checked), path("long", views.long)]
`})
	if err := os.Rename(filepath.Join(dir, "site.py"), filepath.Join(dir, "site_settings.py")); err != nil {
		t.Fatal(err)
	}
	s := start(t, opts{App: "wsgi:application", Dir: dir, Python: python(t), Args: []string{"-w", "1", "--cache"}})
	s.want(200, "/")
	if r := s.want(200, "/"); !r.cachedHit() || r.Body != "the front page" {
		t.Errorf("/: %v", r.Header)
	}
	for range 2 {
		if r := s.want(200, "/account"); r.cachedHit() {
			t.Errorf("/account: %v", r.Header)
		}
	}
	one, two := s.want(200, "/form"), s.want(200, "/form")
	if one.Header.Get("Set-Cookie") == "" || one.Body == two.Body || two.cachedHit() || one.Header.Get("Set-Cookie") == two.Header.Get("Set-Cookie") {
		t.Errorf("two clients have one token: %v %s\n%v %s", one.Header, one.Body, two.Header, two.Body)
	}
	cookie := func(name string) string {
		c, _, _ := strings.Cut(s.want(200, "/login?name="+name).Header.Get("Set-Cookie"), ";")
		return "Cookie: " + c
	}
	ann, bob := cookie("ann"), cookie("bob")
	for range 2 {
		for _, c := range []struct{ cookie, name string }{{ann, "ann"}, {bob, "bob"}, {"X-None: 1", "stranger"}} {
			if r := s.want(200, "/greeting", c.cookie); r.Body != "hello "+c.name {
				t.Errorf("%s is greeted as %s: %v", c.name, r.Body, r.Header)
			}
		}
	}
	if r := s.want(200, "/greeting", ann); !r.cachedHit() {
		t.Errorf("/greeting: %v", r.Header) // Vary: Cookie, and the same cookie
	}
	tag := s.want(200, "/checked").Header.Get("ETag")
	if r := s.want(200, "/checked"); r.Body != "checked" || tag == "" || r.Header.Get("ETag") != tag {
		t.Errorf("/checked: %v", r.Header)
	}
	for range 2 { // the 304 of GZipMiddleware has no Vary: Accept-Encoding
		if r := s.want(200, "/long", "Accept-Encoding: gzip"); r.Header.Get("Content-Encoding") != "gzip" {
			t.Errorf("/long, compressed: %v", r.Header)
		}
	}
	for range 2 {
		if r := s.want(200, "/long", "Accept-Encoding: identity"); r.Header.Get("Content-Encoding") != "" || !strings.HasPrefix(r.Body, "long long") {
			t.Errorf("/long, not compressed: %v", r.Header)
		}
	}
	s.waitAccess(`"GET /checked HTTP/1.1" 200 .* cache=revalidated$`)
}

// countedApp says how often it was asked for a path, and lets it be kept.
const countedApp = `import collections
calls = collections.Counter()
def app(environ, start_response):
    path = environ["SCRIPT_NAME"] + environ["PATH_INFO"]
    calls[path] += 1
    body = b"%d %s\n" % (calls[path], path.encode()) * (300 if "long" in path else 1)
    fields = [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))]
    if "silent" not in path:
        fields.append(("Cache-Control", "max-age=600"))
    start_response("200 OK", fields)
    return [body]
`

// Each app and each route has a switch of its own. A reload puts switches and rules in force; what has no cache any more is
// forgotten, and the rest is kept with its new code.
func TestCacheSwitches(t *testing.T) {
	t.Parallel()
	up := start(t, opts{App: "app:app", Dir: project(t, map[string]string{"app.py": countedApp}), Args: []string{"-w", "1"}})
	text := `[[app]]
name = "on"
module = "app:app"
workers = 1
cache = "on"
[[app.cache_rules]]
path = "/silent/**"
ttl = "10m"
[[app]]
name = "off"
module = "app:app"
mount = "/off"
workers = 1
[[route]]
path = "/up"
upstreams = ["` + up.URL + `"]
cache = "on"
[[route]]
path = "/plain"
upstreams = ["` + up.URL + `"]
`
	dir := project(t, map[string]string{"app.py": countedApp, "standpipe.toml": text})
	s := start(t, opts{Dir: dir, Args: []string{"-c", "standpipe.toml"}})
	again := func(path string, hit bool, body string, fields ...string) {
		t.Helper()
		if r := s.want(200, path, fields...); r.cachedHit() != hit || r.Body != body {
			t.Errorf("%s: %q %q, want hit %v and %q", path, r.cacheStatus(), r.Body, hit, body)
		}
	}
	for i, hit := range []bool{false, true} {
		again("/x", hit, "1 /x\n")
		again("/silent/x", hit, "1 /silent/x\n")
		again("/up/x", hit, "1 /up/x\n")
		again("/off/x", false, fmt.Sprintf("%d /off/x\n", i+1))
		again("/plain/x", false, fmt.Sprintf("%d /plain/x\n", i+1))
		again("/loud/silent", false, fmt.Sprintf("%d /loud/silent\n", i+1))
	}
	again("/silent/x", false, "2 /silent/x\n", "Cookie: a=b") // may be meant for one visitor
	if r := s.want(200, "/off/x"); r.cacheStatus() != "" {
		t.Errorf("an app without a cache: %s", r.cacheStatus())
	}
	if c := s.cacheNumbers("route /up"); c["hits"] != 1.0 {
		t.Errorf("the route: %v", c)
	}

	s.waitAccess(`"GET /up/x HTTP/1.1" 200 .* app=- .* cache=hit$`)

	s.must("reload") // new workers, whose counts begin again
	again("/x", true, "1 /x\n")
	again("/fresh", false, "1 /fresh\n")

	next := strings.Replace(text, "ttl = \"10m\"", "ttl = \"10m\"\ncookies = \"ignore\"", 1)
	next = strings.Replace(next, "\"]\ncache = \"on\"\n", "\"]\n", 1)
	write(t, dir, map[string]string{"standpipe.toml": next})
	s.must("reload")
	again("/x", true, "1 /x\n")
	again("/up/x", false, "2 /up/x\n")
	write(t, dir, map[string]string{"standpipe.toml": text})
	s.must("reload")
	eventually(t, "the route begins with nothing", func() bool { return s.want(200, "/up/x").Body == "3 /up/x\n" })
	again("/x", true, "1 /x\n")
}

// One variant is stored for each coding, compressed once, and each client can read what it gets.
func TestCacheAndCompression(t *testing.T) {
	t.Parallel()
	s := start(t, opts{App: "app:app", Dir: project(t, map[string]string{"app.py": countedApp}), Args: []string{"-w", "1", "--cache", "--compress"}})
	plain := func(r *response) string {
		t.Helper()
		var in io.Reader = strings.NewReader(r.Body)
		switch r.Header.Get("Content-Encoding") {
		case "br": // which the standard library does not read: a browser does, in the tests with one
			if strings.Contains(r.Body, "/long\n1 /long") || len(r.Body) > 200 {
				t.Errorf("%d bytes of br", len(r.Body))
			}
			return "1 /long\n"
		case "gzip":
			z, err := gzip.NewReader(in)
			if err != nil {
				t.Fatal(err)
			}
			in = z
		}
		b, err := io.ReadAll(in)
		if err != nil {
			t.Fatalf("%v: %v", r.Header, err)
		}
		return string(b)
	}
	seen := map[string]int{}
	for _, accept := range []string{"gzip, deflate, br", "br;q=1.0, gzip;q=0.8, *;q=0.1", "gzip", "gzip, deflate", "identity", "", "gzip, br"} {
		r := s.want(200, "/long", "Accept-Encoding: "+accept)
		coding := r.Header.Get("Content-Encoding")
		if coding != "" && !strings.Contains(accept, coding) || !strings.HasSuffix(plain(r), " /long\n") || !strings.Contains(r.Header.Get("Vary"), "Accept-Encoding") {
			t.Errorf("%q: %v", accept, r.Header)
		}
		had := r.cachedHit() || strings.Contains(r.cacheStatus(), "; collapsed") // it may come while the one before is being stored
		if n := seen[coding]; (n > 0) != had {
			t.Errorf("%q, coding %q, asked %d times before: %s", accept, coding, n, r.cacheStatus())
		}
		seen[coding]++
	}
	if len(seen) != 3 {
		t.Errorf("codings: %v", seen)
	}
	r := s.want(200, "/long", "Accept-Encoding: br", "If-None-Match: "+s.want(200, "/long", "Accept-Encoding: br").Header.Get("ETag"))
	if r.Header.Get("ETag") != "" && r.Status != 304 || !bytes.HasPrefix([]byte(plain(r)), []byte("1 /long")) {
		t.Errorf("%d %v", r.Status, r.Header)
	}
}

// check --explain says what the cache is asked for, and why a request passes.
func TestCacheExplained(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": countedApp, "standpipe.toml": `[[app]]
name = "shop"
module = "app:app"
cache = "on"
cache_cookies = ["currency"]
[[app.cache_rules]]
path = "/articles/*"
ttl = "10m"
[[route]]
path = "/up"
upstreams = ["http://127.0.0.1:1"]
cache = "on"
[[route]]
path = "/plain"
upstreams = ["http://127.0.0.1:1"]
`})
	for _, c := range []struct {
		args []string
		want string // the step's name, its words and why it passes; empty: there is none
	}{
		{[]string{"http://h/a?utm_source=x&b=1"}, "shop|is asked for http://h/a?b=1|"},
		{[]string{"http://h/articles/1", "-H", "Cookie: currency=eur"}, "shop|is asked for http://h/articles/1 with cookie currency; rule 1 keeps an answer that says nothing for 10m0s|"},
		{[]string{"http://h/articles/1", "-H", "Cookie: session=1", "-H", "X-Original-URL: /evil"}, "shop|is asked for http://h/articles/1 with X-Original-Url; rule 1 stores nothing of a request with a cookie|"},
		{[]string{"POST http://h/a"}, "shop|passes: the method is POST|the method is POST"},
		{[]string{"http://h/a", "-H", "Cache-Control: no-store"}, "shop|passes: the client says no-store|the client says no-store"},
		{[]string{"http://h/up/x"}, "route /up|is asked for http://h/up/x|"},
		{[]string{"http://h/plain/x"}, ""},
	} {
		r := run(t, dir, nil, append([]string{"check", "--json", "--explain"}, c.args...)...)
		var got explained
		if err := json.Unmarshal([]byte(r.out), &got); err != nil || r.code != 0 {
			t.Fatalf("%q: %d %s%s", c.args, r.code, r.out, r.errout)
		}
		said := ""
		for _, s := range got.Steps {
			if s.What == "cache" {
				said += s.Name + "|" + s.Wants + "|" + s.Fails
			}
		}
		if said != c.want {
			t.Errorf("%q: %q, want %q", c.args, said, c.want)
		}
	}
	if r := run(t, dir, nil, "check", "--explain", "http://h/a"); !strings.Contains(r.out, "\n  cache    is asked for http://h/a\n") {
		t.Errorf("%s", r.out)
	}
}
