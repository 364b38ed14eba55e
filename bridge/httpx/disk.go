package httpx

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
