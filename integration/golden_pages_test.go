package integration

import (
	"fmt"
	"strings"
	"testing"
)

// pagesApp answers with an error in every way that an app can.
const pagesApp = `import os, time
def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/raise":
        raise ValueError("secret")
    if path == "/die":
        os._exit(3)
    if path == "/slow":
        time.sleep(1000)
    if path == "/head":
        start_response("abc", [])
        return []
    if path == "/nothing":
        return []
    while path == "/gate" and not os.path.exists(environ["QUERY_STRING"]):
        time.sleep(0.01)
    environ["wsgi.input"].read()
    start_response("200 OK", [])
    return [b"x"]
`

// TestGoldenErrorPages holds the pages that standpipe answers with itself, as HTML and as JSON.
func TestGoldenErrorPages(t *testing.T) {
	t.Parallel()
	silent := listenAnd(t, func() {})
	dir := project(t, map[string]string{"app.py": pagesApp, "broken.py": "raise ValueError\n", "files/a.txt": "abc", "standpipe.toml": fmt.Sprintf(`bind = "127.0.0.1:0"
[limits]
max_body = 10
max_head = "1KiB"
[[app]]
name = "shop"
module = "app:app"
mount = "/shop"
workers = 1
queue = 1
queue_timeout = "2m"
[[app]]
name = "hasty"
module = "app:app"
mount = "/hasty"
workers = 1
timeout = "1s"
queue_timeout = "2m"
[[app]]
name = "broken"
module = "broken:app"
mount = "/broken"
workers = 1
[[static]]
url = "/files/"
dir = "files"
[[route]]
path = "/refused"
handler = "proxy"
upstreams = ["http://127.0.0.1:1"]
[[route]]
path = "/silent"
handler = "proxy"
upstreams = ["http://%s"]
read_timeout = "100ms"
`, silent)})
	s := start(t, opts{Dir: dir, Bare: true, Args: []string{"--log-format", "json"}, Apps: 3})
	var b strings.Builder
	page := func(heading, request string) {
		for _, accept := range []string{"text/html", "application/json"} {
			answer := s.raw(fmt.Sprintf("%s\r\nHost: a\r\nConnection: close\r\nAccept: %s\r\n\r\n", request, accept))
			head, body, _ := strings.Cut(answer, "\r\n\r\n")
			line, fields, _ := strings.Cut(head, "\r\n")
			kept := []string{line}
			for field := range strings.SplitSeq(fields, "\r\n") {
				if name, _, _ := strings.Cut(field, ":"); strings.EqualFold(name, "Content-Type") || strings.EqualFold(name, "Retry-After") || strings.EqualFold(name, "Allow") {
					kept = append(kept, field)
				}
			}
			b.WriteString(goldenCase("== "+heading+" ("+accept+")", timeless(strings.Join(kept, "\n")+"\n\n"+body, nil)))
		}
	}
	get := func(path string) string { return "GET " + path + " HTTP/1.1" }
	page("400, a target that is none", get("/a%zz"))
	page("404, no app", get("/nowhere"))
	page("404, no file", get("/files/none.txt"))
	page("405, a file is asked for with POST", "POST /files/a.txt HTTP/1.1\r\nContent-Length: 0")
	page("413, max_body", "POST /shop/ HTTP/1.1\r\nContent-Length: 11")
	page("431, the request line", get("/"+strings.Repeat("x", 8000)))
	page("431, the fields", get("/")+"\r\nX-Large: "+strings.Repeat("x", 8000))
	page("416, a range outside of the file", get("/files/a.txt")+"\r\nRange: bytes=7-")
	page("500, the app raises", get("/shop/raise"))
	page("500, the app's head is wrong", get("/shop/head"))
	page("500, start_response was not called", get("/shop/nothing"))
	page("502, the worker exits", get("/shop/die"))
	page("502, no upstream accepts", get("/refused"))
	page("503, the app did not start", get("/broken/"))
	page("504, timeout", get("/hasty/slow"))
	page("504, the upstream is silent", get("/silent"))

	s.want(200, "/shop/")
	g := newGate(t)
	waiting := []*async{s.background("/shop/gate?" + g.path), s.background("/shop/gate?" + g.path), s.background("/shop/gate?" + g.path)}
	eventually(t, "the queue is full", func() bool { return len(s.events("queue_full")) > 0 })
	page("503, the queue is full", get("/shop/"))
	g.open(t)
	for _, a := range waiting {
		<-a.done
	}
	golden(t, "error_pages", b.String())
}
