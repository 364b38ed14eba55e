package integration

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"mime/multipart"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// files starts the app of that name with one worker, and makes a file of so many bytes.
func files(t *testing.T, size int, o opts) (s *server, path, data string) {
	t.Helper()
	if o.Dir, o.App = appDir(t, "files"), "app:app"; o.Python == "" {
		o.Python = python(t)
	}
	o.Args = append([]string{"-w", "1"}, o.Args...)
	s = start(t, o)
	b := make([]byte, size)
	if _, err := io.ReadFull(rand.NewChaCha8([32]byte{2}), b); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "data.txt")
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return s, path, string(b)
}

func (s *server) openFiles() int {
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	return len(list)
}

// passed says whether an answer was a file that went over the control socket: then ranges are the server's.
func passed(a *response) bool { return a.Header.Get("Accept-Ranges") == "bytes" }

func TestFileWrapper(t *testing.T) {
	t.Parallel()
	for _, threads := range []string{"1", "4"} {
		s, path, data := files(t, 300000, opts{Args: []string{"--threads", threads}})
		q := "?path=" + url.QueryEscape(path)
		for at, want := range map[string]struct {
			body string
			file bool
		}{
			"/plain" + q:                             {data, true},
			"/raw" + q:                               {data, true},
			"/plain" + q + "&skip=1001":              {data[1001:], true},
			"/plain" + q + "&skip=1001&length=70000": {data[1001:71001], true},
			"/plain" + q + "&length=0":               {"", true},
			"/subclass" + q:                          {data, false},
			"/wrapped" + q:                           {data, false},
			"/temporary?times=10000":                 {strings.Repeat("0123456789", 10000)[5:], true},
			"/temporary?times=10000&named=1":         {strings.Repeat("0123456789", 10000)[5:], true},
			"/temporary?times=1":                     {"56789", true},
			"/pipe":                                  {"through a pipe", false},
			"/django" + q:                            {data, true},
			"/flask" + q:                             {data, true},
		} {
			a := s.want(200, at)
			if a.Body != want.body {
				t.Errorf("threads %s, %s: %d bytes, want %d", threads, at, len(a.Body), len(want.body))
			}
			if got := passed(a); got != want.file && !strings.HasPrefix(at, "/flask") {
				t.Errorf("threads %s, %s: passed as a file: %v", threads, at, got)
			}
			if want.file && a.Header.Get("Content-Length") != fmt.Sprint(len(want.body)) {
				t.Errorf("%s: %v", at, a.Header)
			}
		}
		a := s.do(s.request("HEAD", "/plain"+q, nil))
		if a.Status != 200 || a.Header.Get("Content-Length") != "300000" || a.Header.Get("Content-Type") != "text/x-test" {
			t.Errorf("HEAD: %d %v", a.Status, a.Header)
		}
		for _, status := range []string{"204 No Content", "304 Not Modified"} {
			if a := s.get("/plain" + q + "&status=" + url.QueryEscape(status)); fmt.Sprint(a.Status) != status[:3] || a.Body != "" {
				t.Errorf("%s: %d %q", status, a.Status, a.Body)
			}
		}
		eventually(t, "each file is closed once", func() bool { return s.get("/closings"+q).Body == "7" })
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = io.WriteString(z, data)
		_ = z.Close()
		if err := os.WriteFile(path+".gz", b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		if a := s.get("/unzipped" + q + ".gz"); a.Body != data || passed(a) {
			t.Errorf("gzip: %d bytes", len(a.Body))
		}
		if _, err := s.try(s.request("GET", "/shrinking"+q, nil)); err == nil {
			t.Error("a file shorter than its Content-Length looked whole")
		}
	}
}

func TestFileRanges(t *testing.T) {
	t.Parallel()
	s, path, data := files(t, 100000, opts{})
	at := "/plain?path=" + url.QueryEscape(path)
	for _, c := range []struct {
		headers []string
		status  int
		body    string
		field   string
	}{
		{[]string{"Range: bytes=0-0"}, 206, data[:1], "bytes 0-0/100000"},
		{[]string{"Range: bytes=500-"}, 206, data[500:], "bytes 500-99999/100000"},
		{[]string{"Range: bytes=-7"}, 206, data[99993:], "bytes 99993-99999/100000"},
		{[]string{"Range: bytes=5-999999999999999999999"}, 206, data[5:], "bytes 5-99999/100000"},
		{[]string{"Range: bytes=100000-"}, 416, "", "bytes */100000"},
		{[]string{"Range: bytes=-0"}, 416, "", "bytes */100000"},
		{[]string{"Range: bytes=9-3"}, 200, data, ""},
		{[]string{"Range: octets=0-3"}, 200, data, ""},
		{[]string{"Range: bytes=0-,0-,0-"}, 200, data, ""},
		{[]string{"Range: bytes=1-2", "If-Range: " + `"one"`}, 206, data[1:3], "bytes 1-2/100000"},
		{[]string{"Range: bytes=1-2", "If-Range: " + `W/"one"`}, 200, data, ""},
		{[]string{"Range: bytes=1-2", "If-Range: " + `"two"`}, 200, data, ""},
	} {
		a := s.get(at, c.headers...)
		if a.Status != c.status || a.Body != c.body || a.Header.Get("Content-Range") != c.field {
			t.Errorf("%v: %d, %d bytes, %v", c.headers, a.Status, len(a.Body), a.Header)
		}
	}
	if a := s.get(at+"&skip=10", "Range: bytes=0-9"); a.Body != data[10:20] {
		t.Errorf("a range of a file from an offset on: %d %v", a.Status, a.Header)
	}
	a := s.get(at, "Range: bytes=0-9, 50-59,-10")
	kind, params, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if a.Status != 206 || kind != "multipart/byteranges" || err != nil || a.Header.Get("Content-Length") != fmt.Sprint(len(a.Body)) {
		t.Fatalf("%d %v", a.Status, a.Header)
	}
	mr := multipart.NewReader(strings.NewReader(a.Body), params["boundary"])
	for i, want := range []string{data[:10], data[50:60], data[99990:]} {
		p, err := mr.NextPart()
		if err != nil {
			t.Fatal(err)
		}
		if b, _ := io.ReadAll(p); string(b) != want || p.Header.Get("Content-Type") != "text/x-test" {
			t.Errorf("part %d: %q %v", i, b, p.Header)
		}
	}
	if _, err := mr.NextPart(); err != io.EOF {
		t.Error(err)
	}
}

// A worker is free while a slow client still downloads; a client that leaves leaves nothing behind.
func TestSlowDownloadHoldsNoWorker(t *testing.T) {
	t.Parallel()
	s, path, data := files(t, 64<<20, opts{})
	s.want(206, "/raw?path="+url.QueryEscape(path), "Range: bytes=0-1")
	s.client().CloseIdleConnections()
	files, workers := s.openFiles(), s.get("/descriptors").Body
	var conns []net.Conn
	for range 4 {
		c, err := s.dial()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.(*net.TCPConn).SetReadBuffer(64 << 10)
		fmt.Fprintf(c, "GET /plain?path=%s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", path)
		if _, err := io.ReadFull(c, make([]byte, 15)); err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	eventually(t, "the files are closed in the worker", func() bool { return s.get("/closings?path="+url.QueryEscape(path)).Body == "4" })
	for _, c := range conns[1:] {
		c.Close()
	}
	rest, err := io.ReadAll(conns[0])
	if err != nil || !strings.HasSuffix(string(rest), data) {
		t.Errorf("%d bytes, %v", len(rest), err)
	}
	conns[0].Close()
	s.client().CloseIdleConnections()
	eventually(t, "descriptors return to their start", func() bool { return s.openFiles() <= files })
	eventually(t, "those of the worker too", func() bool { return s.get("/descriptors").Body == workers })
}

// Workers that have lost fd 3 to a wrapper send bytes.
func TestFilesWithoutControl(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	wrapper := filepath.Join(dir, "python3")
	putProgram(t, wrapper, []byte("#!/bin/sh\nexec "+python(t)+" \"$@\" 3<&-\n"))
	s, path, data := files(t, 300000, opts{Python: wrapper})
	if a := s.want(200, "/plain?path="+url.QueryEscape(path)); a.Body != data || passed(a) {
		t.Errorf("%d bytes, %v", len(a.Body), a.Header)
	}
}

func TestSendfileFields(t *testing.T) {
	t.Parallel()
	s, path, data := files(t, 5000, opts{})
	root := filepath.Dir(path)
	named := func(field, value string, more ...string) string {
		q := url.Values{"field": {field}, "value": {value}}
		for i := 0; i+1 < len(more); i += 2 {
			q.Set(more[i], more[i+1])
		}
		return "/named?" + q.Encode()
	}
	// With neither configured, nginx in front may own them.
	for _, field := range []string{"X-Sendfile", "X-Accel-Redirect"} {
		if a := s.want(200, named(field, path)); a.Body != "the app's own body" || a.Header.Get(field) != path {
			t.Errorf("%s: %q %v", field, a.Body, a.Header)
		}
	}
	s.stop()

	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{os.Symlink(outside, filepath.Join(root, "link")), os.Symlink("data.txt", filepath.Join(root, "near")), os.Mkdir(filepath.Join(root, "a b"), 0o755),
		os.WriteFile(filepath.Join(root, "a b", "x.unknown"), []byte("inner"), 0o644)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	conf := filepath.Join(t.TempDir(), "standpipe.toml")
	text := fmt.Sprintf("[[internal]]\nurl = \"/protected/\"\ndir = %q\n[[internal]]\nurl = \"/protected/inner/\"\ndir = %q\n[[app]]\nname = \"files\"\nmodule = \"app:app\"\ndir = %q\nsendfile_roots = [%q]\nworkers = 1\n",
		root, filepath.Join(root, "a b"), appDir(t, "files"), root)
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	s = start(t, opts{Args: []string{"-c", conf}})
	a := s.want(200, named("X-Sendfile", path))
	if a.Body != data || a.Header.Get("X-Sendfile") != "" || a.Header.Get("X-Other") != "1" || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/plain") || a.Header.Get("Last-Modified") == "" {
		t.Errorf("%d bytes, %v", len(a.Body), a.Header)
	}
	etag := a.Header.Get("ETag")
	for _, c := range []struct {
		at      string
		headers []string
		status  int
		body    string
	}{
		{named("x-sendfile", path, "type", "a/b"), nil, 200, data},
		{named("X-Sendfile", path), []string{"Range: bytes=10-19"}, 206, data[10:20]},
		{named("X-Sendfile", path), []string{"If-None-Match: " + etag}, 304, ""},
		{named("X-Sendfile", path), []string{"If-Match: " + `"other"`}, 412, ""},
		{named("X-Sendfile", path), []string{"If-Modified-Since: " + a.Header.Get("Last-Modified")}, 304, ""},
		{named("X-Sendfile", filepath.Join(root, "near")), nil, 200, data},
		{named("X-Accel-Redirect", "/protected/data.txt?x=1"), nil, 200, data},
		{named("X-Accel-Redirect", "/protected/a%20b/x.unknown"), nil, 200, "inner"},
		{named("X-Accel-Redirect", "/protected/inner/x.unknown"), nil, 200, "inner"},
		{"/named?field=X-Sendfile&value=relative", nil, 404, "*"},
		{named("X-Sendfile", outside), nil, 404, "*"},
		{named("X-Sendfile", root+"/../"+filepath.Base(root)+"/absent"), nil, 404, "*"},
		{named("X-Sendfile", filepath.Join(root, "link")), nil, 404, "*"},
		{named("X-Sendfile", root), nil, 404, "*"},
		{named("X-Accel-Redirect", "/protected/../etc/passwd"), nil, 404, "*"},
		{named("X-Accel-Redirect", "/protected/%2e%2e/x"), nil, 404, "*"},
		{named("X-Accel-Redirect", "/other"), nil, 404, "*"},
		{named("X-Accel-Redirect", "/protected/%zz"), nil, 404, "*"},
	} {
		a := s.get(c.at, c.headers...)
		if a.Status != c.status || c.body != "*" && a.Body != c.body || strings.Contains(a.Body, "secret") {
			t.Errorf("%s %v: %d %.80q", c.at, c.headers, a.Status, a.Body)
		}
		if a.Status == 304 && (a.Header.Get("ETag") == "" || a.Header.Get("Cache-Control") != "no-cache") {
			t.Errorf("304: %v", a.Header)
		}
	}
	if a := s.get(named("X-Accel-Redirect", "/protected/data.txt")); a.Header.Get("X-Other") != "" || a.Header.Get("Cache-Control") != "no-cache" {
		t.Errorf("%v", a.Header)
	}
	eventually(t, "nine records of refusals", func() bool { return len(s.events("sendfile_refused")) == 9 })
	if r := s.waitEvent("sendfile_refused"); r.str("path") == "" || r.str("error") == "" {
		t.Errorf("%v", r)
	}
}

// A large download moves no byte through the worker, nor through memory of ours.
func TestDownloadTakesNoMemory(t *testing.T) {
	t.Parallel()
	s, path, _ := files(t, 0, opts{})
	const size = 256 << 20
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
	at := "/plain?path=" + url.QueryEscape(path)
	s.want(206, at, "Range: bytes=0-1")
	worker := s.workers()[0]
	memory := func() int64 { return rssOf(s.Pid) + rssOf(worker) }
	before := memory()
	client := s.client()
	client.Timeout = bootPatience // for all of it
	res, err := client.Get(s.URL + at)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var peak int64
	n, err := io.Copy(io.Discard, struct{ io.Reader }{io.TeeReader(res.Body, &watcher{look: func() { peak = max(peak, memory()) }})})
	if n != size || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
	if peak-before > 16<<20 {
		t.Errorf("%d KiB more during the download", (peak-before)>>10)
	}
}

// watcher calls a function now and then while bytes pass.
type watcher struct {
	look func()
	last time.Time
}

func (w *watcher) Write(p []byte) (int, error) {
	if time.Since(w.last) > 20*time.Millisecond {
		w.look()
		w.last = time.Now()
	}
	return len(p), nil
}
