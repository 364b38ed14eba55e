package server

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"
)

// Inherit makes a listener of a socket that another process has opened for the same
// Spec and shares with this one. f is closed. What Spec says of backlog and modes is
// the other's doing. The file of a unix socket stays the other's until Own. Every
// error is a *ListenError.
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

// Own says whether the file of ln, if it is a unix socket's, is removed when ln is
// closed. It is of a listener that Listen has opened, until another process owns it.
func Own(ln net.Listener, yes bool) {
	if u, ok := ln.(interface{ own(bool) }); ok {
		u.own(yes)
	}
}

// File returns a copy of the descriptor of ln, for another process. It is the
// caller's to close.
func File(ln net.Listener) (*os.File, error) {
	if u, ok := ln.(interface{ inner() net.Listener }); ok {
		ln = u.inner()
	}
	sc, ok := ln.(syscall.Conn)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil, err
	}
	// Not the listener's own File: its Fd, which starting a process calls, would make
	// the socket blocking, for this process too.
	var fd uintptr
	var failed error
	if err := raw.Control(func(old uintptr) { fd, failed = duplicate(old) }); err != nil {
		return nil, err
	}
	if failed != nil {
		return nil, failed
	}
	return os.NewFile(fd, ln.Addr().String()), nil
}

// front lets each answer of a server that is leaving say that its connection ends:
// the client comes back to whoever listens then.
func (s *Server) front(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.leaving.Load() {
			w.Header().Set("Connection", "close")
		}
		h.ServeHTTP(w, r)
	})
}

// Leave closes the listeners, which another process serves from now on. Connections
// go on: one that is idle is not closed in the face of a client that is about to
// use it, but with its next answer. Leave returns when none is left, or when ctx
// ends; Shutdown is still to be called.
func (s *Server) Leave(ctx context.Context) {
	s.leaving.Store(true)
	s.mu.Lock()
	for _, d := range s.doors {
		d.Close()
	}
	s.mu.Unlock()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for s.Connections() > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
