// Package nonblock reads and writes descriptors that do not block, without telling Go's
// scheduler.
//
// Package syscall tells the scheduler of each call, because it may block: the scheduler may
// give the caller's processor to another thread meanwhile. After a moment without work the
// first such call also wakes the runtime's monitor thread, which then looks every 20 us for
// a while. At 1,000 requests per second, where the process is idle between two requests,
// that is about half of a small server's processor time, and a third at 4,000. A call that
// cannot block need not be told of.
//
// It pays only if all calls of a request are made so. They are for sockets and pipes with
// O_NONBLOCK, within the callbacks of syscall.RawConn, and never for files. Calls for more
// bytes than Most, which take long, are told of as usual.
//
//	reader_*.go        Reader: an io.Reader over a pipe
//	nonblock_linux.go  Read, Write, Writev
//	nonblock_other.go  the same by package syscall: other systems, and the race detector,
//	                   which sees in package syscall's calls what happens before what
//	silent_*.go        Silent: a look at a socket
//	long_unix.go       writes that take long
//
// The package starts no goroutine.
package nonblock

// Most is how many bytes a call moves that the scheduler is not told of.
const Most = 64 << 10
