package shim

import (
	"encoding/binary"
	"os"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/standpipe/standpipe/shim/wire"
)

// Where what is in a worker's shared memory (PROTOCOL.md), in bytes. The whole is
// no multiple of the size of any huge page: memory of that kind could be short when
// it is touched, and is told by its size.
const (
	sharedMarks   = 64 // four bytes for each block; before them, whether we have the memory
	sharedParts   = 16 // blocks for parts of answers, of MaxPart
	sharedInlines = 8  // blocks for bodies of requests, of MaxInline, behind those
	sharedStart   = 4096
	sharedSize    = sharedStart + sharedParts*wire.MaxPart + sharedInlines*wire.MaxInline

	// sharedLeast is the least body that is worth a block.
	sharedLeast = 32 << 10
	// sharedRef is the length of what a frame has in place of the body.
	sharedRef = 8
)

// shared is the memory that one worker shares with us: large bodies lie in it, and
// do not cross the pipe. Nothing in it is believed: the worker may write there at any
// time, so what we know of its blocks is here, and what is in them is body, which
// is not parsed.
type shared struct {
	mu    sync.Mutex
	mem   []byte // nil once it is unmapped
	parts [sharedParts]part
	lent  int  // parts that are read
	left  bool // the worker is gone: the last reader unmaps
	of    *SharedBudget
}

// SharedBudget bounds the memory that all workers share with us. A worker that finds no
// room there sends its bodies over the pipe. The zero value bounds nothing.
type SharedBudget struct {
	most, used atomic.Int64 // bytes
}

// Limit sets the bytes for all workers together; 0: no limit.
func (b *SharedBudget) Limit(most int64) { b.most.Store(most) }

// take accounts for the memory of one worker; false: there is no room.
func (b *SharedBudget) take() bool {
	if b == nil {
		return true
	}
	if used, most := b.used.Add(sharedSize), b.most.Load(); most > 0 && used > most {
		b.used.Add(-sharedSize)
		return false
	}
	return true
}

func (b *SharedBudget) give() {
	if b != nil {
		b.used.Add(-sharedSize)
	}
}

// part is one block of an answer's, while it is read.
type part struct {
	from *shared
	i    int
	lent bool
}

func newShared(mem []byte) *shared {
	m := &shared{mem: mem}
	for i := range m.parts {
		m.parts[i] = part{from: m, i: i}
	}
	return m
}

// begin tells the worker that its memory is used from now on.
func (m *shared) begin() { atomic.StoreUint32(m.word(0), 1) }

func (m *shared) word(at int) *uint32 { return (*uint32)(unsafe.Pointer(&m.mem[at])) }

// mark is not zero while the block is in use. The side that fills a block sets it, the
// side that reads the block clears it.
func (m *shared) mark(block int) *uint32 { return m.word(sharedMarks + 4*block) }

// lend returns the bytes that a frame of the worker's names. They may be read until
// the chunk is given back, also when the worker is gone.
func (m *shared) lend(ref []byte) (chunk, error) {
	if len(ref) != sharedRef {
		return chunk{}, wire.Errorf(ref, "%d bytes in place of shared ones", len(ref))
	}
	block, n := binary.BigEndian.Uint32(ref), binary.BigEndian.Uint32(ref[4:])
	if block >= sharedParts || n == 0 || n > wire.MaxPart {
		return chunk{}, wire.Errorf(ref, "%d bytes in block %d of the shared memory", n, block)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	p := &m.parts[block]
	switch {
	case m.left:
		return chunk{}, os.ErrClosed
	case p.lent:
		return chunk{}, wire.Errorf(ref, "block %d of the shared memory again, which has not been given back", block)
	}
	p.lent = true
	m.lent++
	at := sharedStart + int(block)*wire.MaxPart
	return chunk{p: m.mem[at : at+int(n) : at+int(n)], from: p}, nil
}

// Free gives the block back to the worker.
func (p *part) Free() {
	m := p.from
	m.mu.Lock()
	defer m.mu.Unlock()
	p.lent = false
	m.lent--
	atomic.StoreUint32(m.mark(p.i), 0)
	m.unmap()
}

// put copies body, of at most MaxInline bytes, into a block of a request's, and
// appends what the frame has in its place. false: there is no room, or no such memory.
func (m *shared) put(ref, body []byte) ([]byte, bool) {
	if m == nil {
		return ref, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.left {
		return ref, false
	}
	for i := range sharedInlines {
		mark := m.mark(sharedParts + i)
		if atomic.LoadUint32(mark) != 0 {
			continue
		}
		copy(m.mem[sharedStart+sharedParts*wire.MaxPart+i*wire.MaxInline:], body)
		atomic.StoreUint32(mark, 1)
		ref = binary.BigEndian.AppendUint32(ref, uint32(sharedParts+i))
		return binary.BigEndian.AppendUint32(ref, uint32(len(body))), true
	}
	return ref, false
}

// leave: the worker is gone.
func (m *shared) leave() {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.left = true
	m.unmap()
}

// unmap gives the memory back when it cannot be touched any more. mu is held.
func (m *shared) unmap() {
	if m.left && m.lent == 0 && m.mem != nil {
		unmapShared(m.mem)
		m.mem = nil
		m.of.give()
	}
}
