package integration

import (
	"strings"
	"testing"
)

// An app that makes its pages in the browser: pages that there are not get its page, files and the API do not.
func TestSinglePageApp(t *testing.T) {
	t.Parallel()
	up := recording(t, answerUp)
	s := start(t, opts{Dir: project(t, map[string]string{"dist/index.html": "the app", "dist/assets/x.js": "1", "admin/index.html": "the admin", "standpipe.toml": strings.ReplaceAll(`[[static]]
url = "/admin"
dir = "admin"
missing = "/index.html"
index = ["index.html"]
[[route]]
path = "/api"
upstreams = ["UP"]
[[route]]
[route.static]
dir = "dist"
missing = "/index.html"
index = ["index.html"]
`, "UP", up.URL)}), Apps: -1, Env: []string{"PATH=/nonexistent"}})
	for path, want := range map[string]string{"/": "the app", "/users/7": "the app", "/users/": "the app", "/assets/x.js": "1", "/admin/users/7?a=b": "the admin", "/api/users/7": "up"} {
		if got := s.want(200, path, "Accept: text/html,*/*;q=0.8").Body; got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	s.want(404, "/assets/y.js", "Accept: text/html")
	s.want(404, "/.env", "Accept: text/html")
	s.want(404, "/users/7", "Accept: application/json")
	if r := s.post("/users/7", "text/plain", "x"); r.Status != 405 {
		t.Errorf("POST: %d", r.Status)
	}
}

// A folder is listed on request, by all three kinds of tables.
func TestListing(t *testing.T) {
	t.Parallel()
	s := start(t, opts{Dir: project(t, map[string]string{"app.py": hello("app"), "d/a b.txt": "x", "d/.hidden": "x", "standpipe.toml": `[[static]]
url = "/one"
dir = "d"
listing = true
[[static]]
url = "/off"
dir = "d"
[[route]]
path = "/two"
[route.static]
dir = "d"
listing = true
[[app]]
module = "app:app"
workers = 1
[[app.static]]
url = "/three"
dir = "d"
listing = true
`}), Args: []string{"-c", "standpipe.toml"}})
	for _, path := range []string{"/one/", "/two/", "/three/"} {
		if body := s.want(200, path).Body; !strings.Contains(body, `<a href="./a%20b.txt">a b.txt</a>`) || strings.Contains(body, "hidden") || !strings.Contains(body, "<h1>"+path+"</h1>") {
			t.Errorf("%s: %s", path, body)
		}
		if body := s.want(200, path, "Accept: application/json").Body; !strings.HasPrefix(body, `[{"name":"a b.txt","type":"file",`) {
			t.Errorf("%s: %s", path, body)
		}
	}
	s.want(404, "/off/")
}
