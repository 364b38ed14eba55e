package spool

import "os"

// DiskThreads bounds how many goroutines wait for a disk at a time. Each of them holds a
// thread, and a thread that cannot be made ends the process: a disk that hangs (NFS) must
// not turn every request into one. The server makes so many threads when it starts.
const DiskThreads = 32

var disk = make(chan struct{}, DiskThreads)

// Disk waits for a place among those that wait for a disk; done gives it back. It is not
// asked for twice at a time, and not held while a client is waited for.
func Disk() (done func()) {
	disk <- struct{}{}
	return leaveDisk
}

func leaveDisk() { <-disk }

// DiskFile reads a file from one of these places.
type DiskFile struct{ File *os.File }

// Read is io.Reader's.
func (d DiskFile) Read(p []byte) (int, error) {
	defer Disk()()
	return d.File.Read(p)
}

// ReadAt is io.ReaderAt's.
func (d DiskFile) ReadAt(p []byte, off int64) (int, error) {
	defer Disk()()
	return d.File.ReadAt(p, off)
}

// Stat asks a file system's server too, where there is one.
func (d DiskFile) Stat() (os.FileInfo, error) {
	defer Disk()()
	return d.File.Stat()
}
