//go:build unix

package listen

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Starting a process with the copy does not make the socket blocking: its Accept could not be ended any more.
func TestFileStaysNonblocking(t *testing.T) {
	ln, err := Listen(t.Context(), Spec{Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	f, err := File(ln)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK == 0 {
		t.Errorf("flags %#x %v", flags, err)
	}
}

func TestInheritWrong(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := Inherit(r, Spec{Address: "127.0.0.1:1"}); err == nil || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("a pipe: %v", err)
	}
}
