package listen

import (
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
)

// Inherit makes a listener of a socket that another process has opened for the same
// Spec and shares with this one. f is closed. The other process has set the backlog and the
// modes. Every error is a *ListenError.
func Inherit(f *os.File, s Spec) (net.Listener, error) {
	defer f.Close()
	ln, err := net.FileListener(f) // a copy, close-on-exec
	if err != nil {
		return nil, &ListenError{Address: s.Address, Err: root(err)}
	}
	if !listening(ln) {
		ln.Close()
		return nil, &ListenError{Address: s.Address, Err: errors.New("the socket that was handed over does not listen")}
	}
	if u, ok := ln.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false)
		if path, ok := strings.CutPrefix(s.Address, "unix:"); ok {
			return inheritUnix(ln, strings.TrimPrefix(path, "//")), nil
		}
	}
	return ln, nil
}

// RemoveOnClose sets whether the file of a unix socket is removed when ln is closed. It is
// by default for a listener of Listen, and it is not for one of Inherit.
func RemoveOnClose(ln net.Listener, yes bool) {
	if u, ok := ln.(interface{ removeOnClose(bool) }); ok {
		u.removeOnClose(yes)
	}
}

// File returns a copy of the descriptor of ln, for another process. The caller closes it.
func File(ln net.Listener) (*os.File, error) {
	if u, ok := ln.(interface{ inner() net.Listener }); ok {
		ln = u.inner()
	}
	sc, ok := ln.(syscall.Conn)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	return copyOf(sc, ln.Addr().String())
}
