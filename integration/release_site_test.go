package integration

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// site makes releases of two apps whose configuration is part of the release: code, environment, static files and files of
// X-Accel-Redirect and X-Sendfile.
func site(t *testing.T, versions ...string) (root string) {
	t.Helper()
	root = project(t, nil)
	for _, v := range versions {
		r := "releases/" + v + "/"
		app := `import json, os
def app(environ, start_response):
    ask = environ["QUERY_STRING"]
    if ask == "accel":
        start_response("200 OK", [("X-Accel-Redirect", "/protected/name")])
        return []
    if ask == "sendfile":
        start_response("200 OK", [("X-Sendfile", os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "files/name"))])
        return []
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps("` + v + ` " + os.environ["NAME"]).encode()]
`
		if v == "broken" {
			app = "raise RuntimeError('broken')\n"
		}
		write(t, root, map[string]string{
			r + "src/app.py": app, r + ".env": "NAME=" + v, r + "public/name": v, r + "files/name": v,
			r + "standpipe.toml": `[[app]]
name = "shop"
module = "app:app"
dir = "src"
env_file = ["../.env"]
sendfile_roots = ["../files"]
workers = 2
[[app]]
name = "admin"
mount = "/admin"
module = "app:app"
dir = "src"
env_file = ["../.env"]
workers = 1
[[static]]
url = "/public"
dir = "public"
[[internal]]
url = "/protected/"
dir = "files"
`})
	}
	return root
}

// All of a release follows the link together, also where the configuration lies behind the link itself, and where its apps are
// reloaded one by one: what belongs to no app follows with the last of them.
func TestFault_B2_FilesOfTheServerFollowTheirApps(t *testing.T) {
	t.Parallel()
	root := site(t, "one", "two", "broken")
	deploy(t, root, "one")
	s := start(t, opts{Dir: root, Args: []string{"-c", "current/standpipe.toml"}, Apps: 2})
	serve := func(shop, admin, files string) {
		t.Helper()
		for range 4 {
			for path, want := range map[string]string{"/": shop + " " + shop, "/admin": admin + " " + admin} {
				var got string
				if r := s.want(200, path); json.Unmarshal([]byte(r.Body), &got) != nil || got != want {
					t.Errorf("%s: %q, not %q", path, r.Body, want)
				}
			}
		}
		for path, want := range map[string]string{"/public/name": files, "/?accel": files, "/admin?accel": files, "/?sendfile": shop} {
			if r := s.want(200, path); r.Body != want {
				t.Errorf("%s is of %q, not of %q", path, r.Body, want)
			}
		}
	}
	serve("one", "one", "one")
	deploy(t, root, "two") // without a reload
	serve("one", "one", "one")
	s.must("reload", "shop")
	serve("two", "one", "one")
	s.must("reload", "admin")
	serve("two", "two", "two")

	deploy(t, root, "broken")
	for _, args := range [][]string{{"reload", "shop"}, {"reload"}} {
		if r := s.order(args...); r.code == 0 {
			t.Errorf("%v: %+v", args, r)
		}
		serve("two", "two", "two")
	}
	deploy(t, root, "one")
	s.must("reload")
	serve("one", "one", "one")

	if err := os.RemoveAll(filepath.Join(root, "releases/two")); err != nil {
		t.Fatal(err)
	}
	if r := s.events("release_gone"); len(r) > 0 {
		t.Errorf("%v", r)
	}
	write(t, root, map[string]string{"releases/one/src/app.py": "raise RuntimeError('it is changed in its place')\n"})
	if r := s.order("reload"); r.code == 0 {
		t.Errorf("%+v", r)
	}
}

// Another process that takes over begins with what the links lead to then.
func TestFault_B2_UpgradeFollowsTheLink(t *testing.T) {
	t.Parallel()
	root := site(t, "one", "two")
	deploy(t, root, "one")
	s := start(t, opts{Dir: root, Args: []string{"-c", "current/standpipe.toml"}, Apps: 2})
	deploy(t, root, "two")
	s.usr2()
	s.upgraded()
	if code := s.oldEnded(bootPatience); code != 0 {
		t.Errorf("exit %d", code)
	}
	for path, want := range map[string]string{"/": `"two two"`, "/admin": `"two two"`, "/public/name": "two", "/?accel": "two", "/?sendfile": "two"} {
		if r := s.want(200, path); r.Body != want {
			t.Errorf("%s: %q, not %q", path, r.Body, want)
		}
	}
}
