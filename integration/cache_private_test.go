package integration

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// privateApp is a Flask app whose pages say who asks, with fields that a cache may take for permission, or with none.
const privateApp = `import itertools
from flask import Flask, request, session, make_response

app = Flask(__name__)
app.secret_key = "x"
calls = itertools.count()
OLD = {"Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT"}
PUBLIC = {"Cache-Control": "public, max-age=600"}


def page(name, fields):
    return f"{next(calls)} for {name}", fields


@app.get("/login/<name>")
def login(name):
    session["name"] = name
    return page(name, PUBLIC)


@app.get("/session")
@app.get("/session/<path:file>")
def by_session(file=""):
    return page(session.get("name", "nobody"), PUBLIC)


@app.get("/says/nothing")
@app.get("/says/nothing/<path:file>")
def says_nothing(file=""):
    return page(request.cookies.get("name", "nobody"), {})


@app.get("/old")
@app.get("/old/<path:file>")
def old(file=""):
    return page(request.cookies.get("name", "nobody"), OLD)


@app.get("/bearer")
def bearer():
    name = request.headers.get("Authorization", "Bearer nobody").split()[1]
    return page(name, {"Cache-Control": "max-age=600"})


@app.get("/key")
def key():
    return page(request.headers.get("X-Api-Key", "nobody"), {"Cache-Control": "max-age=600"})


@app.get("/proxy-user")
def proxy_user():
    return page(request.headers.get("X-Forwarded-User", "nobody"), OLD)


@app.get("/basic")
def basic():
    return page(request.environ["REMOTE_USER"], {"Cache-Control": "max-age=600"})


@app.get("/forward")
def forward():
    return page(request.environ["HTTP_REMOTE_USER"], {"Cache-Control": "max-age=600"})


@app.get("/private")
@app.get("/private/<path:file>")
def private(file=""):
    answer = make_response(page(request.cookies.get("name", "nobody"), {"Cache-Control": "private, max-age=600"}))
    answer.add_etag()
    return answer


@app.get("/sets")
def sets():
    answer = make_response(page(request.args.get("name"), PUBLIC))
    answer.set_cookie("name", request.args.get("name"))
    return answer
`

// secretHash is the bcrypt hash of "secret".
const secretHash = "$2y$04$.bubIrF9dTEQjPHwgo9E0ew8waFkc/R6lGQftgoEnk30H6Dr3kj0O"

// Whatever lets an app know its visitor, and whatever its answers say, no page that was made for one of fifty visitors at a time reaches another one:
// not under a name that looks like a file's, and not from a stale answer.
func TestCacheAttack_FiftyVisitors(t *testing.T) {
	t.Parallel()
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name := r.Header.Get("X-Ticket"); name != "" {
			w.Header().Set("Remote-User", name)
			return
		}
		w.WriteHeader(http.StatusForbidden)
	}))
	t.Cleanup(service.Close)
	const visitors = 50
	users := ""
	for n := range visitors {
		users += fmt.Sprintf("v%d:%s\n", n, secretHash)
	}
	dir := project(t, map[string]string{"shop.py": privateApp, "users": users, "standpipe.toml": `[[app]]
name = "shop"
module = "shop:app"
workers = 2
cache = "on"
serve_stale = "1h"
queue_timeout = "2m"
[[app.cache_rules]]
path = "/says/nothing/**"
ttl = "10m"
[[app.cache_rules]]
path = "/static/**"
ttl = "10m"
cookies = "ignore"
[[access]]
path = "/basic"
auth_users = "users"
[[access]]
path = "/forward"
forward_auth = "` + service.URL + `"
forward_auth_fields = ["Remote-User"]
forward_auth_timeout = "1m"
`})
	s := start(t, opts{Dir: dir, Python: python(t), Args: []string{"-c", "standpipe.toml"}})
	var all sync.WaitGroup
	for n := range visitors {
		all.Go(func() {
			name := fmt.Sprintf("v%d", n)
			r := s.want(200, "/login/"+name)
			session, _, _ := strings.Cut(r.Header.Get("Set-Cookie"), ";")
			if session == "" || r.cachedHit() {
				t.Errorf("%s is not logged in: %v", name, r.Header)
			}
			own := "Cookie: name=" + name
			for range 12 {
				end := []string{"", "/x.css", "/a;b/x.js", "/b/../x.png", "/;x.css", "/x.ico?v=1"}[rand.IntN(6)]
				for _, c := range []struct{ path, field string }{
					{"/session" + end, "Cookie: " + session}, {"/says/nothing" + end, own}, {"/old" + end, own}, {"/private" + end, own},
					{"/bearer", "Authorization: Bearer " + name}, {"/key", "X-Api-Key: " + name}, {"/proxy-user", "X-Remote-User: x\nX-Forwarded-User: " + name},
					{"/basic", as(name, "secret")}, {"/forward", "X-Ticket: " + name}, {"/sets?name=" + name, "X-None: 1"},
				} {
					fields := append(strings.Split(c.field, "\n"), []string{"X-None: 1", "Cache-Control: max-stale=100", "Cache-Control: no-cache", "Range: bytes=0-"}[rand.IntN(4)])
					r := s.get(c.path, fields...)
					for r.Status == 429 && c.path == "/basic" { // all of them come from one address, whose passwords are checked some at a time
						pause()
						r = s.get(c.path, fields...)
					}
					if (r.Status != 200 && r.Status != 206) || !strings.HasSuffix(r.Body, " for "+name) {
						t.Errorf("%s as %s: %d %.60q %s", c.path, name, r.Status, r.Body, r.cacheStatus())
						return
					}
				}
			}
		})
	}
	all.Wait()
	for _, path := range []string{"/session", "/says/nothing", "/old", "/private", "/bearer", "/key", "/proxy-user"} {
		if r := s.want(200, path); !strings.HasSuffix(r.Body, " for nobody") {
			t.Errorf("%s without credentials: %.60q %s", path, r.Body, r.cacheStatus())
		}
	}
	s.want(401, "/basic")
	s.want(403, "/forward")
}
