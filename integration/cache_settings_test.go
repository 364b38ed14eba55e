package integration

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// askedApp answers as the query says: size in bytes, status, vary, and gate, a file that it waits for; it says how often it was asked for the path.
const askedApp = `import collections, os, time
from urllib.parse import parse_qs
calls = collections.Counter()
def app(environ, start_response):
    path = environ["PATH_INFO"]
    q = {k: v[0] for k, v in parse_qs(environ["QUERY_STRING"]).items()}
    calls[path] += 1
    n = calls[path]
    while not os.path.exists(q.get("gate", "/")):
        time.sleep(0.01)
    body = b"%d %s" % (n, environ.get("HTTP_ACCEPT_LANGUAGE", "").encode())
    body += b"." * (int(q.get("size", 0)) - len(body))
    fields = [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))]
    if "silent" not in path:
        fields.append(("Cache-Control", q.get("cc", "max-age=600")))
    if "vary" in q:
        fields.append(("Vary", q["vary"]))
    fields = [(k, v) for k, v in fields if k != "Cache-Control" or "h" not in q]
    fields += [tuple(h.split(": ", 1)) for h in parse_qs(environ["QUERY_STRING"]).get("h", [])]
    if "HTTP_X_TO" in environ:
        fields.append(("Location", environ["HTTP_X_TO"]))
    start_response(q.get("status", "200") + " Said", fields)
    return [body]
`

// Each setting of the HTTP cache has the effect that its page says, and without it there is another.
func TestCacheSettings(t *testing.T) {
	t.Parallel()
	const same, asked = true, false // the second request for a path gets the first one's answer, or the app's
	for _, c := range []struct {
		name, table, app string // of [cache] and [[app]]
		path             string // of both requests
		first, second    []string
		query            string // of the second request, beside that of path
		without, with    bool
	}{
		{name: "cache_max_object", table: `cache_max_object = "2KiB"`, path: "/a?size=3000", without: same, with: asked},
		{name: "cache_client_directives", table: `cache_client_directives = "off"`, path: "/a", second: []string{"Cache-Control: max-age=0"}, without: asked, with: same},
		{name: "cache_ignore_query", table: `cache_ignore_query = ["ref", "x_*"]`, path: "/a?cc=max-age=600", query: "&ref=mail&x_y=1", without: asked, with: same},
		{name: "cache_ignore_cookies", app: `cache_ignore_cookies = ["_ga*"]`, path: "/silent/a", first: []string{"Cookie: _ga_1=2"}, second: []string{"Cookie: _ga_1=3"}, without: asked, with: same},
		{name: "cache_languages", app: `cache_languages = ["de", "en"]`, path: "/a?vary=Accept-Language", first: []string{"Accept-Language: de-AT, en;q=0.5"}, second: []string{"Accept-Language: de;q=0.9, fr;q=0.8"}, without: asked, with: same},
		{name: "cache_cookies", app: `cache_cookies = ["currency"]`, path: "/a", first: []string{"Cookie: currency=EUR"}, second: []string{"Cookie: currency=USD"}, without: same, with: asked},
		{name: "cache_set_cookies", app: `cache_set_cookies = ["lang"]`, path: "/a?h=Cache-Control:+max-age%3D60&h=Set-Cookie:+lang%3Dde", without: asked, with: same},
		{name: "cache_missing", app: `cache_missing = "10m"`, path: "/silent/none?status=404", without: asked, with: same},
	} {
		rule := ""
		if c.name == "cache_ignore_cookies" { // for answers that say nothing, cookies count
			rule = "[[app.cache_rules]]\npath = \"/silent/**\"\nttl = \"10m\"\n"
		}
		for _, on := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/%v", c.name, on), func(t *testing.T) {
				t.Parallel()
				table, app, want := "", "", c.without
				if on {
					table, app, want = c.table, c.app, c.with
				}
				text := "[cache]\n" + table + "\n[[app]]\nname = \"shop\"\nmodule = \"app:app\"\nworkers = 1\ncache = \"on\"\n" + app + "\n" + rule
				s := start(t, opts{Dir: project(t, map[string]string{"app.py": askedApp, "standpipe.toml": text}), Args: []string{"-c", "standpipe.toml"}})
				one := s.get(c.path, c.first...)
				two := s.get(c.path+c.query, c.second...)
				if !strings.HasPrefix(one.Body, "1 ") || two.Status != one.Status {
					t.Fatalf("%d %q, then %d %q", one.Status, one.Body, two.Status, two.Body)
				}
				if got := strings.HasPrefix(two.Body, "1 "); got != want {
					t.Errorf("the second request gets the answer of the first one: %v, want %v: %q", got, want, two.cacheStatus())
				}
			})
		}
	}
}

// What docs/cache.md says of the fields of answers: whether the second client gets the first one's answer.
func TestCacheObeysAnswers(t *testing.T) {
	t.Parallel()
	s := cachedServer(t, "")
	const same, asked = true, false
	for i, c := range []struct {
		fields []string
		status int
		want   bool
	}{
		{[]string{"Cache-Control: max-age=60"}, 200, same},
		{[]string{"Expires: Fri, 01 Jan 2100 00:00:00 GMT"}, 200, same},
		{[]string{"Cache-Control: s-maxage=600, max-age=0"}, 200, same},
		{[]string{"CDN-Cache-Control: max-age=60", "Cache-Control: no-store"}, 200, same},
		{[]string{"CDN-Cache-Control: no-store", "Cache-Control: max-age=60"}, 200, asked},
		{[]string{"Standpipe-Cache-Control: no-store", "CDN-Cache-Control: max-age=60"}, 200, asked},
		{[]string{"Standpipe-Cache-Control: max-age=60", "CDN-Cache-Control: no-store", "Surrogate-Control: no-store"}, 200, same},
		{[]string{"Surrogate-Control: max-age=60", "Cache-Control: no-cache"}, 200, same},
		{[]string{"CDN-Cache-Control: max-age=60", "Surrogate-Control: no-store"}, 200, same},
		{[]string{"Cache-Control: no-cache", `ETag: "a"`}, 200, asked},
		{[]string{"Cache-Control: max-age=0, stale-while-revalidate=600"}, 200, same},
		{[]string{"Cache-Control: must-understand, no-store, max-age=60"}, 200, same},
		{[]string{"Cache-Control: private, max-age=60"}, 200, asked},
		{[]string{"Cache-Control: no-store, max-age=60"}, 200, asked},
		{[]string{`Cache-Control: max-age=60, private="X-User"`, "X-User: first"}, 200, same},
		{[]string{`Cache-Control: max-age=60, no-cache="Set-Cookie"`, "Set-Cookie: a=first"}, 200, same},
		{[]string{"Cache-Control: max-age=60", "Set-Cookie: a=b"}, 200, asked},
		{[]string{"Cache-Control: max-age=60", "Vary: *"}, 200, asked},
		{[]string{"Cache-Control: max-age=60"}, 404, same},
		{[]string{"Cache-Control: max-age=60"}, 406, asked},
		{[]string{"Cache-Control: max-age=60"}, 429, asked},
		{[]string{"X-Nothing: 1"}, 200, asked},
	} {
		path := fmt.Sprintf("/said%d?status=%d", i, c.status)
		for _, f := range c.fields {
			path += "&h=" + url.QueryEscape(f)
		}
		one, two := s.want(c.status, path), s.want(c.status, path)
		if (two.cachedHit() && two.Body == one.Body) != c.want {
			t.Errorf("%d %q: %s, then %s", c.status, c.fields, one.cacheStatus(), two.cacheStatus())
		}
		if two.cachedHit() && (two.Header.Get("X-User") != "" || two.Header.Get("Set-Cookie") != "") {
			t.Errorf("%q: the second client gets %v", c.fields, two.Header)
		}
	}
}

// cachedServer serves askedApp with two workers and these keys of [cache].
func cachedServer(t *testing.T, table string) *server {
	t.Helper()
	text := "[cache]\n" + table + "\n[[app]]\nname = \"shop\"\nmodule = \"app:app\"\nworkers = 2\ncache = \"on\"\n"
	return start(t, opts{Dir: project(t, map[string]string{"app.py": askedApp, "standpipe.toml": text}), Args: []string{"-c", "standpipe.toml"}})
}

// cacheFiles are the numbers of the files in status --json.
func (s *server) cacheFiles() (files map[string]any) {
	s.t.Helper()
	st := struct {
		Files *map[string]any `json:"cache_files"`
	}{&files}
	if err := json.Unmarshal([]byte(s.must("status", "--json")), &st); err != nil || files == nil {
		s.t.Fatal(err, files)
	}
	return files
}

// cache_wait bounds how long a request waits for the answer that another one has asked for.
func TestCacheWait(t *testing.T) {
	t.Parallel()
	for wait, want := range map[string]bool{"100ms": false, "5m": true} {
		s := cachedServer(t, fmt.Sprintf("cache_wait = %q\n[[limit]]\nname = \"all\"\nconcurrency = 9\n", wait))
		g := newGate(t)
		asked := func() (n int) { // requests that the app has
			for _, p := range s.status().Apps[0].Processes {
				n += len(p.Requests)
			}
			return n
		}
		first := s.background("/slow?gate=" + g.path)
		eventually(t, "the first request runs", func() bool { return asked() == 1 })
		second := s.background("/slow?gate=" + g.path)
		if want {
			eventually(t, "the second request waits", func() bool { return s.metrics("unix", s.controlSocket())[`standpipe_limit_running{limit="all"}`] == 2 })
		} else {
			eventually(t, "the second request runs: there are two workers", func() bool { return asked() == 2 })
		}
		g.open(t)
		one, two := first.wait(t), second.wait(t)
		if one.Status != 200 || two.Status != 200 || strings.Contains(two.cacheStatus(), "collapsed") != want {
			t.Errorf("%s: %d, then %d %q", wait, one.Status, two.Status, two.cacheStatus())
		}
	}
}

// cache_pass is how long a URL is remembered whose answer cannot be stored.
func TestCachePass(t *testing.T) {
	t.Parallel()
	for table, want := range map[string]string{`cache_pass = "10m"`: "standpipe; fwd=bypass; detail=cache_pass", `cache_pass = 0`: "standpipe; fwd=uri-miss; detail=private"} {
		s := cachedServer(t, table)
		s.want(200, "/p?cc=private")
		if r := s.want(200, "/p?cc=private"); r.cacheStatus() != want {
			t.Errorf("%s: %q, want %q", table, r.cacheStatus(), want)
		}
	}
}

// cache_memory and cache_dir_size bound what is stored; what is too large for the memory is in files.
func TestCacheSizes(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "stored")
	s := cachedServer(t, "cache_memory = \"1MiB\"\ncache_dir = \""+dir+"\"\ncache_dir_size = \"1MiB\"")
	for i := range 40 {
		s.want(200, fmt.Sprintf("/f%d?size=100000", i))
	}
	eventually(t, "files go for want of space", func() bool { return s.cacheFiles()["evicted"].(float64) > 3 })
	if n := s.cacheFiles()["bytes"].(float64); n == 0 || n > 1<<20 {
		t.Errorf("%v bytes of files", n)
	}
	var size int64
	_ = filepath.Walk(dir, func(_ string, st os.FileInfo, err error) error {
		if err == nil && st.Mode().IsRegular() {
			size += st.Size()
		}
		return nil
	})
	if size == 0 || size > 3<<19 {
		t.Errorf("the folder has %d bytes", size)
	}
	for i := range 200 {
		s.want(200, fmt.Sprintf("/m%d?size=5000", i))
	}
	if c := s.cacheNumbers("shop"); c["evicted"].(float64) == 0 || c["bytes"].(float64) > 1<<20 || c["entries"].(float64) < 20 {
		t.Errorf("in memory: %v", c)
	}
}

// memory_budget is what the cache's share comes from when nothing else is said.
func TestMemoryBudget(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": askedApp, "standpipe.toml": "memory_budget = \"64MiB\"\n[[app]]\nname = \"shop\"\nmodule = \"app:app\"\nworkers = 1\ncache = \"on\"\n"})
	s := start(t, opts{Dir: dir, Args: []string{"-c", "standpipe.toml"}})
	for i := range 300 { // 48 MB
		s.want(200, fmt.Sprintf("/m%d?size=160000", i))
	}
	c := s.cacheNumbers("shop")
	if bytes := c["bytes"].(float64); bytes < 8<<20 || bytes > 40<<20 || c["evicted"].(float64) == 0 {
		t.Errorf("%v", c)
	}
}
