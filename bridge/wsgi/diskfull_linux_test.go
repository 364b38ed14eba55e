package wsgi

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"

	"github.com/standpipe/standpipe/bridge/spool"
)

func TestDiskFullIs507AndOneLine(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=256k"); err != nil {
		if errors.Is(err, syscall.EPERM) {
			t.Skip("SKIP[root]: mounts a small tmpfs")
		}
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	s := &spool.Spool{Dir: dir}
	g := newRig(t, hello, func(o *Options) { o.Spool = s; o.MaxBody = 0 })
	for range 2 {
		for _, request := range []string{uploadOf("/", 2_000_000),
			"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(strings.Repeat("x", 2_000_000)) + "0\r\n\r\n"} {
			c := g.dial()
			if _, err := io.WriteString(c, request); err != nil {
				t.Fatal(err)
			}
			c.Close()
			_ = g.seen()
			a := g.raw("POST", request)
			if a.status != 507 || !strings.Contains(a.body, "REQ1") {
				t.Errorf("%s%s", a.head, a.body)
			}
			_ = g.seen()
		}
	}
	if a := g.raw("POST", uploadOf("/", 200_000)); a.status != 200 { // there is room again
		t.Errorf("%s%s", a.head, a.body)
	}
	if n := g.logs.count("spool_full"); n != 1 || !strings.Contains(g.logs.String(), fmt.Sprintf("%q:%q", "dir", dir)) {
		t.Errorf("%d lines: %s", n, g.logs)
	}
	g.until("the spool to be empty", func() bool { return s.Used() == 0 && len(files(t, dir)) == 0 })
}
