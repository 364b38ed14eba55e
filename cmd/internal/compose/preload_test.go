//go:build linux

package compose

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
	"github.com/standpipe/standpipe/cmd/internal/journal"
	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/shimtest"
	"github.com/standpipe/standpipe/shim/wire"
	"github.com/standpipe/standpipe/supervisor"
)

// heard collects events.
type heard struct {
	mu   sync.Mutex
	list []supervisor.Event
}

func (h *heard) add(e supervisor.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = append(h.list, e)
}

func of[T supervisor.Event](h *heard) (out []T) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.list {
		if e, ok := e.(T); ok {
			out = append(out, e)
		}
	}
	return out
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !f(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("still not: " + what)
		}
	}
}

// ask sends a request and returns the answer's body.
func ask(t *testing.T, p *supervisor.Pool) string {
	t.Helper()
	x, err := p.Acquire(t.Context(), shim.Label{ID: "1", Method: "GET", Target: "/", Start: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close(0)
	vars := []wire.Var{{Name: "REQUEST_METHOD", Value: "GET"}, {Name: "PATH_INFO", Value: "/"}, {Name: "QUERY_STRING"}, {Name: "SERVER_PROTOCOL", Value: "HTTP/1.1"}, {Name: "wsgi.url_scheme", Value: "http"}}
	if err := x.Send(vars, nil, true); err != nil {
		t.Fatal(err)
	}
	body, err := shimtest.Body(t.Context(), x)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

const versioned = `
import os
IMPORTED_BY = os.getpid()
def app(environ, start_response):
    start_response("200 OK", [])
    return [b"VERSION %d" % IMPORTED_BY]
`

// The real shim: a reload imports the app again in another template; when that
// fails, the old one and its workers go on, and can still replace who dies.
func TestPreloadReloads(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	code := func(version string) {
		t.Helper()
		text := strings.ReplaceAll(versioned, "VERSION", version)
		if err := os.WriteFile(filepath.Join(dir, "web.py"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	code("one")
	cfg, _, err := config.Load(config.Input{
		App: "web:app", Dir: dir, Pid: os.Getpid(),
		Environ: []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")},
		Flags: []schema.Flag{{Name: "preload", Values: []string{"on"}}, {Name: "workers", Values: []string{"2"}}, {Name: "runtime-dir", Values: []string{t.TempDir()}},
			{Name: "env", Values: []string{"PYTHONDONTWRITEBYTECODE=1"}}}, // two versions of one size in one second
	})
	if err != nil {
		t.Fatal(err)
	}
	if r, w, err := os.Pipe(); err == nil { // the first one makes the poller, which has descriptors of its own
		r.Close()
		w.Close()
	}
	before, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	h := new(heard)
	p := LoadPool(cfg, &cfg.Apps[0], "test", h.add)
	p.Start()
	stopped := false
	stop := func() {
		if !stopped {
			p.Stop(context.Background(), supervisor.Shutdown)
		}
		stopped = true
	}
	defer stop()
	eventually(t, "both are ready", func() bool { return len(of[supervisor.WorkerReady](h)) == 2 })
	first := ask(t, p)
	if !strings.HasPrefix(first, "one ") {
		t.Fatal(first)
	}

	// New code that is broken.
	if err := os.WriteFile(filepath.Join(dir, "web.py"), []byte("import os\nos.nothing_of_that_name\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	err = p.Reload(t.Context(), nil)
	var failure *supervisor.BootFailure
	if !errors.As(err, &failure) || failure.Failed == nil || !strings.Contains(failure.Failed.Traceback, "nothing_of_that_name") {
		t.Fatalf("%v, %+v", err, failure)
	}
	if failed := of[supervisor.ReloadFailed](h); len(failed) != 1 || failed[0].Serving != 1 || !strings.Contains(journal.ReloadSentence(&failed[0]), "web.py:2: AttributeError") {
		t.Errorf("%+v", failed)
	}
	if got := ask(t, p); got != first {
		t.Errorf("%q, before the reload %q", got, first)
	}
	_ = syscall.Kill(p.Workers()[0].Pid, syscall.SIGKILL)
	eventually(t, "it is replaced", func() bool { return len(of[supervisor.WorkerReady](h)) == 3 })
	for range 4 { // by the old template, with the old code
		if got := ask(t, p); got != first {
			t.Errorf("%q, before the reload %q", got, first)
		}
	}

	// New code that works.
	code("two")
	if err := p.Reload(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the old template is gone", func() bool {
		list := p.Templates()
		return len(list) == 1 && list[0].Ready && list[0].Forks == 2
	})
	for range 4 {
		if got := ask(t, p); !strings.HasPrefix(got, "two ") {
			t.Error(got)
		}
	}
	stop()
	for _, s := range of[supervisor.TemplateStarted](h) {
		if syscall.Kill(s.Pid, 0) == nil {
			t.Errorf("template %d is left", s.Pid)
		}
	}
	if n, m := len(of[supervisor.TemplateStarted](h)), len(of[supervisor.TemplateExit](h)); n != 3 || m != 3 {
		t.Errorf("%d templates were started, %d have ended; 3 versions were tried", n, m)
	}
	after, _ := os.ReadDir("/proc/self/fd")
	if len(after) > len(before) {
		t.Errorf("%d descriptors, %d before", len(after), len(before))
	}
}
