package httpx

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
)

var (
	// ErrTooLarge: more octets came than the body's limit allows.
	ErrTooLarge = errors.New("the request body is larger than max_body")
	// ErrSpoolFull: the body has no room within the spool's total.
	ErrSpoolFull = errors.New("no room for the request body")
	// ErrDiskFull: the body has no room on the file system.
	ErrDiskFull = errors.New("the disk is full")
)

// memfdCeiling bounds the bodies held in anonymous memory files when no folder
// can be written; octets in all.
const memfdCeiling = 256 << 20

// Spool is where request bodies wait for a worker: first in memory, then in a
// file. One Spool serves all apps that share a folder. Its fields are set before
// the first use.
type Spool struct {
	// Dir is the folder for large bodies; nobody else may write it (OpenFolder).
	// Its files have names until Close, so that a worker can open them. Empty:
	// $TMPDIR or the system's, files without names. When nothing can be created
	// there, Linux takes anonymous memory instead, at most 256 MiB in all.
	Dir string
	// Memory is how many octets of one body stay in memory; 0: 64 KiB.
	Memory int
	// Total bounds the octets in files of all bodies together, those that are
	// declared and still to come included; 0: no limit.
	Total int64

	used   atomic.Int64 // octets in files, and promised ones
	inRAM  atomic.Int64 // those of them that are in anonymous memory
	blocks sync.Pool    // *[]byte of firstBlock octets
	larger sync.Pool    // *[]byte of nextBlock octets
}

// What a body is given at first, when that is full, and then twice as much each
// time, up to Memory; octets. Clients that trickle hold little.
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
	if s.Dir == "" {
		return os.TempDir()
	}
	return s.Dir
}

// Used is how many octets are in files now, or promised to bodies on their way.
func (s *Spool) Used() int64 { return s.used.Load() }

// take accounts for n more octets. ErrSpoolFull comes back wrapped.
func (s *Spool) take(n int64) error {
	if used := s.used.Add(n); s.Total > 0 && used > s.Total {
		s.used.Add(-n)
		return fmt.Errorf("%w: spool_total is %d octets", ErrSpoolFull, s.Total)
	}
	return nil
}

// takeRAM accounts for n more octets of anonymous memory.
func (s *Spool) takeRAM(n int64) error {
	if s.inRAM.Add(n) > memfdCeiling {
		s.inRAM.Add(-n)
		return fmt.Errorf("%w: no folder can be written, and %d MiB are in memory", ErrSpoolFull, memfdCeiling>>20)
	}
	return nil
}

// Take returns an empty Buffer.
func (s *Spool) Take() *Buffer {
	return &Buffer{spool: s, block: s.block(firstBlock)}
}

// block returns memory for size octets, or Memory, and one more, which tells a full
// body from one that goes on.
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

// giveBack keeps a block for the next body.
func (s *Spool) giveBack(block *[]byte) {
	switch len(*block) {
	case firstBlock + 1:
		s.blocks.Put(block)
	case nextBlock + 1:
		s.larger.Put(block)
	}
}
