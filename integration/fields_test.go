package integration

import (
	"fmt"
	"strings"
	"testing"
)

// changedFieldsApp answers with the request's fields that it is asked for, and with fields that are to be changed.
const changedFieldsApp = `import os
def app(environ, start_response):
    if environ["PATH_INFO"] == "/die":
        os._exit(3)
    body = repr([environ.get("HTTP_" + n) for n in ("COOKIE", "X_CLIENT", "X_MORE", "X_ROUTE")]).encode()
    start_response("404 Gone Away" if environ["PATH_INFO"] == "/404" else "200 OK",
        [("Content-Type", "text/plain"), ("Content-Length", str(len(body))), ("x-powered-by", "snakes"), ("Link", "<a>")])
    return [body]
`

// Fields of requests and responses, of all, of an app, of its files and error pages, and of a route.
func TestFieldsChanged(t *testing.T) {
	t.Parallel()
	up := recording(t, answerUp)
	text := strings.ReplaceAll(`
trusted_proxies = ["none"]
server_header = "standpipe"
[[fields]]
set = { X-All = "{scheme}" }
[[route]]
path = "/up"
upstreams = ["UP"]
[[route.fields]]
side = "request"
remove = ["Cookie"]
set = { SOAPAction = "do", x-lower = "{host}", X-API-KEY = "k" }
[[route.fields]]
set = { X-cAmEl = "1" }
[[route]]
path = "/to-app"
replace_prefix = "/"
app = "shop"
[[route.fields]]
side = "request"
set = { X-Route = "r" }
[[app]]
name = "shop"
module = "app:app"
workers = 1
retry = "never"
queue_timeout = "2m"
[[app.static]]
url = "/files"
dir = "files"
[[app.fields]]
side = "request"
remove = ["cookie"]
set = { X-Client = "{client} {host} {id}" }
add = { X-More = "2" }
[[app.fields]]
remove = ["X-Powered-By", "Server"]
set = { X-Frame = "DENY" }
add = { LINK = "<b>" }
[[app.fields]]
status = ["400-599"]
set = { X-Error = "yes" }
`, "UP", up.URL)
	dir := project(t, map[string]string{"app.py": changedFieldsApp, "files/a.css": strings.Repeat("b{}", 20000), "standpipe.toml": text})
	s := start(t, opts{Dir: dir, Args: []string{"-c", "standpipe.toml"}})
	get := func(target string) (head, body string) {
		t.Helper()
		head, body, _ = strings.Cut(s.raw("GET "+target+" HTTP/1.1\r\nHost: shop.example.org\r\nCookie: a=b\r\nX-More: 1\r\nConnection: close\r\nX-Request-ID: x\r\n\r\n"), "\r\n\r\n")
		return head + "\r\n", body
	}
	has := func(head string, lines ...string) {
		t.Helper()
		for _, line := range lines {
			if without, ok := strings.CutPrefix(line, "!"); ok {
				if strings.Contains(strings.ToLower(head), "\r\n"+without+":") {
					t.Errorf("there is %s in\n%s", without, head)
				}
			} else if !strings.Contains(head, "\r\n"+line+"\r\n") {
				t.Errorf("no %q in\n%s", line, head)
			}
		}
	}
	head, body := get("/")
	has(head, "X-Frame: DENY", "Link: <a>", "Link: <b>", "X-All: http", "!x-powered-by", "!server", "!x-error")
	_, id, _ := strings.Cut(head, "\r\nX-Request-Id: ")
	id, _, _ = strings.Cut(id, "\r\n")
	if want := fmt.Sprintf("[None, '127.0.0.1 shop.example.org %s', '1, 2', None]", id); body != want {
		t.Errorf("the app got %s, want %s", body, want)
	}
	head, _ = get("/404")
	has(head, "X-Frame: DENY", "X-Error: yes")
	head, body = get("/files/a.css")
	has(head, "X-Frame: DENY", "LINK: <b>", "X-All: http", "Content-Length: 60000", "!server", "!x-error")
	if len(body) != 60000 {
		t.Errorf("%d bytes of the file", len(body))
	}
	head, _ = get("/files/none")
	has(head, "X-Frame: DENY", "X-Error: yes")
	if head, _ = get("/die"); statusIn(head) != 502 {
		t.Errorf("%s", head)
	}
	has(head, "X-Frame: DENY", "X-Error: yes", "X-All: http")
	head, body = get("/to-app/x")
	has(head, "X-Frame: DENY")
	if !strings.HasSuffix(body, " 'r']") {
		t.Errorf("the app got %s", body)
	}
	head, _ = get("/up/x")
	has(head, "X-cAmEl: 1", "X-All: http", "Server: standpipe", "!x-frame")
	sent := up.taken()
	if len(sent) != 1 {
		t.Fatal(sent)
	}
	has(sent[0], "SOAPAction: do", "x-lower: shop.example.org", "X-API-KEY: k", "X-More: 1", "!cookie")

	write(t, dir, map[string]string{"standpipe.toml": strings.ReplaceAll(text, `"DENY"`, `"SAMEORIGIN"`)})
	s.must("reload")
	head, _ = get("/")
	has(head, "X-Frame: SAMEORIGIN")
}

// What browsers ask before a page of another origin may send a request is answered without Python, and responses have the
// fields that they look for.
func TestFieldsForBrowsers(t *testing.T) {
	t.Parallel()
	up := recording(t, answerUp)
	s := start(t, opts{Dir: project(t, map[string]string{"app.py": `def app(environ, start_response):
    print("ASKED", environ["REQUEST_METHOD"], flush=True)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "2"), ("x-frame-options", "DENY"), ("Access-Control-Allow-Origin", "*")])
    return [b"ok"]
`, "standpipe.toml": strings.ReplaceAll(`[[route]]
path = "/up"
upstreams = ["UP"]
security_fields = "on"
[route.cors]
origins = ["*"]
[[app]]
module = "app:app"
workers = 1
security_fields = "on"
[app.cors]
origins = ["https://*.example.org"]
methods = ["GET", "PUT"]
headers = ["X-Token"]
credentials = true
max_age = "1h"
`, "UP", up.URL)}), Args: []string{"-c", "standpipe.toml"}})
	preflight := func(path, origin string) *response {
		return s.do(s.request("OPTIONS", path, nil, "Origin: "+origin, "Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: x-token"))
	}
	r := preflight("/", "https://shop.example.org")
	if h := r.Header; r.Status != 204 || h.Get("Access-Control-Allow-Origin") != "https://shop.example.org" || h.Get("Access-Control-Allow-Methods") != "GET, PUT" ||
		h.Get("Access-Control-Allow-Headers") != "X-Token" || h.Get("Access-Control-Allow-Credentials") != "true" || h.Get("Access-Control-Max-Age") != "3600" || h.Get("Vary") != "Origin" {
		t.Errorf("%d %v", r.Status, h)
	}
	if r = preflight("/", "https://example.com"); r.Status != 204 || r.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("%d %v", r.Status, r.Header)
	}
	if r = preflight("/up", "https://example.com"); r.Status != 204 || r.Header.Get("Access-Control-Allow-Origin") != "*" || len(up.taken()) != 0 {
		t.Errorf("%d %v", r.Status, r.Header)
	}
	r = s.get("/", "Origin: https://shop.example.org")
	if h := r.Header; len(h["Access-Control-Allow-Origin"]) != 1 || h.Get("Access-Control-Allow-Origin") != "https://shop.example.org" || h.Get("X-Frame-Options") != "DENY" || h["Content-Security-Policy"] != nil ||
		h.Get("Referrer-Policy") == "" || h.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%v", h)
	}
	if h := s.get("/up", "Origin: https://shop.example.org").Header; h.Get("Access-Control-Allow-Origin") != "*" || h.Get("X-Frame-Options") != "SAMEORIGIN" || h.Get("Content-Security-Policy") != "frame-ancestors 'self'" {
		t.Errorf("%v", h)
	}
	s.stop()
	if out := strings.Join(append(s.out.all(), s.err.all()...), "\n"); strings.Contains(out, "ASKED OPTIONS") || !strings.Contains(out, "ASKED GET") {
		t.Errorf("the app saw\n%s", out)
	}
}
