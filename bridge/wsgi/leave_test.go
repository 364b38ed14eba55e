package wsgi

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/standpipe/standpipe/shim/shimtest"
)

// A client that leaves an answer that has begun and is quiet: where others run in
// the same worker, it must not be lost to them; a worker of its own is not lost to
// a view that hangs.
func TestClientLeavesAQuietStream(t *testing.T) {
	for _, shared := range []bool{true, false} {
		t.Run(fmt.Sprintf("shared %v", shared), func(t *testing.T) {
			t.Parallel()
			end := make(chan struct{})
			g := newRig(t, func(r *shimtest.Request, p *shimtest.Peer) {
				_ = p.Head(r.Stream, "200 OK", "first", false)
				<-end
			}, func(o *Options) { o.Concurrent, o.Timeout = shared, shortTimeout })
			t.Cleanup(func() { close(end) })
			c := g.dial()
			fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
			if _, err := bufio.NewReader(c).ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			disconnect(c)
			expired := func() int {
				g.pool.mu.Lock()
				defer g.pool.mu.Unlock()
				return len(g.pool.expired)
			}
			<-g.pool.cancels // the worker was told
			if !shared {
				g.until("the worker is given up", func() bool { return expired() == 1 })
				return
			}
			time.Sleep(2 * shortTimeout) // twice what would have been its time
			if n := expired(); n != 0 {
				t.Errorf("the worker was given up")
			}
		})
	}
}

// An app that names a file as its answer has a client, and is not told otherwise.
func TestNamedFileIsNoCancel(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	path := filepath.Join(root, "file")
	if err := os.WriteFile(path, []byte("bytes"), 0o600); err != nil {
		t.Fatal(err)
	}
	end := make(chan struct{})
	g := newRig(t, func(r *shimtest.Request, p *shimtest.Peer) {
		_ = p.Head(r.Stream, "200 OK", "thrown away", false, "X-Sendfile", path)
		<-end
		_ = p.Body(r.Stream, "", true)
	}, func(o *Options) { o.SendfileRoots = []string{root}; o.Timeout = shortTimeout })
	if a := g.get("/"); a.status != 200 || a.body != "bytes" {
		t.Fatalf("%d %q", a.status, a.body)
	}
	g.until("a worker that goes on for too long is told of once", func() bool {
		g.pool.mu.Lock()
		defer g.pool.mu.Unlock()
		return len(g.pool.expired) == 1
	})
	close(end)
	<-g.pool.freed
	select {
	case <-g.pool.cancels:
		t.Error("the app was told that its client had left")
	default:
	}
	g.pool.mu.Lock()
	defer g.pool.mu.Unlock()
	if len(g.pool.expired) != 1 {
		t.Errorf("told %d times: %q", len(g.pool.expired), g.pool.expired)
	}
}
