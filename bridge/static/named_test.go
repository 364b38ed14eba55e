package static

import (
	"slices"
	"strings"
	"testing"
)

// What build tools write, hashed and not. want: the names that are proved, in order.
var builds = []struct{ name, file, manifest, want string }{
	{"vite", "manifest.json", `{
		"_shared-B7PI925R.js": {"file": "assets/shared-B7PI925R.js", "name": "shared", "css": ["assets/shared-ChJ_j-JJ.css"]},
		"_shared-ChJ_j-JJ.css": {"file": "assets/shared-ChJ_j-JJ.css", "src": "_shared-ChJ_j-JJ.css"},
		"logo.svg": {"file": "assets/logo-BuPIv-2h.svg", "src": "logo.svg"},
		"views/foo.tsx": {"file": "assets/foo-BRBmoGS9.js", "name": "foo", "src": "views/foo.tsx", "isEntry": true, "css": ["assets/foo-5UjPuW-k.css"]}}`,
		"assets/foo-5UjPuW-k.css assets/foo-BRBmoGS9.js assets/logo-BuPIv-2h.svg assets/shared-B7PI925R.js assets/shared-ChJ_j-JJ.css"},
	{"vite 4, whose chunks have no names", "manifest.json", `{
		"_shared-83069a53.js": {"file": "assets/shared-83069a53.js"},
		"index.html": {"file": "assets/index-4889e940.js", "css": ["assets/index-da6c38a1.css"]}}`,
		"assets/index-4889e940.js assets/index-da6c38a1.css"},
	{"vite unhashed", "manifest.json", `{
		"src/page-LoginForm.tsx": {"file": "assets/page-LoginForm.js", "css": ["assets/app-Release2024.css"]},
		"_vendor-Bundle2024.js": {"file": "assets/vendor-Bundle2024.js"}}`, ""},
	{"vite unhashed chunk", "manifest.json", `{"_page-LoginForm.js": {"file": "assets/page-LoginForm.js", "name": "page-LoginForm"}}`, ""},
	{"vite unhashed styles", "manifest.json", `{"src/app-Release2024.scss": {"file": "assets/app-Release2024.css"}, "src/main-a1b2c3d4.ts": {"file": "assets/main-a1b2c3d4.js"}}`, ""},
	{"vite hashes for entries alone", "manifest.json", `{"a.ts": {"file": "a-DZ4kF2Xq.js"}, "b.ts": {"file": "b.js"}}`, ""},
	{"the hash is in the key", "manifest.json", `{"lib-a1b2c3d4.js": "other.lib-a1b2c3d4.js", "main.js": "main-9f8e7d6c.js"}`, ""},
	{"webpack", "manifest.json", `{"main.js": "/static/main.3f1d2c4b5a69.js", "main.css": "auto/main.5a693f1d2c4b.css", "logo.png": "logo.png", "start_url": "/index.html", "name": "shop"}`,
		"auto/main.5a693f1d2c4b.css static/main.3f1d2c4b5a69.js"},
	{"webpack, nothing but hashes", "manifest.json", `{"main.js": "3f1d2c4b5a69788796a5.js", "v.css": "3f1d2c4b5a69788796a6.css"}`, "3f1d2c4b5a69788796a5.js 3f1d2c4b5a69788796a6.css"},
	{"a date in each name", "manifest.json", `{"src/a.ts": {"file": "assets/a-20240131.js"}, "src/b.ts": {"file": "assets/b-20240131.js", "css": ["assets/b-20240131.css"]}}`, ""},
	{"a release in each name", "manifest.json", `{"a.js": "/js/a.Release2024.js", "b.js": "/js/b.Release2024.js"}`, ""},
	{"a version in each name", "manifest.json", `{"src/a.ts": {"file": "a-v1.2.3-beta.js"}, "src/b.ts": {"file": "b-v1.2.3-beta.js"}}`, ""},
	{"a date in the only name", "manifest.json", `{"src/a.ts": {"file": "a-20240131.js"}}`, ""},
	{"webpack, a hash of the build", "manifest.json", `{"a.js": "/a.3f1d2c4b5a69.js", "b.js": "/b.3f1d2c4b5a69.js"}`, "a.3f1d2c4b5a69.js b.3f1d2c4b5a69.js"},
	{"webpack unhashed", "manifest.json", `{"main.js": "/main.js", "page-LoginForm.js": "/page-LoginForm.js", "main.css": "/css/app-Release2024.css"}`, ""},
	{"create-react-app", "asset-manifest.json", `{"files": {
		"main.css": "/static/css/main.f855e6bc.css", "main.js": "/static/js/main.7d4ef0cc.js", "static/js/787.28cb0dcd.chunk.js": "/static/js/787.28cb0dcd.chunk.js",
		"static/media/logo.svg": "/static/media/logo.6ce24c58023cc2f8fd88fe9d219db6c6.svg", "index.html": "/index.html", "main.f855e6bc.css.map": "/static/css/main.f855e6bc.css.map"},
		"entrypoints": ["static/css/main.f855e6bc.css"]}`,
		"static/css/main.f855e6bc.css static/js/main.7d4ef0cc.js static/media/logo.6ce24c58023cc2f8fd88fe9d219db6c6.svg"},
	{"assets-webpack-plugin", webpackAssets, `{"main": {"js": "/js/main.7d4ef0cc.js", "css": ["/css/main.f855e6bc.css"]}}`, "css/main.f855e6bc.css js/main.7d4ef0cc.js"},
	{"esbuild", "manifest.json", `{"src/app.ts": "dist/app-ABCD2345.js", "src/app.css": "dist/app-ZYXW5432.css"}`, "dist/app-ABCD2345.js dist/app-ZYXW5432.css"},
	{"parcel", "parcel-manifest.json", `{"index.js": "/index.1a2b3c4d.js", "index.html": "/index.html"}`, "index.1a2b3c4d.js"},
	{"gulp", "rev-manifest.json", `{"css/app.css": "css/app-d41d8cd98f.css"}`, "css/app-d41d8cd98f.css"},
	{"django", "staticfiles.json", `{"paths": {"m.css": "m.55e7cbb9ba48.css", "plain.css": "plain.css", "a/b.js": "a/b.Release2024.js"}, "version": "1.1", "hash": "x"}`, "m.55e7cbb9ba48.css"},
	{"django, a date as its version", "staticfiles.json", `{"paths": {"m.css": "m.20240131.css"}}`, ""},
	{"a web app's", "manifest.json", `{"name": "My App", "start_url": "/start-Page2024.php", "icons": [{"src": "x.png"}]}`, ""},
	{"nothing", "manifest.json", `[]`, ""},
}

func TestProvedNames(t *testing.T) {
	for _, b := range builds {
		got := proved(parseManifest(b.file, []byte(b.manifest)))
		slices.Sort(got)
		if text := strings.Join(slices.Compact(got), " "); text != b.want {
			t.Errorf("%s: %q, want %q", b.name, text, b.want)
		}
	}
}

func FuzzManifest(f *testing.F) {
	for _, b := range builds {
		f.Add(b.file, []byte(b.manifest))
	}
	f.Fuzz(func(t *testing.T, name string, text []byte) {
		for _, file := range proved(parseManifest(name, text)) {
			if file == "" || strings.Contains(file, "..") {
				t.Errorf("%q", file)
			}
		}
	})
}
