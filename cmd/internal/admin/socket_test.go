//go:build unix

package admin

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sp") // t.TempDir's path may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func openSocket(t *testing.T, p Location) net.Listener {
	t.Helper()
	ln, err := Listen(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln
}

func TestPlaces(t *testing.T) {
	dir := folder(t)
	first := openSocket(t, Location{Dir: dir, Name: "shop", Pid: 5})
	if got := first.Addr().String(); got != filepath.Join(dir, "shop.sock") {
		t.Errorf("%s", got)
	}
	// Another one that lives gets another name; what a dead one left is replaced.
	second := openSocket(t, Location{Dir: dir, Name: "shop", Pid: 6})
	if got := second.Addr().String(); got != filepath.Join(dir, "shop-6.sock") {
		t.Errorf("%s", got)
	}
	stale := filepath.Join(dir, "old.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	if got := openSocket(t, Location{Dir: dir, Name: "old", Pid: 7}).Addr().String(); got != stale {
		t.Errorf("%s", got)
	}
	if _, err := Listen(t.Context(), Location{Path: first.Addr().String()}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a path that is in use: %v", err)
	}
	for path, c := range map[string]struct {
		p    Location
		mode os.FileMode
	}{
		"a": {Location{}, 0o600}, "b": {Location{Mode: 0o666}, 0o666}, "c": {Location{Group: "0"}, 0o660}, "d": {Location{Group: "0", Mode: 0o620}, 0o620},
	} {
		if c.p.Group != "" && os.Getuid() != 0 {
			continue
		}
		c.p.Path = filepath.Join(dir, path)
		ln := openSocket(t, c.p)
		if st, err := os.Stat(c.p.Path); err != nil || st.Mode().Perm() != c.mode {
			t.Errorf("%s: %v %v", path, st.Mode(), err)
		}
		ln.Close()
		if _, err := os.Lstat(c.p.Path); !os.IsNotExist(err) {
			t.Errorf("%s is left: %v", path, err)
		}
	}
	entries, _ := os.ReadDir(dir)
	if len(entries) != 3 {
		t.Errorf("the folder has %v", entries)
	}
}

// Many that start at the same time all get a socket of their own.
func TestSameMoment(t *testing.T) {
	dir := folder(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	names := map[string]bool{}
	for pid := range 10 {
		wg.Go(func() {
			ln, err := Listen(context.Background(), Location{Dir: dir, Name: "shop", Pid: pid + 1})
			if err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(func() { ln.Close() })
			mu.Lock()
			defer mu.Unlock()
			names[ln.Addr().String()] = true
		})
	}
	wg.Wait()
	if len(names) != 10 {
		t.Errorf("%d names: %v", len(names), names)
	}
}

// The record of a command says who gave it; a stop's connection ends with the process
// and not before.
func TestSocket(t *testing.T) {
	before := runtime.NumGoroutine()
	r := newRig()
	s := Serve(openSocket(t, Location{Path: filepath.Join(folder(t), "s")}), r.h)
	ask := func(text string) net.Conn {
		c, err := net.Dial("unix", s.Path())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		return c
	}
	read := func(c net.Conn, until string) string {
		_ = c.SetReadDeadline(time.Now().Add(2 * time.Minute))
		var got []byte
		for b := make([]byte, 1); !strings.HasSuffix(string(got), until); {
			n, err := c.Read(b)
			got = append(got, b[:n]...)
			if err != nil {
				t.Fatalf("%q and %v", got, err)
			}
		}
		return string(got)
	}
	c := ask("POST /v1/pause HTTP/1.1\r\nHost: x\r\nContent-Length: 14\r\n\r\n{\"app\":\"shop\"}")
	defer c.Close()
	read(c, "}\n")
	if runtime.GOOS == "linux" && !strings.Contains(r.log.String(), "control: command=pause app=shop by=\"uid="+strconv.Itoa(os.Getuid())+" pid="+strconv.Itoa(os.Getpid())) {
		t.Errorf("%s", r.log.String())
	}
	stop := ask("POST /v1/stop HTTP/1.1\r\nHost: x\r\n\r\n")
	defer stop.Close()
	if got := read(stop, "}\n"); !strings.HasPrefix(got, "HTTP/1.1 200 OK") {
		t.Errorf("%q", got)
	}
	s.Close()
	_ = stop.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := stop.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the connection of the stop: %v", err)
	}
	if _, err := os.Lstat(s.Path()); !os.IsNotExist(err) {
		t.Errorf("the socket is left: %v", err)
	}
	kept.Lock()
	for _, c := range kept.conns {
		c.Close()
	}
	kept.conns = nil
	kept.Unlock()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) { // net/http ends its own
		if runtime.NumGoroutine() <= before {
			return
		}
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}
