package static

import (
	"strings"
	"testing"
)

func TestTypes(t *testing.T) {
	for name, want := range map[string]string{
		"index.html": "text/html", "a/b.css": "text/css", "x.js": "text/javascript",
		"x.mjs": "text/javascript", "x.wasm": "application/wasm", "f.woff2": "font/woff2", "i.avif": "image/avif",
		"i.webp": "image/webp", "i.svg": "image/svg+xml", "i.PNG": "image/png", "m.webmanifest": "application/manifest+json",
		"a.json": "application/json", "a.js.map": "application/json", "a.tar.gz": "application/gzip", "README": octetStream,
		"a.unknown": octetStream, "dir.html/x": octetStream, "": octetStream, "x.": octetStream, "a.txt": "text/plain", "v.mp4": "video/mp4",
		"a.pdf": "application/pdf", "x.ico": "image/x-icon", "s.xml": "text/xml", "v.webm": "video/webm", "d.ttf": "font/ttf",
	} {
		if got := typeOf(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if len(types) < 250 {
		t.Errorf("the table has %d suffixes", len(types))
	}
}

func TestTypeTableIsSound(t *testing.T) {
	seen := map[string]string{}
	for line := range strings.Lines(typeTable) {
		f := strings.Fields(line)
		if f[0] == "#" {
			continue
		}
		if len(f) < 2 || strings.Count(f[0], "/") != 1 || strings.ToLower(line) != line {
			t.Errorf("bad line %q", line)
			continue
		}
		for _, suffix := range f[1:] {
			if seen[suffix] != "" {
				t.Errorf("%s is both %s and %s", suffix, seen[suffix], f[0])
			}
			seen[suffix] = f[0]
		}
	}
}
