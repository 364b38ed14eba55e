package spool

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
)

var (
	// ErrFull: a Budget, or the memory for bodies, is used up.
	ErrFull = errors.New("no room in the spool")
	// ErrDiskFull: the file system is full.
	ErrDiskFull = errors.New("the disk is full")
)

// memfdCeiling is RAM's default; bytes.
const memfdCeiling = 256 << 20

// Spool is where request bodies wait for a worker: first in memory, then in a file. One Spool
// serves all apps that share a folder. Its fields are set before the first use.
type Spool struct {
	// Dir is the folder for large bodies; no other user may write it (OpenFolder). Its
	// files have names until Close, so that a worker can open them. Empty: $TMPDIR or the
	// system's folder, and files without names. When no file can be made there, Linux uses
	// anonymous memory instead, at most RAM in all.
	Dir string
	// Replace makes a folder instead of one that disappeared while the server ran, and
	// returns its path; nil: none is made. Many goroutines may call it.
	Replace func(lost string) (dir string, err error)
	// Memory is how many bytes of one body stay in memory; 0: 64 KiB.
	Memory int
	// Blocks bounds the memory of all bodies together beyond their first block of 4 KiB
	// each; a body beyond it goes to its file at once. 0: no limit.
	Blocks int64
	// RAM bounds the anonymous memory of all bodies together; 0: 256 MiB.
	RAM int64
	// Files bounds the bytes in files, with anonymous memory.
	Files Budget

	now    atomic.Pointer[string] // the folder that Replace has made; nil: Dir
	inRAM  atomic.Int64           // bytes in anonymous memory
	inMem  atomic.Int64           // bytes of blocks beyond the first
	blocks sync.Pool              // *[]byte of firstBlock bytes
	larger sync.Pool              // *[]byte of nextBlock bytes
}

// A body gets firstBlock, then nextBlock, then twice as much each time, up to Memory; bytes.
// Slow clients hold little.
const (
	firstBlock = 4 << 10
	nextBlock  = 64 << 10
)

func (s *Spool) memory() int {
	if s.Memory == 0 {
		return 64 << 10
	}
	return s.Memory
}

// Folder is where the files are, for logs.
func (s *Spool) Folder() string {
	if dir := s.dir(); dir != "" {
		return dir
	}
	return os.TempDir()
}

func (s *Spool) dir() string {
	if now := s.now.Load(); now != nil {
		return *now
	}
	return s.Dir
}

// create makes a file, mode 0600; the folder too, when it has disappeared.
func (s *Spool) create(pattern string) (*os.File, error) {
	dir := s.dir()
	f, err := os.CreateTemp(dir, pattern)
	if err == nil || s.Replace == nil || dir == "" || !errors.Is(err, os.ErrNotExist) {
		return f, err
	}
	if dir, err = s.Replace(dir); err != nil {
		return nil, err
	}
	s.now.Store(&dir)
	return os.CreateTemp(dir, pattern)
}

// Used is how many bytes are in files now.
func (s *Spool) Used() int64 { return s.Files.Used() }

// InMemory is how many bytes of memory bodies hold now, beyond their first blocks.
func (s *Spool) InMemory() int64 { return s.inMem.Load() }

// takeRAM accounts for n more bytes of anonymous memory.
func (s *Spool) takeRAM(n int64) error {
	limit := s.RAM
	if limit == 0 {
		limit = memfdCeiling
	}
	if s.inRAM.Add(n) > limit {
		s.inRAM.Add(-n)
		return fmt.Errorf("%w: no folder can be written, and bodies may have %d bytes of memory", ErrFull, limit)
	}
	return nil
}

// Take returns an empty Buffer for a body of the client that key names (ClientKey).
func (s *Spool) Take(key netip.Prefix) *Buffer {
	return &Buffer{spool: s, client: key, block: s.block(firstBlock)}
}

// grow accounts for a larger block instead of one of have bytes; false: there is no room.
func (s *Spool) grow(have, want int) bool {
	more := int64(want)
	if have > firstBlock+1 {
		more -= int64(have)
	}
	if all := s.inMem.Add(more); s.Blocks > 0 && all > s.Blocks {
		s.inMem.Add(-more)
		return false
	}
	return true
}

// block returns memory for size bytes, at most Memory, and one more, which tells a full body
// from a longer one.
func (s *Spool) block(size int) *[]byte {
	size = min(size, s.memory()) + 1
	var block *[]byte
	switch size {
	case firstBlock + 1:
		block, _ = s.blocks.Get().(*[]byte)
	case nextBlock + 1:
		block, _ = s.larger.Get().(*[]byte)
	}
	if block == nil {
		b := make([]byte, size)
		block = &b
	}
	return block
}

// shrink undoes grow for a block of size bytes.
func (s *Spool) shrink(size int) {
	if size > firstBlock+1 {
		s.inMem.Add(-int64(size))
	}
}

// giveBack keeps a block for the next body.
func (s *Spool) giveBack(block *[]byte) {
	switch len(*block) {
	case firstBlock + 1:
		s.blocks.Put(block)
	case nextBlock + 1:
		s.larger.Put(block)
	}
}
