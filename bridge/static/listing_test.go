package static

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The names that may be requested are shown, escaped and sorted.
func TestListing(t *testing.T) {
	t.Parallel()
	rg := newRig(t, Options{}, func(m *Mount) {
		m.Listing, m.Site, m.Index, m.Fields = true, true, []string{"index.html"}, []string{"X-A", "b"}
	})
	for name, text := range map[string]string{`<b>&"x'.txt`: "1234567", "a:b": "", ".env": "secret", ".git/config": "", "app.py": "", "sub/x.txt": "x", "empty/.keep": "", "with/index.html": "index", "Z.bin": strings.Repeat("z", 3000)} {
		rg.write(name, text)
	}
	for name, to := range map[string]string{"out": "/etc/passwd", "in": "Z.bin", "gone": "none"} {
		if err := os.Symlink(to, filepath.Join(rg.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	a := rg.do("GET", "/static/", "Accept", "text/html,*/*;q=0.8")
	if a.StatusCode != 200 || a.Header.Get("Content-Type") != "text/html; charset=utf-8" || a.Header.Get("X-A") != "b" || a.Header.Get("Vary") != "Accept" || !strings.Contains(a.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("%d %v", a.StatusCode, a.Header)
	}
	for _, want := range []string{`<a href="./%3Cb%3E&amp;%22x%27.txt">&lt;b&gt;&amp;&#34;x&#39;.txt</a></td><td>7 B</td>`, `<a href="./a:b">a:b</a>`, `<a href="./sub/">sub/</a>`, "2.9 KiB", ">in</a>", "2024-05-06 07:08"} {
		if !strings.Contains(a.text, want) {
			t.Errorf("no %s in\n%s", want, a.text)
		}
	}
	for _, hidden := range []string{".env", ".git", "app.py", ">out<", ">gone<", "<b>", "../"} {
		if strings.Contains(a.text, hidden) {
			t.Errorf("%s is shown in\n%s", hidden, a.text)
		}
	}
	a = rg.do("GET", "/static/", "Accept", "application/json")
	var list []struct {
		Name, Type, Mtime string
		Size              *int
	}
	if err := json.Unmarshal([]byte(a.text), &list); err != nil || len(list) != 7 || list[0].Name != "empty" || list[0].Size != nil || list[2].Type != "directory" || list[3].Name != `<b>&"x'.txt` ||
		*list[3].Size != 7 || list[3].Mtime != "Mon, 06 May 2024 07:08:09 GMT" {
		t.Errorf("%v %s", err, a.text)
	}
	if a = rg.get("/static/sub"); a.StatusCode != 301 || a.Header.Get("Location") != "/static/sub/" {
		t.Errorf("%d %v", a.StatusCode, a.Header)
	}
	if a = rg.get("/static/sub/"); !strings.Contains(a.text, `<a href="../">`) || !strings.Contains(a.text, "<h1>/static/sub/</h1>") {
		t.Errorf("%s", a.text)
	}
	if a = rg.do("GET", "/static/empty/", "Accept", "application/json"); a.text != "[]" {
		t.Errorf("%s", a.text)
	}
	if a = rg.do("HEAD", "/static/sub/"); a.StatusCode != 200 || a.text != "" || a.ContentLength == 0 {
		t.Errorf("%d %q", a.StatusCode, a.text)
	}
	if a = rg.get("/static/with/"); a.text != "index" {
		t.Errorf("%s", a.text)
	}
	for _, path := range []string{"/static/.git/", "/static/none/", "/static/Z.bin/", "/static/../", "/static//"} {
		if a = rg.get(path); a.StatusCode != 404 {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
	}
}

func TestListingIsBounded(t *testing.T) {
	t.Parallel()
	rg := newRig(t, Options{}, func(m *Mount) { m.Listing = true })
	for i := range maxListed + 10 {
		if err := os.WriteFile(filepath.Join(rg.dir, fmt.Sprint(i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a := rg.get("/static/")
	if n := strings.Count(a.text, "<tr>"); n != maxListed || !strings.Contains(a.text, fmt.Sprintf("more than %d names", maxListed)) {
		t.Errorf("%d rows", n)
	}
}
