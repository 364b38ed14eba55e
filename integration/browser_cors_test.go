package integration

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// corsApp says what it got: the method, the cookie, the custom field, and how many preflight requests it has seen. Its own field of
// CORS would have a browser refuse each request with cookies.
const corsApp = `asked = []
def app(environ, start_response):
    asked.append(environ["REQUEST_METHOD"])
    body = " ".join([environ["REQUEST_METHOD"], environ.get("HTTP_COOKIE", "-"), environ.get("HTTP_X_CSRF_TOKEN", "-"), str(asked.count("OPTIONS")), str(asked.count("PUT"))]).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body))), ("Access-Control-Allow-Origin", "*"),
        ("Set-Cookie", "sid=7; Path=/; SameSite=Lax"), ("X-Total", "3"), ("X-Secret", "4")])
    return [body]
`

// What a browser lets pages of other origins do with an app and a route: the origin, the methods, the fields and the cookies that the
// tables name, and nothing else.
func TestCORSInABrowser(t *testing.T) {
	t.Parallel()
	browser(t)
	site := func() *httptest.Server {
		u := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, "<!doctype html><title>A page</title><link rel=icon href='data:,'>")
		}))
		t.Cleanup(u.Close)
		return u
	}
	ours, foreign := site(), site()
	port := ours.URL[strings.LastIndexByte(ours.URL, ':'):]
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "https://elsewhere.example")
		fmt.Fprintf(w, "%s %s %s", r.Method, r.Header.Get("Cookie"), r.Header.Get("X-Any"))
	}))
	t.Cleanup(up.Close)
	dir := project(t, map[string]string{"app.py": corsApp, "files/a.txt": "a file", "standpipe.toml": fmt.Sprintf(`
[[app]]
name = "shop"
module = "app:app"
workers = 1
[[app.static]]
url = "/files"
dir = "files"
[app.cors]
origins = [%[1]q, "http://*.localhost%[2]s"]
methods = ["GET", "PUT"]
headers = ["X-CSRF-Token"]
expose = ["X-Total"]
credentials = true
max_age = "10m"
[[route]]
path = "/up"
upstreams = [%[3]q]
[route.cors]
origins = [%[1]q]
methods = ["PATCH"]
headers = ["*"]
credentials = true
`, ours.URL, port, up.URL)})
	s := start(t, opts{Dir: dir, HTTP1: true, Args: []string{"-c", "standpipe.toml"}})
	b := newTab(t)

	type answer struct {
		Status int
		Body   string
		Fields map[string]string
		Error  string
	}
	ask := func(path, options string) (a answer) {
		t.Helper()
		b.js(fmt.Sprintf(`fetch(%q, %s).then(async r => ({Status: r.status, Body: await r.text(), Fields: Object.fromEntries(r.headers)}), e => ({Error: e.name}))`, s.URL+path, options), &a)
		return a
	}
	answers := func(path, options, body string) answer {
		t.Helper()
		a := ask(path, options)
		if a.Status != 200 || a.Body != body {
			t.Errorf("%s %s: %+v, want %q; the console: %q", path, options, a, body, b.said())
		}
		return a
	}
	// refused: the page gets an error, and the console says why.
	refused := func(path, options, why string) {
		t.Helper()
		b.said()
		if a := ask(path, options); a.Error != "TypeError" {
			t.Errorf("%s %s: %+v", path, options, a)
		}
		var console []string
		eventually(t, fmt.Sprintf("%s %s: the console says %q", path, options, why), func() bool {
			console = append(console, b.said()...)
			text, _ := json.Marshal(console)
			return strings.Contains(string(text), "CORS policy") && strings.Contains(string(text), why)
		})
	}

	b.open(ours.URL)
	answers("/", `{credentials: "include"}`, "GET - - 0 0")
	a := answers("/", `{method: "PUT", credentials: "include", headers: {"X-CSRF-Token": "t"}}`, "PUT sid=7 t 0 1")
	if a.Fields["x-total"] != "3" || a.Fields["x-secret"] != "" {
		t.Errorf("the page reads the fields %v", a.Fields)
	}
	answers("/", `{credentials: "omit"}`, "GET - - 0 1")
	answers("/files/a.txt", `{}`, "a file")
	answers("/up", `{method: "PATCH", credentials: "include", headers: {"X-Any": "1"}}`, "PATCH sid=7 1")
	refused("/", `{method: "DELETE"}`, "Access-Control-Allow-Methods")
	refused("/", `{method: "PUT", headers: {"X-Other": "1"}}`, "Access-Control-Allow-Headers")
	refused("/up", `{method: "DELETE", headers: {"X-Any": "1"}}`, "Access-Control-Allow-Methods")

	b.open("http://www.localhost" + port)
	answers("/", `{}`, "GET - - 0 1")
	refused("/up", `{}`, "Access-Control-Allow-Origin")

	b.open(foreign.URL)
	refused("/", `{}`, "Access-Control-Allow-Origin")
	refused("/", `{credentials: "include"}`, "Access-Control-Allow-Origin")
	refused("/", `{method: "PUT", headers: {"X-CSRF-Token": "t"}}`, "Access-Control-Allow-Origin")
	refused("/files/a.txt", `{}`, "Access-Control-Allow-Origin")
	refused("/up", `{method: "PATCH", headers: {"X-Any": "1"}}`, "Access-Control-Allow-Origin")
	if got := s.want(200, "/").Body; !strings.HasSuffix(got, " 0 1") {
		t.Errorf("%q: a request that the browser had to ask for has reached the app", got)
	}
}
