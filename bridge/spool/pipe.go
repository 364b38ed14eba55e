package spool

import (
	"context"
	"io"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
)

// Pipes are the limits and the memory that the Pipes of one server share. The fields are set
// before the first use.
type Pipes struct {
	// Spool names the folder of the files.
	Spool *Spool
	// Files bounds the bytes in files: responses have their own budget, so that slow
	// readers block no upload.
	Files Budget
	// Memory is how many bytes of one Pipe wait in memory; 0: no limit but Total.
	Memory int64
	// Total bounds the bytes in memory of all Pipes together; 0: no limit. Each Pipe has
	// one block in any case: it needs one to move bytes.
	Total int64
	// Max bounds the bytes of one Pipe that wait in its file; 0: no limit.
	Max int64

	inMemory atomic.Int64
	blocks   sync.Pool // *pipeBlock
}

// pipeBlock is the unit of a Pipe's memory.
type pipeBlock [64 << 10]byte

const blockSize = int64(len(pipeBlock{}))

// InMemory is how many bytes of memory all Pipes hold now.
func (s *Pipes) InMemory() int64 { return s.inMemory.Load() }

// Pipe passes bytes from a fast writer to a slow reader: through memory, then through a file;
// when both are full, the writer waits. Write and CloseWrite
// are for one goroutine, Next for another; Close is called when both have ended.
type Pipe struct {
	from        *Pipes
	client      netip.Prefix  // whose share of the files it is
	data, space chan struct{} // capacity 1: there is more to read, or room to write
	trouble     func(error)

	mu         sync.Mutex
	blocks     []*pipeBlock // oldest first; the bytes in them are older than the file's
	rd, wr     int          // up to where the first block was read, the last one filled
	lent       int          // up to where the reader has the first block; 0: not
	rpos, wpos int64        // bytes taken from and put into the file since it was empty last
	end        error        // of CloseWrite; nil: more may come

	file     *os.File   // made by the writer; a ring of Max bytes
	size     int64      // of the file; the writer's
	reserved int64      // of Files, not less than size; the writer's
	spare    *pipeBlock // the reader's, for bytes of the file; nil: none
}

// Open returns an empty Pipe to the client that key names (ClientKey). trouble is called, on the
// writer's goroutine, each time the file cannot take bytes (a full disk, no folder, the
// Budget): the Pipe then uses its memory only.
func (s *Pipes) Open(key netip.Prefix, trouble func(error)) *Pipe {
	return &Pipe{from: s, client: key, data: make(chan struct{}, 1), space: make(chan struct{}, 1), trouble: trouble}
}

// Write appends b. It waits while memory and file are full, and returns nil or ctx's error.
func (p *Pipe) Write(ctx context.Context, b []byte) error {
	for {
		p.mu.Lock()
		empty := p.rpos == p.wpos
		if empty {
			p.rpos, p.wpos = 0, 0
		}
		n := 0
		if empty { // else the file's bytes come first
			n = p.put(b)
		}
		p.mu.Unlock()
		if empty && p.size > 0 {
			p.cut()
		}
		if n > 0 {
			signal(p.data)
		}
		if b = b[n:]; len(b) == 0 {
			return nil
		}
		n, err := p.spill(b)
		if n > 0 {
			signal(p.data)
		}
		if b = b[n:]; len(b) == 0 {
			return nil
		}
		if err != nil {
			p.trouble(err)
		} else if n > 0 {
			continue // round the ring's end
		}
		select { // the reader has something: it comes back
		case <-p.space:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// put copies as much of b as memory has room for. mu is held.
func (p *Pipe) put(b []byte) int {
	n := 0
	for n < len(b) {
		if (len(p.blocks) == 0 || p.wr == int(blockSize)) && !p.grow() {
			break
		}
		m := copy(p.blocks[len(p.blocks)-1][p.wr:], b[n:])
		p.wr += m
		n += m
	}
	return n
}

// grow takes one more block. mu is held.
func (p *Pipe) grow() bool {
	s, have := p.from, int64(len(p.blocks))
	if have > 0 && s.Memory > 0 && (have+1)*blockSize > s.Memory {
		return false
	}
	if all := s.inMemory.Add(blockSize); have > 0 && s.Total > 0 && all > s.Total {
		s.inMemory.Add(-blockSize)
		return false
	}
	block, ok := s.blocks.Get().(*pipeBlock)
	if !ok {
		block = new(pipeBlock)
	}
	p.blocks, p.wr = append(p.blocks, block), 0
	return true
}

// spill writes as much of b as the file has room for, in one piece. An error means that it took
// less than Max allows.
func (p *Pipe) spill(b []byte) (int, error) {
	p.mu.Lock()
	off, n, limit := p.wpos, int64(len(b)), p.from.Max
	if limit > 0 {
		off %= limit
		n = min(n, limit-(p.wpos-p.rpos), limit-off)
	}
	p.mu.Unlock()
	if n == 0 {
		return 0, nil
	}
	if p.file == nil {
		f, err := p.from.Spool.create("standpipe-answer-*")
		if err != nil {
			return 0, err
		}
		unlinkOpen(f)
		p.file = f
	}
	if more := off + n - p.reserved; more > 0 {
		if err := p.hold(more); err != nil {
			return 0, err
		}
	}
	done := Disk()
	written, err := p.file.WriteAt(b[:n], off)
	done()
	p.size = max(p.size, off+int64(written))
	if int64(written) < n {
		p.giveRest()
	}
	p.mu.Lock()
	p.wpos += int64(written)
	p.mu.Unlock()
	return written, err
}

// mostAhead bounds what a Pipe holds of Files for bytes that have not come yet.
const mostAhead = 1 << 20

// hold takes room in Files: as much again as the Pipe has, so that many Pipes do not wait for each other at each write.
func (p *Pipe) hold(more int64) error {
	ahead := min(p.reserved, mostAhead)
	if limit := p.from.Max; limit > 0 {
		ahead = min(ahead, limit-p.reserved)
	}
	if ahead > more && p.from.Files.Take(p.client, ahead) == nil {
		more = ahead
	} else if err := p.from.Files.Take(p.client, more); err != nil {
		return err
	}
	p.reserved += more
	return nil
}

// giveRest gives back what the file does not need.
func (p *Pipe) giveRest() {
	if rest := p.reserved - p.size; rest > 0 {
		p.reserved = p.size
		p.from.Files.Give(p.client, rest)
	}
}

// cut frees the space of an empty file. Where that fails, Close does it.
func (p *Pipe) cut() {
	if p.file.Truncate(0) == nil {
		p.from.Files.Give(p.client, p.reserved)
		p.size, p.reserved = 0, 0
	}
}

// CloseWrite says that no more bytes come. The reader gets err after the last
// byte; io.EOF is the regular end.
func (p *Pipe) CloseWrite(err error) {
	p.giveRest()
	p.mu.Lock()
	p.end = err
	p.mu.Unlock()
	signal(p.data)
}

// Next waits for bytes and returns them; they are valid until the following call.
// more: the call after this one would not wait. Errors are CloseWrite's and the
// file's.
func (p *Pipe) Next() (b []byte, more bool, err error) {
	p.mu.Lock()
	p.giveBack()
	for len(p.blocks) == 0 && p.rpos == p.wpos {
		if err := p.end; err != nil {
			p.mu.Unlock()
			return nil, true, err
		}
		p.mu.Unlock()
		<-p.data // CloseWrite is called in any case
		p.mu.Lock()
	}
	if len(p.blocks) == 0 {
		return p.fetch()
	}
	defer p.mu.Unlock()
	p.lent = p.filled()
	return p.blocks[0][p.rd:p.lent], len(p.blocks) > 1 || p.rpos != p.wpos || p.end != nil, nil
}

// filled is up to where the first block has bytes. mu is held.
func (p *Pipe) filled() int {
	if len(p.blocks) == 1 {
		return p.wr
	}
	return int(blockSize)
}

// giveBack frees the bytes that the last Next returned. mu is held.
func (p *Pipe) giveBack() {
	if p.spare != nil {
		p.from.blocks.Put(p.spare)
		p.spare = nil
	}
	if p.lent == 0 {
		return
	}
	p.rd, p.lent = p.lent, 0
	if p.rd == p.filled() {
		p.drop()
		p.rd = 0
	}
	signal(p.space)
}

// drop frees the first block. mu is held.
func (p *Pipe) drop() {
	p.from.blocks.Put(p.blocks[0])
	p.from.inMemory.Add(-blockSize)
	n := copy(p.blocks, p.blocks[1:])
	p.blocks[n] = nil
	p.blocks = p.blocks[:n]
}

// fetch reads bytes from the file. mu is held, and released at the end.
func (p *Pipe) fetch() ([]byte, bool, error) {
	off, n := p.rpos, min(p.wpos-p.rpos, blockSize)
	if limit := p.from.Max; limit > 0 {
		off %= limit
		n = min(n, limit-off)
	}
	p.mu.Unlock()
	block, ok := p.from.blocks.Get().(*pipeBlock)
	if !ok {
		block = new(pipeBlock)
	}
	p.spare = block
	done := Disk()
	_, err := p.file.ReadAt(block[:n], off)
	done()
	if err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, true, err
	}
	p.mu.Lock()
	p.rpos += n
	more := p.rpos != p.wpos || p.end != nil
	p.mu.Unlock()
	signal(p.space)
	return block[:n], more, nil
}

// Close frees memory and file.
func (p *Pipe) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.giveBack()
	for len(p.blocks) > 0 {
		p.drop()
	}
	if p.file != nil {
		closeUnlinked(p.file)
		p.from.Files.Give(p.client, p.reserved)
		p.file, p.size, p.reserved = nil, 0, 0
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
