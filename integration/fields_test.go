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
