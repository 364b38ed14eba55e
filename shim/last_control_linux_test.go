package shim_test

import (
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
)

// What a worker wrote to its control socket before it died counts, although the pipe may end first: a ProtocolError there is
// the cause of its death.
func TestLastBytesOfTheControlSocket(t *testing.T) {
	for range 200 {
		fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		control, worker := os.NewFile(uintptr(fds[0]), "control"), os.NewFile(uintptr(fds[1]), "worker")
		outR, outW, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		inR, inW, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		c := shim.NewConn("shop/1", shim.Ends{R: outR, W: inW, Control: control}, newOwner())
		if _, err := worker.Write([]byte("this is no frame")); err != nil {
			t.Fatal(err)
		}
		worker.Close()
		outW.Close()
		inR.Close()
		if err := c.Run(); !errors.As(err, new(*wire.ProtocolError)) {
			t.Fatalf("Run: %v", err)
		}
	}
}
