package fastcgi

import (
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"
)

// tree is a root with the names that a split may be mistaken about.
var tree = fstest.MapFS{"index.php": {}, "a/index.php": {}, "a/x.jpg": {}, "d.php/e.php": {}, "d.php/f.txt": {}, "v1.2/a.php": {}, "p/index.html": {}}

// scripts answers with what it would run.
func scripts(prefix, missing string, local bool) *Scripts {
	o := ScriptsOptions{Prefix: prefix, Split: []string{".php"}, Index: []string{"index.php", "index.html"}, Missing: missing, Root: "/far",
		Next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s := r.Context().Value(scriptKey{}).(*Script)
			io.WriteString(w, strings.Join([]string{s.Path, s.Info, s.File, s.Root}, " "))
		}),
		Files: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "file "+r.URL.Path) }),
	}
	if local {
		o.Root = ""
		o.Look = func(path string) (fs.FileInfo, string, bool) {
			name := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(path, prefix), "/"), "/")
			if name == "" {
				name = "."
			}
			info, err := tree.Stat(name)
			return info, "/srv/", err == nil
		}
	}
	return NewScripts(o)
}

func TestScripts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		s            *Scripts
		target, want string
	}{
		{scripts("", "", true), "/", "/index.php  /srv/index.php /srv"},
		{scripts("", "", true), "/index.php/", "/index.php / /srv/index.php /srv"},
		{scripts("", "", true), "/a/index.php/x.php/y", "/a/index.php /x.php/y /srv/a/index.php /srv"},
		{scripts("", "", true), "/a/x.jpg/y.php", "404"},
		{scripts("", "", true), "/d.php/e.php/i", "/d.php/e.php /i /srv/d.php/e.php /srv"},
		{scripts("", "", true), "/d.php/f.txt", "file /d.php/f.txt"},
		{scripts("", "", true), "/d.php/none.php", "404"},
		{scripts("", "", true), "/p/", "file /p/"},
		{scripts("", "", true), "/p?q", "301 /p/?q"},
		{scripts("", "", true), "/a/x.jpg/", "404"},
		{scripts("", "", true), "/a/x.jpg%00.php", "404"},
		{scripts("", "", true), "/index.php/%2e%2e/x", "404"},
		{scripts("", "", true), "/index.php/a%5Cb", "404"},
		{scripts("/b", "/index.php", true), "/b/none", "/b/index.php  /srv/index.php /srv"},
		{scripts("/b", "/index.php", true), "/b/a/", "/b/a/index.php  /srv/a/index.php /srv"},
		{scripts("/b", "/gone.php", true), "/b/none", "404"},
		{scripts("/b", "", true), "/c/index.php", "404"},
		{scripts("", "", false), "/a/b.php/i", "/a/b.php /i /far/a/b.php /far"},
		{scripts("", "", false), "/a/", "/a/index.php  /far/a/index.php /far"},
		{scripts("", "", false), "/a/x.jpg/y.php", "404"},
		{scripts("", "", false), "/.a/y.php", "404"},
		{scripts("", "", false), "/a/x.jpg", "404"},
		{scripts("/b", "/index.php", false), "/b/a/x.jpg/y.php", "/b/index.php  /far/index.php /far"},
	} {
		u, err := url.Parse(c.target)
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		c.s.ServeHTTP(w, &http.Request{Method: "GET", URL: u, Header: http.Header{}})
		got := w.Body.String()
		switch w.Code {
		case 404:
			got = "404"
		case 301:
			got = "301 " + w.Header().Get("Location")
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.target, got, c.want)
		}
	}
}

// FuzzScripts: whatever the path, what runs is a file of the root with the ending of a script, and what it is told is the path.
func FuzzScripts(f *testing.F) {
	for _, path := range []string{"/a/x.jpg/y.php", "/index.php/a", "/d.php/e.php", "/a/../index.php", "/.php", "//index.php", "a/", "*"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		s := scripts("", "", true)
		s.Next = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			run := r.Context().Value(scriptKey{}).(*Script)
			info, err := tree.Stat(strings.TrimPrefix(run.File, "/srv/"))
			if err != nil || info.IsDir() || !strings.HasSuffix(run.File, ".php") {
				t.Fatalf("%q runs %q", path, run.File)
			}
			if run.Path+run.Info != path && !strings.HasSuffix(path, "/") {
				t.Fatalf("%q is %q and %q", path, run.Path, run.Info)
			}
		})
		s.ServeHTTP(httptest.NewRecorder(), &http.Request{Method: "GET", URL: &url.URL{Path: path}, Header: http.Header{}})
	})
}
