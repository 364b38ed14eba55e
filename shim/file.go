package shim

import (
	"os"
	"strconv"
)

// File is a regular file that an app gave for the body of its answer. The receiver
// closes it.
type File struct {
	*os.File
	// Offset and Length say which bytes are the body. The file may have fewer by now.
	Offset, Length int64
	// SharedPosition: the file's position is the worker's too. It is read with ReadAt alone.
	SharedPosition bool
}

// passing is the state of a file that is handed over.
type passing struct {
	file           *File // came, and was not claimed
	came           bool
	taken, refused bool
}

// settled reports whether it is known how the body comes.
func (p *passing) settled() bool { return p.taken || p.refused }

// claim returns the file once it has come.
func (p *passing) claim() *File {
	f := p.file
	p.file = nil
	return f
}

// drop closes the file that was not claimed.
func (p *passing) drop() {
	if f := p.claim(); f != nil {
		f.Close()
	}
}

// adopt reports whether f is a regular file that may be read, and gives it a
// position of its own where it can: the descriptor shares the worker's. It is
// opened through this process's own table, so a file without a name will do.
func (f *File) adopt() bool {
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() || !readable(f.File) {
		return false
	}
	again, err := openAgain("/proc/self/fd/" + strconv.Itoa(int(f.Fd())))
	if err != nil { // no /proc, a file of another user's, or one with a lease: ReadAt will do
		return true
	}
	if now, err := again.Stat(); err != nil || !os.SameFile(st, now) {
		again.Close()
		return true
	}
	f.File.Close()
	f.File, f.SharedPosition = again, false
	return true
}
