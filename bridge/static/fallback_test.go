package static

import "testing"

// Pages that there are not get the fallback, files and hidden names do not.
func TestFallback(t *testing.T) {
	t.Parallel()
	rg := newRig(t, Options{}, func(m *Mount) {
		m.URL, m.Site, m.Fallback, m.Index, m.Types = "", true, "app/index.html", []string{"index.html"}, map[string]string{".glb": "model/gltf-binary"}
	})
	rg.write("app/index.html", "the app")
	rg.write("x.txt", "a file")
	for _, c := range []struct {
		method, path, accept string
		status               int
		text                 string
	}{
		{"GET", "/", "text/html", 200, "the app"}, {"GET", "/users/7", "text/html,*/*;q=0.8", 200, "the app"}, {"HEAD", "/users/7", "", 200, ""}, {"GET", "/users/john.doe", "*/*", 200, "the app"},
		{"GET", "/x.txt", "text/html", 200, "a file"}, {"GET", "/x.txt/", "text/html", 404, ""}, {"GET", "/deep/er/", "text/html", 200, "the app"},
		{"GET", "/assets/x.js", "text/html", 404, ""}, {"GET", "/assets/x.GLB", "text/html", 404, ""}, {"GET", "/x.html", "text/html", 404, ""},
		{"GET", "/users/7", "application/json", 404, ""}, {"GET", "/users/7", "text/html;q=0", 404, ""}, {"POST", "/users/7", "text/html", 405, ""},
		{"GET", "/.env", "text/html", 404, ""}, {"GET", "/.git/config", "text/html", 404, ""}, {"GET", "/a//b", "text/html", 404, ""}, {"GET", "/app.py", "text/html", 404, ""}, {"GET", "/%00", "text/html", 404, ""},
	} {
		a := rg.do(c.method, c.path, "Accept", c.accept)
		if a.StatusCode != c.status || c.status == 200 && a.text != c.text {
			t.Errorf("%s %s (%s): %d %q", c.method, c.path, c.accept, a.StatusCode, a.text)
		}
	}
	a := rg.get("/users/7")
	if again := rg.do("GET", "/users/8", "If-None-Match", a.Header.Get("ETag")); again.StatusCode != 304 || a.Header.Get("Cache-Control") != "no-cache" {
		t.Errorf("%d %v", again.StatusCode, a.Header)
	}
}
