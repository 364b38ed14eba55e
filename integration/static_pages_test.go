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
