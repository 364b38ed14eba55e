package listen

import (
	"errors"
	"net"
	"os"
	"sync"
	"syscall"
	"unsafe"
)

// socketListener accepts sockets of a unix socket's listener. It waits with a copy of the
// listener's descriptor.
type socketListener struct {
	net.Listener
	local *net.UnixAddr
	file  *os.File // the copy
	raw   syscall.RawConn

	mu   sync.Mutex // held by Accept
	take func(ln uintptr) bool
	peer syscall.RawSockaddrUnix
	fd   int
	err  error
}

// accepting returns a listener that accepts the connections of ln at less cost, where there is
// one; else ln.
func accepting(ln net.Listener) net.Listener {
	local, ok := ln.Addr().(*net.UnixAddr)
	if !ok {
		return ln
	}
	file, err := File(ln)
	if err != nil {
		return ln
	}
	raw, err := file.SyscallConn()
	if err != nil {
		file.Close()
		return ln
	}
	l := &socketListener{Listener: ln, local: local, file: file, raw: raw}
	l.take = func(ln uintptr) bool {
		l.fd, l.err = accept(ln, &l.peer)
		return l.err != syscall.EAGAIN
	}
	return l
}

// Accept is net.Listener's.
func (l *socketListener) Accept() (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch err := l.raw.Read(l.take); {
	case err != nil: // Close was called: syscall.RawConn has an error of its own
		return nil, &net.OpError{Op: "accept", Net: "unix", Addr: l.local, Err: net.ErrClosed}
	case l.err != nil:
		return nil, &net.OpError{Op: "accept", Net: "unix", Addr: l.local, Err: os.NewSyscallError("accept4", l.err)}
	}
	return newSocket(l.fd, l.local, nameOf(&l.peer)), nil
}

// accept is accept4(2) of a listener that does not block.
func accept(ln uintptr, peer *syscall.RawSockaddrUnix) (int, error) {
	for {
		*peer = syscall.RawSockaddrUnix{} // a shorter name leaves the rest as it is
		size := uint32(unsafe.Sizeof(*peer))
		fd, _, e := syscall.RawSyscall6(syscall.SYS_ACCEPT4, ln, uintptr(unsafe.Pointer(peer)), uintptr(unsafe.Pointer(&size)), syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0, 0)
		switch e {
		case 0:
			return int(fd), nil
		case syscall.EINTR, syscall.ECONNABORTED:
		default:
			return -1, e
		}
	}
}

// unnamed is the address of nearly every client.
var unnamed = &net.UnixAddr{Name: "@", Net: "unix"}

// nameOf is a client's address, written as package net does.
func nameOf(peer *syscall.RawSockaddrUnix) *net.UnixAddr {
	var name []byte
	for i, c := range peer.Path {
		if c == 0 && i > 0 {
			break
		}
		if c == 0 {
			c = '@'
		}
		name = append(name, byte(c))
	}
	if len(name) == 1 {
		return unnamed
	}
	return &net.UnixAddr{Name: string(name), Net: "unix"}
}

// Close is net.Listener's.
func (l *socketListener) Close() error {
	return errors.Join(l.Listener.Close(), l.file.Close())
}
