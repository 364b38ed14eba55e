package static

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/bridgetest"
	"github.com/standpipe/standpipe/bridge/httpx"
)

// rig is a handler behind a real server.
type rig struct {
	*Handler
	t      *testing.T
	dir    string
	addr   string
	mounts *Mounts
	log    *bridgetest.Log
}

var texts = httpx.TypeList{"text/*", "application/json", "application/wasm", "image/svg+xml"}

// newRig serves a temporary folder under /static, by change's leave.
func newRig(t *testing.T, o Options, change func(*Mount)) *rig {
	t.Helper()
	dir := t.TempDir()
	rg := &rig{t: t, dir: dir, log: &bridgetest.Log{}}
	log := hclog.New(&hclog.LoggerOptions{Output: rg.log})
	if o.Cache == nil {
		o.Cache = NewCache(8<<20, 64)
	}
	if o.Mounts == nil {
		o.Mounts = &Mounts{Cache: o.Cache, Log: log}
	}
	if o.Types == nil {
		o.Types = texts
	}
	if o.Codings == nil {
		o.Codings = codings
	}
	o.Log = log
	p := Mount{URL: "/static", Dirs: []string{dir}, Else: NotFound, Siblings: true, Compress: true}
	if change != nil {
		change(&p)
	}
	rg.mounts = o.Mounts
	rg.mounts.Swap([]Mount{p}, time.Hour)
	rg.Handler = New(o)
	chain := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := new(httpx.Writer)
		rec.Reset(w)
		rg.ServeHTTP(rec, r)
		if rec.Aborted() {
			panic(http.ErrAbortHandler)
		}
	})
	srv := httptest.NewServer(chain)
	t.Cleanup(func() {
		srv.Close()
		rg.mounts.Close()
		if n := rg.Cache.fds.idle.Load(); n != 0 {
			t.Errorf("%d descriptors are left", n)
		}
	})
	rg.addr = srv.Listener.Addr().String()
	return rg
}

// old is a time at which nothing is weak any more.
var old = time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)

func (rg *rig) write(name, content string) {
	rg.t.Helper()
	writeFile(rg.t, filepath.Join(rg.dir, name), content, old)
}

// writeFile writes a file, whose time of change is another one than before.
func writeFile(t testing.TB, path, content string, at time.Time) {
	t.Helper()
	was, _ := os.Stat(path) // nil: it is new
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := setTime(path, at, was); err != nil {
		t.Fatal(err)
	}
}

// setTime sets the time of a file. Where the clock of the file system is coarse, the time of its change may be that of before: then
// it waits for the next one.
func setTime(path string, at time.Time, before os.FileInfo) error {
	for {
		if err := os.Chtimes(path, at, at); err != nil {
			return err
		}
		now, err := os.Stat(path)
		if err != nil || before == nil || changed(now) == 0 || changed(now) != changed(before) {
			return err
		}
		time.Sleep(time.Millisecond)
	}
}

// reply is an answer with its body read.
type reply struct {
	*http.Response
	text string
	err  error // of reading the body
}

func (rg *rig) do(method, target string, fields ...string) reply {
	rg.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n", method, target)
	for i := 0; i < len(fields); i += 2 {
		fmt.Fprintf(&b, "%s: %s\r\n", fields[i], fields[i+1])
	}
	b.WriteString("\r\n")
	c, err := net.Dial("tcp", rg.addr)
	if err != nil {
		rg.t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		rg.t.Fatal(err)
	}
	if _, err := io.WriteString(c, b.String()); err != nil {
		rg.t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		rg.t.Fatalf("%s %s: %v", method, target, err)
	}
	body, err := io.ReadAll(resp.Body)
	return reply{resp, string(body), err}
}

func (rg *rig) get(target string, fields ...string) reply {
	rg.t.Helper()
	return rg.do(http.MethodGet, target, fields...)
}

// age makes the cache look at everything again.
func (rg *rig) age() {
	rg.Cache.mu.Lock()
	defer rg.Cache.mu.Unlock()
	for _, e := range rg.Cache.ring {
		e.checked.Store(0)
	}
}
