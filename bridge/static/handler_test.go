package static

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestServesAFile(t *testing.T) {
	rg := newRig(t, Options{App: "shop"}, nil)
	rg.write("css/a.css", "body{}")
	a := rg.get("/static/css/a.css")
	if a.StatusCode != 200 || a.text != "body{}" || a.ContentLength != 6 {
		t.Fatalf("%d %q %d", a.StatusCode, a.text, a.ContentLength)
	}
	for name, want := range map[string]string{
		"Content-Type": "text/css; charset=utf-8", "X-Content-Type-Options": "nosniff", "Accept-Ranges": "bytes",
		"Cache-Control": "no-cache", "Last-Modified": "Mon, 06 May 2024 07:08:09 GMT", "Content-Encoding": "",
	} {
		if got := a.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if tag := a.Header.Get("ETag"); !strings.HasPrefix(tag, `"`) || len(tag) != 22 {
		t.Errorf("ETag %s", tag)
	}
	if h := rg.do("HEAD", "/static/css/a.css"); h.StatusCode != 200 || h.text != "" || h.Header.Get("Content-Length") != "6" || h.Header.Get("ETag") != a.Header.Get("ETag") {
		t.Errorf("HEAD: %d %q %v", h.StatusCode, h.text, h.Header)
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"} {
		if m := rg.do(method, "/static/css/a.css"); m.StatusCode != 405 || m.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %d, Allow %q", method, m.StatusCode, m.Header.Get("Allow"))
		}
	}
	if n := rg.get("/static/none"); n.StatusCode != 404 || n.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("none: %d %q", n.StatusCode, n.Header.Get("Cache-Control"))
	}
	if err := os.Symlink("loop", filepath.Join(rg.dir, "loop")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/static/loop", "/static/loop/x", "/static/" + strings.Repeat("x", 300), "/static/" + strings.Repeat("x/", 3000), "/static", "/static/", "/static/css", "/static/css/", "/static/css/a.css/", "/statics/css/a.css", "/static../css/a.css", "/", "/other"} {
		if a := rg.get(path); a.StatusCode != 404 {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
	}
}

func TestWhatIsNoFileGoesOn(t *testing.T) {
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "kept") {
			w.Header().Set("Cache-Control", "max-age=5")
		}
		w.WriteHeader(404)
		fmt.Fprint(w, r.Method+" by the app")
	})
	rg := newRig(t, Options{Next: app}, func(p *Mount) { p.Else = ToNext })
	rg.write("a.txt", "a")
	if a := rg.get("/static/a.txt"); a.text != "a" {
		t.Errorf("%d %q", a.StatusCode, a.text)
	}
	for target, want := range map[string]string{"/static/b.txt": "no-store", "/static/kept": "max-age=5", "/x": "", "/static": "no-store"} {
		if a := rg.get(target); a.text != "GET by the app" || a.Header.Get("Cache-Control") != want {
			t.Errorf("%s: %q %q", target, a.text, a.Header.Get("Cache-Control"))
		}
	}
	if a := rg.do("POST", "/static/a.txt"); a.text != "POST by the app" {
		t.Errorf("POST: %q", a.text)
	}
}

func TestIndexAndFolders(t *testing.T) {
	rg := newRig(t, Options{}, func(p *Mount) { p.URL, p.Index, p.Site = "", []string{"index.html", "default.htm"}, true })
	rg.write("index.html", "home")
	rg.write("a b/default.htm", "sub")
	rg.write("empty/x", "x")
	for target, want := range map[string]string{"/": "200 home", "/index.html": "200 home", "/a%20b/": "200 sub", "/a%20b": "301 ", "/empty/": "404", "/empty": "404", "/none/": "404"} {
		a := rg.get(target)
		if got := fmt.Sprint(a.StatusCode, " ", a.text); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s", target, got)
		}
	}
	if a := rg.get("/a%20b?x=1"); a.Header.Get("Location") != "/a%20b/?x=1" {
		t.Errorf("Location %q", a.Header.Get("Location"))
	}
	for _, name := range []string{"app.py", "app.PY", "x/__pycache__/app.pyc", "__PYCACHE__/y", "m.pyc", "a.py.gz", "site.wsgi"} {
		rg.write(name, "secret")
		if a := rg.get("/" + name); a.StatusCode != 404 {
			t.Errorf("%s: %d", name, a.StatusCode)
		}
	}
}

// fresh writes a file and gets it within the second of its last change.
func (rg *rig) fresh(name, content string) reply {
	rg.t.Helper()
	for {
		at := time.Now()
		writeFile(rg.t, filepath.Join(rg.dir, name), content, at)
		if a := rg.get("/static/" + name); time.Since(at) < time.Second {
			return a
		}
		rg.age() // this machine is slow
	}
}

func TestETags(t *testing.T) {
	rg := newRig(t, Options{}, nil)
	big := strings.Repeat("x", maxSmall+1)
	now := time.Now()
	odd := time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, content  string
		at             time.Time
		weak, modified bool
	}{
		{"small", "s", old, false, true},
		{"small-new", "s", now, false, true}, // its bytes are known
		{"big", big, old, false, true},
		{"big-new", big, now, true, true},
		{"small-1980", "s", odd, false, false},
		{"big-1970", big, time.Unix(0, 0), false, false},
		{"big-future", big, now.Add(48 * time.Hour), false, false},
	} {
		var a reply
		if c.at.Equal(now) {
			a = rg.fresh(c.name, c.content)
		} else {
			writeFile(t, filepath.Join(rg.dir, c.name), c.content, c.at)
			a = rg.get("/static/" + c.name)
		}
		tag := a.Header.Get("ETag")
		if strings.HasPrefix(tag, "W/") != c.weak || (a.Header.Get("Last-Modified") != "") != c.modified || a.text != c.content {
			t.Errorf("%s: ETag %s, Last-Modified %q, %d bytes", c.name, tag, a.Header.Get("Last-Modified"), len(a.text))
		}
	}
	// Two machines have the same tags: nothing of the inode is in them.
	other := newRig(t, Options{}, nil)
	for _, name := range []string{"small", "big", "big-1970"} {
		st, err := os.Stat(filepath.Join(rg.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		content, _ := os.ReadFile(filepath.Join(rg.dir, name))
		writeFile(t, filepath.Join(other.dir, name), string(content), st.ModTime())
		if a, b := rg.get("/static/"+name).Header.Get("ETag"), other.get("/static/"+name).Header.Get("ETag"); a != b {
			t.Errorf("%s: %s and %s", name, a, b)
		}
	}
	// A weak tag becomes strong once its second is over.
	later := now.Add(-2 * time.Second)
	if err := os.Chtimes(filepath.Join(rg.dir, "big-new"), later, later); err != nil {
		t.Fatal(err)
	}
	rg.age()
	if tag := rg.get("/static/big-new").Header.Get("ETag"); strings.HasPrefix(tag, "W/") {
		t.Errorf("still %s", tag)
	}
}

func TestImmutable(t *testing.T) {
	rg := newRig(t, Options{}, func(p *Mount) {
		p.Rules = []Rule{{Pattern: "/img/*", Value: "public, max-age=60", Expires: time.Minute}, {Pattern: "application/pdf", Value: "private"}, {Pattern: "*.tmp", Value: "no-store"}}
	})
	hexOf := func(sum []byte) string { return hex.EncodeToString(sum) }
	content := "body{color:red}"
	m, s := md5.Sum([]byte(content)), sha256.Sum256([]byte(content))
	rg.write("staticfiles.json", `{"paths": {"m.css": "m.55e7cbb9ba48.css", "plain.css": "plain.css"}, "version": "1.1"}`)
	rg.write("dist/.vite/manifest.json", `{"src/main.ts": {"file": "assets/main-DZ4kF2Xq.js", "css": ["assets/main-5UjPuW-k.css"], "isEntry": true}, "raw.js": {"file": "assets/raw-settings.js"}}`)
	rg.write("wp/manifest.json", `{"main.js": "/static/wp/main.3f1d2c4b5a69.js", "start_url": "/index.html", "name": "shop"}`)
	for name, want := range map[string]bool{
		"a." + hexOf(m[:])[:12] + ".css":   true,
		"a-" + hexOf(s[:])[:20] + ".css":   true,
		hexOf(s[:]) + ".css":               true,
		"a." + hexOf(m[:])[:11] + ".css":   false, // too short to be no accident
		"a." + hexOf(m[:])[1:14] + ".css":  false, // not the beginning
		"user-settings.js":                 false,
		"report.20240131.pdf":              false,
		"a.deadbeefdeadbeef.css":           false,
		"m.55e7cbb9ba48.css":               true,
		"plain.css":                        false,
		"dist/assets/main-DZ4kF2Xq.js":     true,
		"dist/assets/main-5UjPuW-k.css":    true,
		"dist/assets/raw-settings.js":      false,
		"dist/assets/other-DZ4kF2Xq.js":    false,
		"wp/main.3f1d2c4b5a69.js":          true,
		"wp/index.html":                    false,
		"app.20240131235959.js":            false,
		"img/a." + hexOf(m[:])[:12] + ".x": false,
	} {
		rg.write(name, content)
		cc := rg.get("/static/" + name).Header.Get("Cache-Control")
		if got := strings.Contains(cc, "immutable"); got != want || want && !strings.Contains(cc, "max-age=31536000") {
			t.Errorf("%s: %q", name, cc)
		}
	}
	for name, want := range map[string]string{"img/x.png": "public, max-age=60", "img/y/z.png": "public, max-age=60", "x.pdf": "private", "d/x.tmp": "no-store", "image.png": "no-cache"} {
		rg.write(name, "x")
		a := rg.get("/static/" + name)
		if got := a.Header.Get("Cache-Control"); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
		if has := a.Header.Get("Expires") != ""; has != strings.HasPrefix(name, "img/") {
			t.Errorf("%s: Expires %q", name, a.Header.Get("Expires"))
		}
	}
}

func TestLinks(t *testing.T) {
	outside := t.TempDir()
	writeFile(t, filepath.Join(outside, "secret.txt"), "secret", old)
	for _, follow := range []bool{false, true} {
		rg := newRig(t, Options{}, func(p *Mount) { p.FollowLinks = follow })
		rg.write("real/a.txt", "a")
		for name, to := range map[string]string{
			"inside": "real/a.txt", "dir": "real", "real/up": "../real/a.txt",
			"absolute": filepath.Join(rg.dir, "real/a.txt"), "leaves": filepath.Join(outside, "secret.txt"), "out": outside,
			"relative": "../" + filepath.Base(outside) + "/secret.txt",
		} {
			if err := os.Symlink(to, filepath.Join(rg.dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		for target, inside := range map[string]bool{"inside": true, "dir/a.txt": true, "real/up": true, "absolute": false, "leaves": false, "out/secret.txt": false} {
			want := 404
			if inside || follow {
				want = 200
			}
			if a := rg.get("/static/" + target); a.StatusCode != want {
				t.Errorf("follow %v: %s: %d, want %d", follow, target, a.StatusCode, want)
			}
		}
		if n := strings.Count(rg.log.String(), "static_link_refused"); n != map[bool]int{false: 1, true: 0}[follow] {
			t.Errorf("follow %v: %d records\n%s", follow, n, rg.log)
		}
	}
}

func TestFoldersSwap(t *testing.T) {
	base := t.TempDir()
	for _, release := range []string{"1", "2"} {
		writeFile(t, filepath.Join(base, release, "app."+release+".css"), release, old)
		writeFile(t, filepath.Join(base, release, "same.css"), release, old)
	}
	link := filepath.Join(base, "current")
	point := func(to string) {
		t.Helper()
		if err := os.Symlink(to, link+".new"); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(link+".new", link); err != nil {
			t.Fatal(err)
		}
	}
	point("1")
	place := Mount{URL: "/static", Dirs: []string{link}, Else: NotFound}
	rg := newRig(t, Options{}, func(p *Mount) { *p = place })
	expect := func(want map[string]string) {
		t.Helper()
		for name, w := range want {
			a := rg.get("/static/" + name)
			got := a.text
			if a.StatusCode != 200 {
				got = fmt.Sprint(a.StatusCode)
			}
			if got != w {
				t.Errorf("%s: %s, want %s", name, got, w)
			}
		}
	}
	expect(map[string]string{"app.1.css": "1", "app.2.css": "404", "same.css": "1"})
	point("2")
	expect(map[string]string{"app.1.css": "1", "app.2.css": "404", "same.css": "1"}) // no generation has said so
	rg.mounts.Swap([]Mount{place}, time.Hour)
	expect(map[string]string{"app.1.css": "1", "app.2.css": "2", "same.css": "2"})
	rg.mounts.Swap([]Mount{place}, time.Hour) // the same again: the one before is still there
	expect(map[string]string{"app.1.css": "1", "app.2.css": "2", "same.css": "2"})
	for _, s := range rg.mounts.openMounts() {
		for i := range s.old {
			s.old[i].until = time.Now().Add(-time.Second)
		}
	}
	expect(map[string]string{"app.1.css": "404", "app.2.css": "2"})
	rg.mounts.Swap(nil, 0)
	expect(map[string]string{"app.1.css": "404", "app.2.css": "404"})
	// Other rules, the same folder: a folder that was served more freely is not behind it.
	rg.mounts.Swap([]Mount{place}, time.Hour)
	point("1")
	narrow := place
	narrow.Site = true
	rg.mounts.Swap([]Mount{narrow}, time.Hour)
	expect(map[string]string{"app.2.css": "404", "app.1.css": "1"})
}

// A build that removes the folder and makes it again needs no reload.
func TestFolderMadeAnew(t *testing.T) {
	rg := newRig(t, Options{}, nil)
	rg.write("a.css", "a")
	rg.get("/static/a.css")
	if err := os.RemoveAll(rg.dir); err != nil {
		t.Fatal(err)
	}
	rg.age()
	if a := rg.get("/static/a.css"); a.StatusCode != 404 {
		t.Errorf("removed: %d", a.StatusCode)
	}
	rg.write("b.css", "b")
	for _, r := range rg.mounts.openMounts()[0].roots {
		r.mu.Lock()
		r.looked = time.Time{}
		r.mu.Unlock()
	}
	if a := rg.get("/static/b.css"); a.StatusCode != 404 && a.text != "b" {
		t.Errorf("made again: %d %q", a.StatusCode, a.text)
	}
	if a := rg.get("/static/b.css"); a.text != "b" {
		t.Errorf("made again: %d %q", a.StatusCode, a.text)
	}
}

func TestExactNames(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "Dir", "File.txt"), "x", old)
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for name, want := range map[string]bool{"Dir/File.txt": true, "Dir": true, ".": true, "dir/File.txt": false, "Dir/file.txt": false} {
		if got := exactly(root, name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	for _, name := range []string{"a.py.", "a ", "a:b", "x/nul?"} {
		if segmentOK(name, true, true) {
			t.Errorf("%q passes on Windows", name)
		}
	}
}

func FuzzName(f *testing.F) {
	for _, s := range []string{"/a", "/", "", "/../x", "/a//b", "/a/./b", "/.git/x", "/.well-known/x", "/a\\b", "/a\x00", "/..."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, rest string) {
		if rest != "" && rest[0] != '/' {
			return
		}
		name, _, ok := nameOf(rest)
		if !ok {
			return
		}
		if name != "." && (!filepath.IsLocal(name) || filepath.ToSlash(filepath.Clean(name)) != name) || strings.ContainsAny(name, "\\\x00") ||
			strings.Contains("/"+name, "/.") && name != "." && !strings.HasPrefix(name, wellKnown) {
			t.Errorf("%q -> %q", rest, name)
		}
	})
}
