//go:build unix

package shim_test

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/shimtest"
	"github.com/standpipe/standpipe/shim/wire"
)

// passRig is a Conn whose control socket is a real one.
type passRig struct {
	*testing.T
	conn    *shim.Conn
	control *os.File // the worker's end
	words   chan bool
	done    chan struct{}
	err     chan error
}

func newPassRig(t *testing.T, handle func(*shimtest.Request, *shimtest.Peer)) *passRig {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	_ = syscall.SetNonblock(fds[0], true)
	ends, peer := shimtest.Pipe()
	ends.Control.Close()
	ends.Control = os.NewFile(uintptr(fds[0]), "control")
	g := &passRig{T: t, control: os.NewFile(uintptr(fds[1]), "control"), words: make(chan bool, 1), done: make(chan struct{}), err: make(chan error, 1)}
	peer.Handle = handle
	peer.FileWord = func(_ uint32, taken bool) { g.words <- taken }
	g.conn = shim.NewConn("shop/1", ends, nobody{})
	var wg sync.WaitGroup
	wg.Go(func() { _ = peer.Run() })
	wg.Go(func() { g.err <- g.conn.Run() })
	t.Cleanup(func() {
		g.conn.Close()
		peer.Close()
		g.control.Close()
		close(g.done)
		wg.Wait()
	})
	return g
}

type nobody struct{}

func (nobody) Noise([]byte)                                     {}
func (nobody) Hello(*wire.Hello)                                {}
func (nobody) Ready(*wire.Ready)                                {}
func (nobody) Failed(*wire.Failed)                              {}
func (nobody) Log(*shim.Label, *wire.LogRecord)                 {}
func (nobody) Stacks(string)                                    {}
func (nobody) Freed(*shim.Exchange, shim.Outcome)               {}
func (nobody) Expired(*shim.Exchange, shim.Cause, string)       {}
func (nobody) Stuck(int)                                        {}
func (nobody) Debug(shim.Debugging, func(string, error)) func() { return func() {} }
func (nobody) Purge(_ *wire.Purge, done func(int, error))       { done(0, nil) }

func (g *passRig) pass(stream uint32, offset, length uint64, files ...*os.File) {
	g.Helper()
	p := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, offset), length)
	var fds []int
	for _, f := range files {
		fds = append(fds, int(f.Fd()))
	}
	var oob []byte
	if fds != nil {
		oob = syscall.UnixRights(fds...)
	}
	if err := syscall.Sendmsg(int(g.control.Fd()), wire.AppendFrame(nil, wire.Frame{Kind: wire.KindFile, Stream: stream, Payload: p}), oob, nil, 0); err != nil {
		g.Fatal(err)
	}
}

func filedHead(stream uint32) []byte {
	b := wire.AppendHead(nil, stream, &wire.Head{Status: "200 OK"}, nil, false)
	b[3] = byte(wire.FlagFile)
	return b
}

func openCount(t *testing.T) int {
	list, err := os.ReadDir("/dev/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func TestPassedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		flags int
		taken bool
	}{"read": {os.O_RDONLY, true}, "both": {os.O_RDWR, true}, "write": {os.O_WRONLY, false}, "path": {0x200000, false}, "folder": {os.O_RDONLY | syscall.O_DIRECTORY, false}} {
		t.Run(name, func(t *testing.T) {
			if name == "path" && !(runtime.GOOS == "linux") {
				t.Skip("SKIP[not-linux]: O_PATH is Linux's")
			}
			at := path
			if name == "folder" {
				at = filepath.Dir(path)
			}
			f, err := os.OpenFile(at, c.flags, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			before := openCount(t)
			var g *passRig
			handled := make(chan struct{})
			t.Run("", func(t *testing.T) {
				g = newPassRig(t, func(r *shimtest.Request, p *shimtest.Peer) {
					defer close(handled)
					_ = p.Raw(filedHead(r.Stream))
					g.pass(r.Stream, 2, 5, f)
					select {
					case taken := <-g.words:
						if !taken {
							_ = p.Body(r.Stream, "bytes", true)
							return
						}
					case <-g.done:
						return
					}
					_ = p.Send(wire.Frame{Kind: wire.KindEnd, Stream: r.Stream})
				})
				x, err := g.conn.Open(shim.Label{})
				if err != nil {
					t.Fatal(err)
				}
				if err := x.Send(nil, nil, true); err != nil {
					t.Fatal(err)
				}
				h, err := shimtest.Head(t.Context(), x)
				if err != nil || !h.File {
					t.Fatal(h, err)
				}
				e, err := x.Wait(shim.Deadline{})
				if err != nil || (e.Kind == shim.EventFile) != c.taken {
					t.Fatalf("%+v, %v", e, err)
				}
				<-handled
				if got := e.File; got == nil {
					if string(e.Body) != "bytes" {
						t.Errorf("%+v", e)
					}
				} else {
					defer got.Close()
					p := make([]byte, 5)
					if _, err := got.ReadAt(p, got.Offset); err != nil || string(p) != "23456" || got.Length != 5 {
						t.Errorf("%q %+v %v", p, got, err)
					}
					if got.SharedPosition == (runtime.GOOS == "linux") {
						t.Errorf("its position is the worker's: %v", got.SharedPosition)
					}
				}
				if o := x.Close(0); o != shim.Clean {
					t.Errorf("%v", o)
				}
			})
			if n := openCount(t); n != before {
				t.Errorf("%d descriptors, before %d", n, before)
			}
		})
	}
}

// Unclaimed descriptors are closed, and what breaks the protocol ends the Conn.
func TestPassedFilesAreNotKept(t *testing.T) {
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for name, c := range map[string]struct {
		send func(g *passRig)
		want string
	}{
		"unknown stream": {func(g *passRig) { g.pass(77, 0, 1, f); g.pass(78, 0, 1) }, ""},
		"none":           {func(g *passRig) { g.pass(1, 0, 1) }, ""},
		"two":            {func(g *passRig) { g.pass(1, 0, 1, f, f) }, "2"},
		"many": {func(g *passRig) {
			fs := make([]*os.File, 100)
			for i := range fs {
				fs[i] = f
			}
			g.pass(1, 0, 1, fs...)
		}, ""},
		"second":   {func(g *passRig) { g.pass(1, 0, 1, f); g.pass(1, 0, 1, f) }, "File"},
		"overflow": {func(g *passRig) { g.pass(1, 1<<62, 1<<62, f) }, "File"},
		"flood": {func(g *passRig) {
			for range 9 { // each with a byte of a frame that is never whole
				_ = syscall.Sendmsg(int(g.control.Fd()), wire.AppendHeader(nil, wire.KindStacks, 0, 0, 1<<20), syscall.UnixRights(int(f.Fd())), nil, 0)
			}
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			before := openCount(t)
			t.Run("", func(t *testing.T) {
				g := newPassRig(t, func(*shimtest.Request, *shimtest.Peer) {})
				x, err := g.conn.Open(shim.Label{})
				if err != nil {
					t.Fatal(err)
				}
				if err := x.Send(nil, nil, true); err != nil {
					t.Fatal(err)
				}
				c.send(g)
				<-g.err
				var pe *wire.ProtocolError
				if err := g.conn.Err(); !errors.As(err, &pe) || !strings.Contains(pe.What, c.want) {
					t.Errorf("%v", err)
				}
				x.Close(0)
			})
			if n := openCount(t); n != before {
				t.Errorf("%d descriptors, before %d", n, before)
			}
		})
	}
}

// FuzzFile: offset and length of a hostile worker neither overflow nor are negative.
func FuzzFile(f *testing.F) {
	f.Add(make([]byte, 16))
	f.Add([]byte("\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x01"))
	f.Fuzz(func(t *testing.T, p []byte) {
		offset, length, err := wire.DecodeFile(p)
		if err == nil && (offset < 0 || length < 0 || offset+length < 0) {
			t.Errorf("%d %d", offset, length)
		}
	})
}
