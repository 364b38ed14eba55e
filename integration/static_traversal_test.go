package integration

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// attempt is a path that must give nothing away, and its benign twin, which must be answered with what its file holds:
// the same way of writing, around a name that is there.
type attempt struct{ hostile, twin string }

// encodings are ways to write a segment of a path. An empty one: that way has no harmless use.
var encodings = []func(string) string{
	func(s string) string { return s },
	percent("./", false), // only dots and slashes
	percent("./", true),
	func(s string) string { return percentAll(s, false) },
	func(s string) string { return percentAll(s, true) },
	func(s string) string { return strings.Replace(s, ".", "%2e", 1) },
	func(s string) string { return strings.Replace(s, "/", "%2f", 1) },
}

func percent(chars string, upper bool) func(string) string {
	return func(s string) string {
		var b strings.Builder
		for i := range len(s) {
			if strings.IndexByte(chars, s[i]) >= 0 {
				b.WriteString(percentAll(s[i:i+1], upper))
			} else {
				b.WriteByte(s[i])
			}
		}
		return b.String()
	}
}

func percentAll(s string, upper bool) string {
	format := "%%%02x"
	if upper {
		format = "%%%02X"
	}
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, format, s[i])
	}
	return b.String()
}

// attempts are the paths beneath one URL of a folder; the twins' file is in/ok.txt, beneath the same folder.
func attempts(url string) (list []attempt) {
	add := func(hostile, twin string) { list = append(list, attempt{url + hostile, url + twin}) }
	for _, enc := range encodings {
		// Out of the folder, to files beside it, above it, at the root of the machine.
		for _, target := range []string{"../canary.txt", "../outside/canary.txt", "../../canary.txt", "in/../../canary.txt", "in/../../outside/canary.txt", "../folder-beside/canary.txt", "./../canary.txt"} {
			add("/"+enc(target), "/"+enc("in/ok.txt"))
		}
		add("/"+enc("../../../../../../../../etc/passwd"), "/"+enc("in/ok.txt"))
		// What lies in it and must not be served.
		for _, name := range []string{".env", ".git/config", "in/.htpasswd", ".well-known/.secret", "in/..hidden"} {
			add("/"+enc(name), "/"+enc(".well-known/ok.txt"))
		}
		// Links out of it: to a file, to a folder, by way of a link that is inside; compressed siblings.
		for _, name := range []string{"link-file.txt", "link-dir/canary.txt", "link-chain/canary.txt", "link-absolute.txt", "link-root/etc/passwd", "link-dir/../canary.txt"} {
			add("/"+enc(name), "/"+enc("link-in/ok.txt"))
		}
	}
	// Written in ways that some server has understood once.
	for _, dots := range []string{
		"..%5c", "..\\", "..%255c", "%252e%252e%252f", "%252e%252e/", "..%c0%af", "%c0%ae%c0%ae/", "%c0%ae%c0%ae%c0%af", "..%e0%80%af", "..%f0%80%80%af",
		"..%u2215", "%uff0e%uff0e/", "..;/", "..;a=b/", "..%00/", "..%0d/", "..%0a/", "..%09/", "..%20/", "..?/", "..#/", ".../", "..../", "....//", "...//", "/%2e%2e/", "//../", "/./../",
		".%2e/", "%2e./", "..%2f", "%2e%2e%5c", "..%ef%bc%8f", "%ef%bc%8e%ef%bc%8e/", "..\u2215", "%e2%80%a5/", "..%3a/", "..%3b/", "..%2f%2f", "..//", "..%7f/",
	} {
		add("/"+dots+"canary.txt", "/odd/%252e.txt")
		add("/in/"+dots+dots+"canary.txt", "/odd/x..;.txt")
		add("/"+dots+dots+dots+dots+dots+dots+"etc/passwd", "/odd/%25c0%25af.txt")
	}
	// The URL's own end.
	for _, s := range []string{"../canary.txt", "..%2fcanary.txt", "-beside/canary.txt", "%2f..%2fcanary.txt", "%2e%2e/canary.txt", "..;/canary.txt", "./../canary.txt", "//canary.txt", "/%2fcanary.txt", "%5c..%5ccanary.txt"} {
		add(s, "/in/ok.txt")
	}
	// Names that end before they end.
	for _, s := range []string{"/.env%00.txt", "/in/.htpasswd%00", "/.env%20", "/.env.", "/.env/", "/.env%2f", "/.env::$DATA", "/.ENV", "/.env?.txt", "/.env;.txt", "/link-file.txt/", "/link-file.txt%00.css", "/in/ok.txt/../../../canary.txt"} {
		add(s, "/in/ok.txt?x=..%2f..%2fcanary.txt")
	}
	return list
}

// way is one way in: it sends a request for a target as it is and returns the status and all bytes of the answer.
type way struct {
	name string
	get  func(s *server, target, fields string) (status int, all string, err error)
}

var waysIn = []way{{"HTTP/1.1", func(s *server, target, fields string) (int, string, error) {
	c, err := s.dial()
	if err != nil {
		return 0, "", err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n", target, fields)
	all, err := io.ReadAll(c)
	if err != nil && len(all) == 0 {
		return 0, "", err
	}
	resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(string(all))), nil)
	if err != nil {
		return 0, string(all), err
	}
	return resp.StatusCode, string(all), nil
}}, {"uwsgi", func(s *server, target, fields string) (int, string, error) {
	_, unix := s.uwsgiAddresses()
	raw, query, _ := strings.Cut(target, "?")
	path, err := url.PathUnescape(raw) // as a web server hands it on: decoded once, or as it is
	if err != nil {
		path = raw
	}
	pairs := []string{"PATH_INFO=" + path, "QUERY_STRING=" + query, "REQUEST_URI=" + target}
	if _, codings, ok := strings.Cut(strings.TrimSpace(fields), ": "); ok {
		pairs = append(pairs, "HTTP_ACCEPT_ENCODING="+codings)
	}
	all, err := askUwsgi(s.t, unix, pairs...)
	if err != nil && all == "" {
		return 0, "", err
	}
	status, err := strconv.Atoi(all[min(9, len(all)):min(12, len(all))])
	return status, all, err
}}}

func TestStaticTraversal(t *testing.T) {
	t.Parallel()
	secret := rand.Text()
	passwd, err := os.ReadFile("/etc/passwd")
	if err != nil {
		t.Fatal(err)
	}
	root, _, _ := strings.Cut(string(passwd), "\n")
	ok := "benign " + rand.Text()
	files := map[string]string{"app/app.py": plainApp}
	for _, name := range []string{"canary.txt", "outside/canary.txt", "app/canary.txt", "app/outside/canary.txt", "app/folder-beside/canary.txt", "app/s-beside/canary.txt",
		"app/folder/.env", "app/folder/.git/config", "app/folder/in/.htpasswd", "app/folder/.well-known/.secret", "app/folder/in/..hidden", "app/folder/src.py", "app/folder/pkg/__pycache__/m.pyc"} {
		files[name] = "canary " + secret
	}
	for _, name := range []string{"in/ok.txt", ".well-known/ok.txt", "odd/%2e.txt", "odd/x..;.txt", "odd/%c0%af.txt", "sib.css", "swap-a/x.txt"} {
		files["app/folder/"+name] = ok
	}
	dir := project(t, files)
	folder := filepath.Join(dir, "app", "folder")
	for name, to := range map[string]string{
		"link-file.txt": "../canary.txt", "link-dir": "../outside", "link-chain": "in/link-out", "in/link-out": "../../outside", "link-absolute.txt": filepath.Join(dir, "canary.txt"),
		"link-root": "/", "link-in": "in", "sib.css.gz": "../canary.txt", "sib.css.br": filepath.Join(dir, "canary.txt"), "sib.css.zst": "../../canary.txt",
	} {
		if err := os.Symlink(to, filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	write(t, dir, map[string]string{"standpipe.toml": `
[[app]]
name = "a"
dir = "app"
workers = 1
[[app.static]]
url = "/s"
dir = "folder"
[[app.static]]
url = "/"
dir = "folder"
index = ["index.html"]
`})
	s := start(t, opts{Dir: dir, Args: []string{}, Listen: []string{"127.0.0.1:0", "uwsgi+unix:" + filepath.Join(t.TempDir(), "u.sock")}})
	list := append(attempts("/s"), attempts("")...)
	list = append(list, attempt{"/src.py", "/in/ok.txt"}, attempt{"/SRC.PY", "/in/ok.txt"}, attempt{"/pkg/__pycache__/m.pyc", "/in/ok.txt"}, attempt{"/%73rc.py", "/in/ok.txt"})
	if len(list) < 200 {
		t.Fatalf("%d paths", len(list))
	}
	leaked := func(way, target, all string) {
		if strings.Contains(all, secret) || strings.Contains(all, root) {
			t.Errorf("%s: %q gave away what lies outside: %.300q", way, target, all)
		}
	}
	// While a link is inside and outside in turns.
	stop := make(chan struct{})
	var swapper sync.WaitGroup
	swapper.Go(func() {
		link := filepath.Join(folder, "swap")
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			to := []string{"swap-a", "../outside", filepath.Join(dir, "outside"), "in"}[n%4]
			if os.Symlink(to, link+".new") != nil || os.Rename(link+".new", link) != nil {
				t.Error("the link cannot be swapped")
				return
			}
		}
	})
	for _, w := range waysIn {
		for _, a := range list {
			if _, all, err := w.get(s, a.hostile, "Accept-Encoding: gzip, br, zstd\r\n"); err != nil && all == "" {
				t.Errorf("%s: %q: %v", w.name, a.hostile, err)
			} else {
				leaked(w.name, a.hostile, all)
			}
			if status, all, err := w.get(s, a.twin, ""); err != nil || status != 200 || !strings.HasSuffix(all, "\r\n\r\n"+ok) {
				t.Errorf("%s: the twin of %q, %q: %d, %v, %.300q", w.name, a.hostile, a.twin, status, err, all)
			}
			for _, target := range []string{"/s/swap/x.txt", "/s/swap/canary.txt", "/swap/ok.txt", "/swap/../canary.txt"} {
				_, all, err := w.get(s, target, "")
				if err != nil {
					t.Errorf("%s: %q: %v", w.name, target, err)
				}
				leaked(w.name, target, all)
			}
		}
		if status, all, _ := w.get(s, "/s/sib.css", "Accept-Encoding: gzip, br, zstd\r\n"); status != 200 || !strings.HasSuffix(all, ok) {
			t.Errorf("%s: a sibling outside: %d %.300q", w.name, status, all)
		}
	}
	close(stop)
	swapper.Wait()
	t.Logf("%d paths by %d ways", len(list), len(waysIn))
}
