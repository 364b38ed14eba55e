package wsgi

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/standpipe/standpipe/shim/shimtest"
)

// However its request ends, an upload's goroutine ends with it.
func TestUploadsLeaveNoGoroutine(t *testing.T) {
	g := newStreamRig(t, func(r *shimtest.Request, p *shimtest.Peer) {
		switch r.Vars["PATH_INFO"] {
		case "/0":
			hello(r, p)
		case "/1":
			_ = p.Answer(r.Stream, "200 OK", "no need")
		case "/2":
			echo(r, p)
		case "/3":
			_ = p.Message(0x14, r.Stream, map[string]any{"type": "ValueError"})
		}
	}, func(o *Options) { o.MaxBody, o.Timeout = 0, 500*time.Millisecond })
	g.get("/1") // all that stays has begun
	g.seen()
	before := runtime.NumGoroutine()
	rnd := rand.New(rand.NewPCG(1, 2))
	body := uploadOf("/%d", 400_000)
	for i := range 100 {
		c := g.dial()
		part := fmt.Sprintf(body, i%4)
		if i%2 == 0 {
			part = part[:100+rnd.IntN(len(part)-100)]
		}
		_, _ = io.WriteString(c, part) // all of it is taken, or the connection ends
		if i%2 == 0 {
			_, _ = io.CopyN(io.Discard, c, int64(i%4/2*rnd.IntN(2))) // the echo has begun, or not
		} else if a := g.read("POST", bufio.NewReader(c)); a.status == 0 {
			t.Error(i, a)
		}
		c.Close()
		g.seen()
	}
	defer func() {
		if t.Failed() {
			buf := make([]byte, 1<<20)
			t.Logf("%d before: %s", before, buf[:runtime.Stack(buf, true)])
		}
	}()
	g.until("the goroutines to end", func() bool { return runtime.NumGoroutine() <= before })
}
