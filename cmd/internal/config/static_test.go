package config

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestStatic(t *testing.T) {
	p := newProject(t, "srv/app.py", "srv/media/x", "srv/assets/x", "www/x", "other/x")
	p.toml(`
static_overlap = "1m"

[[static]]
url = "/"
dir = "www"
hosts = ["Files.example.org."]
index = ["index.html"]

[[app]]
name = "shop"
dir = "srv"
mount = "/shop"
static = "force"
follow_symlinks = true

[[app]]
name = "blog"
dir = "srv"
static = ["/m=media", "off"]

[[app]]
name = "wiki"
dir = "srv"
mount = "/wiki"
[[app.static]]
url = "/media/"
dir = "media"
missing = "app"
precompressed = false
follow_symlinks = false
cache_control = { "z*" = "1h", "a*" = "private", "image/*" = "no-store" }
[[app.static]]
url = "/assets"
dir = "assets"
`)
	c, src := p.load()
	if c.Files.Overlap != time.Minute || c.Files.Cache != 64<<20 || len(c.Files.CompressCodings) != 3 || c.Files.CompressMin != 1024 || len(c.Files.MediaTypes()) < 10 {
		t.Errorf("%+v", c)
	}
	s := c.Static[0]
	if s.URL != "/" || s.Dir != filepath.Join(p.dir, "www") || s.Hosts[0] != "files.example.org" || s.Index[0] != "index.html" || s.Missing != "app" || !s.Precompressed {
		t.Errorf("%+v", s)
	}
	if shop := c.Apps[0]; shop.Files.Mode != StaticForce || !shop.Files.FollowSymlinks || len(shop.Files.Static) != 0 || !shop.Files.CompressStatic || shop.Files.CompressApp {
		t.Errorf("%+v", shop)
	}
	if blog := c.Apps[1]; blog.Files.Mode != StaticOff || blog.Files.Static[0].Dir != filepath.Join(p.dir, "srv/media") || blog.Files.Static[0].Missing != "404" {
		t.Errorf("%+v", blog)
	}
	wiki := c.Apps[2].Files.Static
	if len(wiki) != 2 || wiki[0].Missing != "app" || wiki[0].Precompressed || *wiki[0].FollowSymlinks || !wiki[1].Precompressed || wiki[1].Dir != filepath.Join(p.dir, "srv/assets") {
		t.Fatalf("%+v", wiki)
	}
	// In the order of the file.
	if r := wiki[0].CacheControl; len(r) != 3 || r[0] != (CacheRule{"z*", "public, max-age=3600", time.Hour}) || r[1].Pattern != "a*" || r[2].Value != "no-store" {
		t.Errorf("%+v", r)
	}
	if got := src.Of("app.wiki.static.0.url").Where; !strings.HasPrefix(got, "standpipe.toml:") {
		t.Errorf("source %q", got)
	}
	// The command line is added; it wins for a URL that the file has too.
	p.flag("static", "/assets=../other", "/new=../www", "auto")
	c, _ = p.load()
	wiki = c.Apps[2].Files.Static
	if len(wiki) != 3 || wiki[0].Dir != filepath.Join(p.dir, "other") || wiki[1].Dir != filepath.Join(p.dir, "www") || c.Apps[1].Files.Mode != StaticAuto {
		t.Errorf("%+v", wiki)
	}
}

func TestStaticMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"[[static]]\ndir = \".\"\n":                                                    "standpipe.toml:1: static url",
		"[[app]]\n[[app.static]]\nurl = \"/x\"\n":                                      "standpipe.toml:2: static dir",
		"[[static]]\nurl = \"x\"\ndir = \".\"\n":                                       `standpipe.toml:1: [[static]] url x path`,
		"[[static]]\nurl = \"/a/../b\"\ndir = \".\"\n":                                 "/a/../b",
		"[[static]]\nurl = \"/\"\ndir = \"none\"\n":                                    "none",
		"[[static]]\nurl = \"/\"\ndir = \".\"\n[[static]]\nurl = \"/\"\ndir = \".\"\n": "url",
		"[[static]]\nurl = \"/\"\ndir = \".\"\nmissing = \"410\"\n":                    `410 404`,
		"[[static]]\nurl = \"/\"\ndir = \".\"\nindexes = 1\n":                          "indexes index",
		"[[app]]\nstatic = \"media\"\n":                                                `standpipe.toml:2: static media /URL=DIR`,
		"[[app]]\n[[app.static]]\nurl=\"/\"\ndir=\".\"\nhosts=[\"a\"]\n":               "hosts [[static]]",
		"compress_codings = [\"deflate\"]\n":                                           `deflate`,
		"compress_types = [\"html\"]\n":                                                `html`,
		"static_compress = true\n":                                                     "[[app]]",
	} {
		p := newProject(t, "app.py")
		p.toml(text)
		p.wrong(want)
	}
}

func TestFallbackThatIsWrong(t *testing.T) {
	p := newProject(t, "app.py", "www/index.html")
	p.toml(`[[static]]
url = "/a"
dir = "www"
missing = "/none.html"
[[static]]
url = "/b"
dir = "www"
missing = "/../app.py"
[[route]]
[route.static]
dir = "www"
missing = "/none.html"
[[static]]
url = "/c"
dir = "www"
missing = "/index.html"
`)
	p.wrong("standpipe.toml:1: [[static]] missing none.html", "standpipe.toml:8: missing /../app.py /index.html", "standpipe.toml:11: static missing none.html")
}
