package shim

import (
	"io"
	"os"
	"syscall"

	"github.com/standpipe/standpipe/shim/wire"
)

// rights reads the control socket: bytes, and the descriptors that come with
// them, in their order. The kernel hands a descriptor over at the latest with the
// first byte of the message that it was sent with, so a frame that has been read
// has its descriptor here.
type rights struct {
	io.Reader
	raw   syscall.RawConn // nil: bytes alone
	files []*os.File
}

// maxRights bounds the descriptors that wait for their frame. Of a worker that
// follows the protocol at most two do.
const maxRights = 4

func newRights(r io.Reader) *rights {
	in := &rights{Reader: r}
	if sc, ok := r.(syscall.Conn); ok && canPass {
		if raw, err := sc.SyscallConn(); err == nil {
			in.raw = raw
		}
	}
	return in
}

// Read reads bytes. More descriptors than the protocol allows are a
// *ProtocolError.
func (in *rights) Read(p []byte) (int, error) {
	if in.raw == nil {
		return in.Reader.Read(p)
	}
	n, fds, err := receive(in.raw, p)
	for _, fd := range fds {
		in.files = append(in.files, os.NewFile(uintptr(fd), "passed"))
	}
	if len(fds) > 1 || len(in.files) > maxRights {
		err = wire.Errorf(nil, "%d descriptors in one message, %d that no frame has claimed", len(fds), len(in.files))
	}
	if err != nil {
		n = 0 // else the bytes could go on without their error
	}
	return n, err
}

// next returns the oldest descriptor; nil: there is none.
func (in *rights) next() *os.File {
	if len(in.files) == 0 {
		return nil
	}
	f := in.files[0]
	in.files = in.files[1:]
	return f
}

func (in *rights) close() {
	for _, f := range in.files {
		f.Close()
	}
	in.files = nil
}
