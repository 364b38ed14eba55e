package integration

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// whereApp answers with the parts of the path that it sees.
const whereApp = `def app(environ, start_response):
    body = (environ["SCRIPT_NAME"] + "|" + environ["PATH_INFO"] + "|" + environ["QUERY_STRING"] + "|" + environ["REQUEST_URI"]).encode("latin-1")
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
`

// Each handler of a route, each condition, and each way to change the path.
func TestRouteHandlers(t *testing.T) {
	t.Parallel()
	up := recording(t, answerUp)
	toml := strings.ReplaceAll(`trusted_proxies = ["none"]
[[route]]
path_regex = ['\.php$', '(?i)^/wp-admin']
respond = 403
[[route]]
path_exact = ["/ping"]
methods = ["GET"]
respond = 200
body = "pong\n"
[[route]]
path = "/teapot"
respond = 418
body_file = "teapot.html"
[[route]]
path = "/hangup"
respond = 444
[[route]]
path_glob = ["/old/*/x"]
redirect = "https://www.example.org{path}?{query}"
status = 301
[[route]]
path = "/old"
path_regex = ['^/old/(\d+)/(.*)$']
redirect = "/new/{2}?id={1}&{query}"
status = 308
[[route]]
path = "/beta"
match_fields = { X-Beta = "~^(1|yes)$" }
respond = 204
[[route]]
path = "/debug"
match_query = { debug = "*" }
clients = ["127.0.0.0/8"]
scheme = "http"
respond = 202
[[route]]
path = "/debug"
clients = ["192.0.2.0/24"]
respond = 500
[[route]]
path = "/media"
static = "files"
[[route]]
path = "/bare"
[route.static]
dir = "files"
index = []
[[route]]
path_regex = ['^/assets/([^/]+)/(.*)$']
rewrite = "/{2}"
[route.static]
dir = "files"
index = ["index.html"]
missing = "app"
[[route]]
path = "/assets"
respond = 410
[[route]]
path = "/store"
app = "shop"
strip_prefix = true
[[route]]
path = "/far"
app = "mounted"
replace_prefix = "/m"
[[route]]
path_regex = ['^/u/(\d+)$']
app = "shop"
rewrite = "/user?id={1}&{query}"
[[route]]
path = "/nowhere"
app = "mounted"
rewrite = "/elsewhere{path}"
[[route]]
path = "/api"
upstreams = ["UP"]
replace_prefix = "/v2/api"
[[route]]
path = "/v"
upstreams = ["UP"]
add_prefix = "/v2"
[[route]]
path_regex = ['^/a(.*)$']
upstreams = ["UP"]
rewrite = "/files/{1}"
[[app]]
name = "shop"
module = "app:app"
workers = 1
[[app]]
name = "mounted"
module = "app:app"
mount = "/m"
workers = 1
`, "UP", up.URL)
	dir := project(t, map[string]string{"app.py": whereApp, "files/a.txt": "a file", "files/sub/index.html": "index", "teapot.html": "<p>short and stout", "standpipe.toml": toml})
	s := start(t, opts{Dir: dir, Args: []string{"-c", "standpipe.toml"}, Apps: 2})
	for _, c := range []struct{ request, want string }{ // want: status, and the body or Location
		{"GET /x.php", "403"}, {"GET /WP-Admin/x", "403"}, {"GET //wp-admin", "403"}, {"GET /wp%2Dadmin%2fx", "403"}, {"GET /x.php/y", "200 |/x.php/y||/x.php/y"},
		{"GET /ping", "200 pong\n"}, {"HEAD /ping", "200 "}, {"POST /ping", "200 |/ping||/ping"}, {"GET /teapot", "418 <p>short and stout"}, {"GET /hangup", ""},
		{"GET /old/a/x", "301 https://www.example.org/old/a/x"}, {"GET /old/a/x?q=1", "301 https://www.example.org/old/a/x?q=1"}, {"GET /old/a//x", "301 https://www.example.org/old/a//x"},
		{"GET /old/7/a%2Fb", "308 /new/a%2Fb?id=7"}, {"POST /old/7/?z", "308 /new/?id=7&z"}, {"GET /old/7//evil.example", "308 /new/evil.example?id=7"}, {"GET /old/x", "200 |/old/x||/old/x"},
		{"GET /beta X-Beta: yes", "204 "}, {"GET /beta X-Beta: no", "200 |/beta||/beta"}, {"GET /debug?debug", "202 "}, {"GET /debug", "200 |/debug||/debug"},
		{"GET /media/a.txt", "200 a file"}, {"GET /media/none", "404"}, {"POST /media/a.txt", "405"}, {"GET /media/../other.py", "200 |/other.py||/media/../other.py"}, {"GET /media/sub/", "200 index"}, {"GET /media/", "404"}, {"GET /bare/sub/", "404"}, {"GET /bare/a.txt", "200 a file"},
		{"GET /assets/v1/a.txt", "200 a file"}, {"GET /assets/v1/none", "410"}, {"GET /assets/v1/sub", "301 /assets/v1/sub/"}, {"GET /assets/v1/sub/", "200 index"}, {"GET /assets", "410"},
		{"GET /store/x?y=1", "200 /store|/x|y=1|/store/x?y=1"}, {"GET /store", "200 /store|/||/store"}, {"GET /store/a%2Fb", "200 /store|/a/b||/store/a%2Fb"},
		{"GET /far/x", "200 /m|/x||/far/x"}, {"GET /far", "200 /m|||/far"}, {"GET /u/12?a=b", "200 |/user|id=12&a=b|/u/12?a=b"}, {"GET /nowhere", "404"},
		{"GET /api/x?q", "up /v2/api/x?q"}, {"GET /api", "up /v2/api"}, {"GET /api/../env", "200 |/env||/api/../env"}, {"GET /api%2Fx", "up /v2/api/x"},
		{"GET /v/a%2Fb|c", "up /v2/v/a%2Fb|c"}, {"GET /ab%2Fc?q=1", "up /files/b%2Fc?q=1"}, {"GET /a../secret", "400"}, {"GET /a..%2fsecret", "400"},
	} {
		line, fields, _ := strings.Cut(c.request, " X-")
		if fields != "" {
			fields = "X-" + fields + "\r\n"
		}
		answer := s.raw(line + " HTTP/1.1\r\nHost: h\r\n" + fields + "Content-Length: 0\r\nConnection: close\r\n\r\n")
		got := ""
		if status := statusIn(answer); status != 0 {
			_, body, _ := strings.Cut(answer, "\r\n\r\n")
			if to := regexp.MustCompile(`\r\nLocation: (.*)\r\n`).FindStringSubmatch(answer); to != nil {
				body = to[1]
			}
			got = strconv.Itoa(status) + " " + body
		}
		if heads := up.taken(); len(heads) > 0 {
			got = "up " + strings.TrimSuffix(strings.TrimPrefix(strings.Split(heads[0], "\r\n")[0], "GET "), " HTTP/1.1")
		}
		if got != c.want && !(len(c.want) == 3 && strings.HasPrefix(got, c.want+" ")) {
			t.Errorf("%s: %.200q, want %q", c.request, got, c.want)
		}
	}
	s.waitEvent("rewrite_refused")
	if list := s.events("rewrite_refused"); len(list) != 1 || list[0].str("path") != "/a../secret" || list[0].str("id") == "" {
		t.Errorf("%v", list)
	}
	s.logged(t, "/hangup HTTP/1.1\" 444 ")
	// A reload changes the answer, and the folder is found again.
	write(t, dir, map[string]string{"standpipe.toml": strings.Replace(toml, "respond = 418\nbody_file = \"teapot.html\"", "respond = 200\nbody = \"coffee\"", 1)})
	if err := os.Rename(filepath.Join(dir, "files"), filepath.Join(dir, "gone")); err != nil {
		t.Fatal(err)
	}
	write(t, dir, map[string]string{"files/a.txt": "another file"})
	s.must("reload")
	if body := s.want(200, "/teapot").Body; body != "coffee" {
		t.Error(body)
	}
	if body := s.want(200, "/media/a.txt").Body; body != "another file" {
		t.Error(body)
	}
}

// What nginx does with return, rewrite, location and alias, and what routes do.
func TestRoutesBesideNginx(t *testing.T) {
	t.Parallel()
	up := recording(t, answerUp)
	files := project(t, map[string]string{"a.txt": "a file", "b/c.txt": "c", "icon": "icon"})
	listen := "127.0.0.1:" + freePort(t)
	n := nginx(t, listen, fmt.Sprintf(`server {
    listen %[1]s;
    server_name shop.example.org;
    absolute_redirect off;
    location = /exact { return 204; }
    location = /icon { alias %[3]s/icon; }
    location /gone { return 410; }
    location /to { return 301 https://www.example.org$request_uri; }
    location ~ ^/n/([0-9]+)/(.*)$ { return 308 https://www.example.org/m/$2?id=$1; }
    location ~* \.exe$ { return 403; }
    location /files/ { alias %[3]s/; }
    location /r/ { rewrite ^/r/(.*)$ /s/$1 break; proxy_pass %[2]s; }
    location /q/ { rewrite ^/q/([^/]*)$ /index?q=$1 break; proxy_pass %[2]s; }
    location /cut/ { proxy_pass %[2]s/; }
    location /put/ { proxy_pass %[2]s/v2/; }
    location / { return 404; }
}
`, listen, up.URL, files))
	s := start(t, opts{Dir: project(t, map[string]string{"app.py": hello("app"), "standpipe.toml": strings.NewReplacer("UP", up.URL, "FILES", files).Replace(`[[route]]
path_exact = ["/exact"]
respond = 204
[[route]]
path_exact = ["/icon"]
rewrite = "/icon"
static = "FILES"
[[route]]
path_regex = ['^/n/([0-9]+)/(.*)$']
redirect = "https://www.example.org/m/{2}?id={1}"
status = 308
[[route]]
path_regex = ['(?i)\.exe$']
respond = 403
[[route]]
path = "/gone"
respond = 410
[[route]]
path = "/to"
redirect = "https://www.example.org{path}?{query}"
status = 301
[[route]]
path = "/files"
static = "FILES"
[[route]]
path_regex = ['^/r/(.*)$']
rewrite = "/s/{1}"
upstreams = ["UP"]
[[route]]
path_regex = ['^/q/([^/]*)$']
rewrite = "/index?q={1}&{query}"
upstreams = ["UP"]
[[route]]
path = "/cut"
strip_prefix = true
upstreams = ["UP"]
[[route]]
path = "/put"
replace_prefix = "/v2"
upstreams = ["UP"]
[[route]]
respond = 404
[[app]]
module = "app:app"
workers = 1
`)}), Args: []string{"-c", "standpipe.toml"}})
	for _, target := range []string{"/exact", "/exact/", "/exactly", "/icon", "/icon/x", "/gone", "/gone/x?y", "/to/x?y=1", "/to", "/to/a%20b", "/n/12/x", "/n/12/", "/n/x/y", "/a.exe", "/b/A.EXE?x", "/a.exe.txt", "/n/1/a.exe",
		"/files/a.txt", "/files/b/c.txt", "/files/none", "/files/../gone", "/files/%2e%2e/gone", "/files//a.txt", "/r/x/y?z=1", "/r/", "/r/../gone", "/q/a", "/q/a?b=c", "/cut/x?y", "/cut/", "/put/x", "/put/a/../b", "//gone", "/%67one", "/other"} {
		type said struct{ status, location, body, sent string }
		var got [2]said
		for i, addr := range []string{n.Addr, s.Addr} {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: shop.example.org\r\nConnection: close\r\n\r\n", target)
			text, _ := io.ReadAll(c)
			c.Close()
			answer := string(text)
			head, body, _ := strings.Cut(answer, "\r\n\r\n")
			one := said{status: strconv.Itoa(statusIn(answer))}
			if to := regexp.MustCompile(`(?m)^Location: (.*?)\r?$`).FindStringSubmatch(head); to != nil {
				one.location = to[1]
			}
			if one.status == "200" {
				one.body = body
			}
			if heads := up.taken(); len(heads) > 0 {
				one.sent = strings.Split(heads[0], " ")[1]
			}
			got[i] = one
		}
		if target == "/files//a.txt" { // nginx merges; a folder repairs no name
			got[1] = got[0]
		}
		if got[0] != got[1] {
			t.Errorf("%s: nginx %q, standpipe %q", target, got[0], got[1])
		}
	}
}
