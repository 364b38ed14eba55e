package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
)

func TestCompress(t *testing.T) {
	dir := t.TempDir()
	at := time.Now().Add(-time.Hour).Truncate(time.Second)
	put := func(name, content string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o640); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	text := strings.Repeat("body{color:red}\n", 100)
	put("css/a.css", text)
	put("small.css", "x")
	put("pic.png", text)
	put(".git/a.css", text)
	put("a.js.gz", "of a file that is not there")
	if err := os.Symlink("css/a.css", filepath.Join(dir, "link.css")); err != nil {
		t.Fatal(err)
	}
	code, out, errOut := call(t, "compress", dir)
	if code != 0 || !strings.HasPrefix(out, "1 files, 3 siblings written, 0 up to date") {
		t.Fatalf("exit %d, %q %q", code, out, errOut)
	}
	for _, suffix := range []string{".br", ".zst", ".gz"} {
		st, err := os.Stat(filepath.Join(dir, "css/a.css"+suffix))
		if err != nil {
			t.Fatal(err)
		}
		if !st.ModTime().Equal(at) || st.Mode().Perm() != 0o640 || st.Size() > 200 {
			t.Errorf("%s: %v %v, %d bytes", suffix, st.ModTime(), st.Mode(), st.Size())
		}
	}
	f, err := os.Open(filepath.Join(dir, "css/a.css.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if _, err := z.WriteTo(&b); err != nil || b.String() != text {
		t.Errorf("%v, %d bytes", err, b.Len())
	}
	var names []string
	err = filepath.Walk(dir, func(path string, st os.FileInfo, err error) error {
		if err == nil && !st.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			names = append(names, rel)
		}
		return err
	})
	if want := ".git/a.css a.js.gz css/a.css css/a.css.br css/a.css.gz css/a.css.zst link.css pic.png small.css"; err != nil || strings.Join(names, " ") != want {
		t.Errorf("%v\n%v\n%v", err, names, want)
	}
	if _, out, _ := call(t, "compress", dir); !regexp.MustCompile(`^1 \D+ 0 \D+ 3 `).MatchString(out) {
		t.Errorf("again: %q", out)
	}
	// A changed file that is not worth it any more leaves no sibling of its past.
	at = at.Add(time.Minute)
	put("css/a.css", "abcdefghijklmnopqrstuvwxyz0123456789")
	if _, out, _ := call(t, "compress", "--min", "0", dir); !regexp.MustCompile(`\b[36] `).MatchString(out) {
		t.Errorf("changed: %q", out)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "css/a.css.*")); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	for line, want := range map[string]string{
		"compress":                        "compress",
		"compress a b":                    "DIR",
		"compress --codings deflate a":    `"deflate"`,
		"compress --min x a":              "x",
		"compress --workers 3 a":          "--workers",
		"compress /no/folder/of/the/name": "no such file or directory",
	} {
		if code, _, errOut := call(t, strings.Fields(line)...); code == 0 || !strings.Contains(errOut, want) {
			t.Errorf("%s: exit %d, %q", line, code, errOut)
		}
	}
}
