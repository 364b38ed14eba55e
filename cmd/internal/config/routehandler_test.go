package config

import (
	"slices"
	"testing"
)

func TestRouteHandlers(t *testing.T) {
	p := newProject(t, "app.py", "files/x", "page.html")
	p.toml(`[[route]]
path = "/x"
static = "files"
[[route]]
path = "/a"
[route.static]
dir = "files"
index = ["i.html"]
[[route]]
path = "/b"
app = "shop"
replace_prefix = "/v2/"
[[route]]
path = "/c"
redirect = "https://a.org{path}"
[[route]]
path = "/d"
respond = 410
body_file = "page.html"
[[app]]
name = "shop"
module = "app:app"
`)
	cfg, src := p.load()
	for i, want := range []string{"static", "static", "app", "redirect", "respond"} {
		if got := cfg.Routes[i].Handler; got != want {
			t.Errorf("route %d: %s, want %s", i, got, want)
		}
	}
	r := cfg.Routes
	if r[0].Answer.Files.Dir != p.dir+"/files" || !slices.Equal(r[0].Answer.Files.Index, []string{"index.html"}) || r[1].Answer.Files.Index[0] != "i.html" || r[1].Answer.Files.Missing != "404" || !r[1].Answer.Files.Precompressed ||
		r[2].Rewrite.ReplacePrefix != "/v2" || r[3].Answer.Status != 302 || r[4].Answer.BodyFile != p.dir+"/page.html" || r[3].Where() != "standpipe.toml:13" {
		t.Errorf("%+v", r)
	}
	shown := map[string]string{}
	for _, e := range cfg.Effective(src) {
		shown[e.Key] = e.Value + " " + e.Source
	}
	if shown["route.3.handler"] != "redirect redirect is set" || shown["route.4.respond"] != "410 standpipe.toml:18" {
		t.Errorf("%v", shown)
	}
}

func TestRouteHandlersThatAreWrong(t *testing.T) {
	p := newProject(t, "app.py", "page.html")
	p.toml(`[[route]]
path = "/1"
app = "shop"
respond = 403
[[route]]
path = "/2"
app = "other"
[[route]]
path = "/3"
redirect = "www.example.org"
[[route]]
path = "/4"
redirect = "https://a.org{1}"
status = 300
[[route]]
path = "/5"
redirect = "/x/{2}"
path_regex = ["^/5/(.)"]
[[route]]
path = "/6"
redirect = "/x/{1}"
read_timeout = "1s"
[[route]]
path = "/7"
respond = 302
[[route]]
path = "/8"
respond = 204
body = "x"
content_type = "html"
[[route]]
path = "/9"
respond = 200
body = "x"
body_file = "none.html"
[[route]]
path = "/10"
static = "none"
strip_prefix = true
add_prefix = "/x"
[[route]]
path = "/11"
app = "shop"
rewrite = "x/{host}"
status = 301
[[route]]
path = "/12"
app = "mounted"
[[route]]
path = "/13"
respond = 200
add_prefix = "x"
[route.static]
index = ["i"]
[[route]]
path = "/14"
respond = 200
content_type = "text/html"
[[app]]
name = "shop"
module = "app:app"
[[app]]
name = "mounted"
module = "app:app"
mount = "/m"
`)
	p.wrong("standpipe.toml:4: app respond", "standpipe.toml:7: other shop", "standpipe.toml:10: redirect www.example.org https://", "standpipe.toml:13: {1} slash", "standpipe.toml:14: status 300", "standpipe.toml:17: {2} path_regex",
		"standpipe.toml:21: {1} path_regex", "standpipe.toml:22: read_timeout upstreams", "standpipe.toml:25: respond redirect status", "standpipe.toml:29: 204 body", "standpipe.toml:30: content_type html", "standpipe.toml:35: body body_file",
		"standpipe.toml:35: body_file none.html", "standpipe.toml:38: static none", "standpipe.toml:40: strip_prefix add_prefix replace_prefix", "standpipe.toml:44: rewrite", "standpipe.toml:45: status redirect",
		"standpipe.toml:48: /12 /m replace_prefix", "standpipe.toml:52: add_prefix slash", "standpipe.toml:54: [route.static] dir", "standpipe.toml:58: content_type body")
}
