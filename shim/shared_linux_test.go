package shim_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/shimtest"
	"github.com/standpipe/standpipe/shim/wire"
)

// What PROTOCOL.md says, "Shared memory".
const (
	memorySize  = 4096 + 16*(256<<10) + 8*(64<<10)
	memorySeals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW
)

// memory is a worker's end.
type memory struct {
	file *os.File
	mem  []byte
}

func newMemory(t *testing.T, size, seals int) *memory {
	t.Helper()
	fd, err := unix.MemfdCreate("standpipe", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		t.Fatal(err)
	}
	m := &memory{file: os.NewFile(uintptr(fd), "memory")}
	t.Cleanup(func() { m.file.Close() })
	if err := m.file.Truncate(int64(size)); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals); err != nil {
		t.Fatal(err)
	}
	if m.mem, err = unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Munmap(m.mem) })
	return m
}

func (m *memory) word(at int) *uint32 { return (*uint32)(unsafe.Pointer(&m.mem[at])) }
func (m *memory) taken() bool         { return atomic.LoadUint32(m.word(0)) != 0 }
func (m *memory) used(block int) bool { return atomic.LoadUint32(m.word(64+4*block)) != 0 }

// put fills a block of an answer's and returns what stands for it in a frame.
func (m *memory) put(block int, p []byte) []byte {
	atomic.StoreUint32(m.word(64+4*block), 1)
	copy(m.mem[4096+block*wire.MaxPart:], p)
	return place(uint32(block), uint32(len(p)))
}

func place(block, n uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, block), n)
}

func (g *passRig) offer(files ...*os.File) {
	g.Helper()
	var oob []byte
	for _, f := range files {
		oob = syscall.UnixRights(int(f.Fd()))
	}
	if err := syscall.Sendmsg(int(g.control.Fd()), wire.AppendFrame(nil, wire.Frame{Kind: wire.KindMemory}), oob, nil, 0); err != nil {
		g.Fatal(err)
	}
}

func (g *passRig) until(what string, met func() bool) {
	g.Helper()
	for end := time.Now().Add(2 * time.Minute); !met(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			g.Fatalf("no %s in 10 s", what)
		}
	}
}

// endsInError waits for the Conn's end by a *ProtocolError.
func (g *passRig) endsInError() {
	g.Helper()
	wait(g.T, g.err)
	var pe *wire.ProtocolError
	if err := g.conn.Err(); !errors.As(err, &pe) {
		g.Errorf("the Conn ended with %v", err)
	}
}

// mappings counts the memory files that this process has mapped.
func mappings(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(b), "/memfd:standpipe")
}

// An answer's parts are read where they lie; a block is given back when its reader is
// done with it, and the memory itself when the worker and the last reader have left.
func TestSharedAnswer(t *testing.T) {
	m := newMemory(t, memorySize, memorySeals)
	first, second := bytes.Repeat([]byte("a"), wire.MaxPart), bytes.Repeat([]byte("b"), 100<<10)
	gate := make(chan bool)
	g := newPassRig(t, func(r *shimtest.Request, p *shimtest.Peer) {
		b := wire.AppendHead(nil, r.Stream, &wire.Head{Status: "200 OK"}, m.put(0, first), false)
		b[3] = byte(wire.FlagShared)
		_ = p.Raw(b)
		_ = p.Body(r.Stream, "between", false)
		_ = p.Send(wire.Frame{Kind: wire.KindBody, Flags: wire.FlagShared | wire.FlagEnd, Stream: r.Stream, Payload: m.put(15, second)})
		<-gate
	})
	g.offer(m.file)
	g.until("mapping", m.taken)
	x := open(t, g.conn)
	if err := x.Send(nil, nil, true); err != nil {
		t.Fatal(err)
	}
	if _, err := shimtest.Head(t.Context(), x); err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]byte{first, []byte("between"), second} {
		e, err := x.Wait(shim.Deadline{})
		p := e.Body
		if err != nil || !bytes.Equal(p, want) {
			t.Fatalf("part %d: %d bytes, %v; want %d", i, len(p), err, len(want))
		}
		if i == 0 {
			if !m.used(0) {
				t.Error("the block is free while it is read")
			}
			e.Free()
			if m.used(0) {
				t.Error("the block is not free after Free")
			}
		}
		if i == 2 { // the worker dies while it is read
			close(gate)
			before := mappings(t)
			g.conn.Close()
			x.Close(0)
			if !bytes.Equal(p, want) {
				t.Error("other bytes after the worker's death")
			}
			e.Free()
			if m.used(15) {
				t.Error("the block is not free after Free")
			}
			if now := mappings(t); now != before-1 {
				t.Errorf("%d mappings before the last reader has left, %d then", before, now)
			}
		}
	}
}

// Unread blocks are given back: of an exchange that is closed with parts in line,
// and of one that goes on after Close.
func TestSharedUnread(t *testing.T) {
	m := newMemory(t, memorySize, memorySeals)
	closed := make(chan bool)
	g := newPassRig(t, func(r *shimtest.Request, p *shimtest.Peer) {
		_ = p.Head(r.Stream, "200 OK", "", false)
		for block := range 4 {
			if block == 3 {
				<-closed
			}
			_ = p.Send(wire.Frame{Kind: wire.KindBody, Flags: wire.FlagShared, Stream: r.Stream, Payload: m.put(block, []byte("x"))})
		}
		_ = p.Body(r.Stream, "", true)
	})
	g.offer(m.file)
	g.until("mapping", m.taken)
	x := open(t, g.conn)
	if err := x.Send(nil, nil, true); err != nil {
		t.Fatal(err)
	}
	if _, err := shimtest.Head(t.Context(), x); err != nil {
		t.Fatal(err)
	}
	e, err := x.Wait(shim.Deadline{})
	if string(e.Body) != "x" || err != nil {
		t.Fatalf("%+v, %v", e, err)
	}
	x.Close(0)
	close(closed)
	g.until("free block", func() bool { return !m.used(1) && !m.used(2) && !m.used(3) })
	if !m.used(0) {
		t.Error("what Wait has returned is free before Free")
	}
	e.Free()
	if m.used(0) {
		t.Error("what Wait has returned is not free after Free")
	}
}

// Large bodies of requests lie in the memory as long as there is room, and cross the
// pipe beyond that.
func TestSharedRequest(t *testing.T) {
	m := newMemory(t, memorySize, memorySeals)
	got := make(chan []byte, 1)
	gate := make(chan bool)
	defer close(gate)
	g := newPassRig(t, func(r *shimtest.Request, p *shimtest.Peer) {
		got <- r.ReadAll()
		_ = p.Answer(r.Stream, "200 OK", "")
	})
	g.offer(m.file)
	g.until("mapping", m.taken)
	ask := func(body []byte) []byte {
		x := open(t, g.conn)
		if err := x.Send(nil, body, true); err != nil {
			t.Fatal(err)
		}
		b := <-got
		if _, err := shimtest.Head(t.Context(), x); err != nil {
			t.Fatal(err)
		}
		x.Close(0)
		return b
	}
	small, body := bytes.Repeat([]byte("s"), 32<<10-1), bytes.Repeat([]byte("l"), wire.MaxInline)
	if b := ask(small); !bytes.Equal(b, small) {
		t.Errorf("%d bytes for a small body", len(b))
	}
	for i := range uint32(8) {
		if b := ask(body); !bytes.Equal(b, place(16+i, wire.MaxInline)) {
			t.Fatalf("%d bytes for body %d: % x", len(b), i, b[:min(len(b), 8)])
		}
		at := 4096 + 16*wire.MaxPart + int(i)*wire.MaxInline
		if !bytes.Equal(m.mem[at:at+wire.MaxInline], body) || !m.used(16+int(i)) {
			t.Errorf("other bytes in block %d", 16+i)
		}
	}
	if b := ask(body); !bytes.Equal(b, body) {
		t.Errorf("%d bytes when there is no room", len(b))
	}
	atomic.StoreUint32(m.word(64+4*19), 0)
	if b := ask(body); !bytes.Equal(b, place(19, wire.MaxInline)) {
		t.Errorf("%d bytes when a block is free again", len(b))
	}
}

// What is no memory of a fixed size is not mapped, and the worker lives.
func TestMemoryThatIsNotTaken(t *testing.T) {
	plain, err := os.Create(t.TempDir() + "/f")
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	if err := plain.Truncate(memorySize); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]*os.File{
		"unsealed":  newMemory(t, memorySize, unix.F_SEAL_SEAL).file,
		"may grow":  newMemory(t, memorySize, unix.F_SEAL_SHRINK).file,
		"may end":   newMemory(t, memorySize, unix.F_SEAL_GROW).file,
		"short":     newMemory(t, memorySize-4096, memorySeals).file,
		"long":      newMemory(t, memorySize+4096, memorySeals).file,
		"read only": readOnly(t, newMemory(t, memorySize, memorySeals).file),
		"a file":    plain,
	} {
		t.Run(name, func(t *testing.T) {
			g := newPassRig(t, func(r *shimtest.Request, p *shimtest.Peer) { _ = p.Answer(r.Stream, "200 OK", r.Vars["A"]) })
			before, files := mappings(t), openCount(t)
			g.offer(f)
			g.until("look at the offer", func() bool {
				left, err := unix.IoctlGetInt(int(g.control.Fd()), unix.SIOCOUTQ)
				return err == nil && left == 0 && openCount(t) == files
			})
			x := open(t, g.conn)
			if err := x.Send([]wire.Var{{Name: "A", Value: "b"}}, make([]byte, wire.MaxInline), true); err != nil {
				t.Fatal(err)
			}
			if _, err := shimtest.Head(t.Context(), x); err != nil {
				t.Fatal(err)
			}
			if s, err := shimtest.Body(t.Context(), x); s != "b" || err != nil {
				t.Errorf("%q, %v", s, err)
			}
			x.Close(0)
			if now := mappings(t); now != before {
				t.Errorf("%d mappings, then %d", before, now)
			}
		})
	}
}

func readOnly(t *testing.T, f *os.File) *os.File {
	t.Helper()
	again, err := os.Open("/proc/self/fd/" + strconv.Itoa(int(f.Fd())))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { again.Close() })
	return again
}

// A place outside the blocks ends the worker.
func TestSharedLies(t *testing.T) {
	for name, lie := range map[string]struct {
		offers int
		refs   [][]byte
	}{
		"no memory":         {0, [][]byte{place(0, 1)}},
		"a second memory":   {2, nil},
		"a request's block": {1, [][]byte{place(16, 1)}},
		"beyond the end":    {1, [][]byte{place(1<<32-1, 1)}},
		"no bytes":          {1, [][]byte{place(0, 0)}},
		"too many bytes":    {1, [][]byte{place(15, wire.MaxPart+1)}},
		"2^32 bytes":        {1, [][]byte{place(0, 1<<32-1)}},
		"too short":         {1, [][]byte{place(0, 1)[:7]}},
		"nothing":           {1, [][]byte{nil}},
		"too long":          {1, [][]byte{append(place(0, 1), 0)}},
		"twice":             {1, [][]byte{place(3, 1), place(3, 1)}},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMemory(t, memorySize, memorySeals)
			g := newPassRig(t, func(r *shimtest.Request, p *shimtest.Peer) {
				_ = p.Head(r.Stream, "200 OK", "", false)
				for _, ref := range lie.refs {
					_ = p.Send(wire.Frame{Kind: wire.KindBody, Flags: wire.FlagShared, Stream: r.Stream, Payload: ref})
				}
			})
			for range lie.offers {
				g.offer(m.file)
			}
			if lie.refs != nil {
				if lie.offers > 0 {
					g.until("mapping", m.taken)
				}
				x := open(t, g.conn)
				defer x.Close(0)
				_ = x.Send(nil, nil, true)
			}
			g.endsInError()
		})
	}
	t.Run("no descriptor", func(t *testing.T) {
		g := newPassRig(t, nil)
		g.offer()
		g.endsInError()
	})
}
