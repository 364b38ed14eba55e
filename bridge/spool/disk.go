package spool

import "os"

// DiskThreads bounds how many goroutines wait for a disk at the same time. Each of them holds
// a thread, and a thread that cannot be made ends the process: a disk that hangs (NFS) must not
// use one for every request. The server makes that many threads when it starts.
const DiskThreads = 32

var disk = make(chan struct{}, DiskThreads)

// Disk waits until fewer than DiskThreads goroutines use a disk; done ends the use. A goroutine
// does not call it twice, nor hold it while it waits for a client.
func Disk() (done func()) {
	disk <- struct{}{}
	return leaveDisk
}

func leaveDisk() { <-disk }

// DiskFile is a file whose reads are bounded by Disk.
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

// Stat may ask a file server, too.
func (d DiskFile) Stat() (os.FileInfo, error) {
	defer Disk()()
	return d.File.Stat()
}
