package https

import (
	"errors"
	"net"
	"sync"
)

// listeners are those that are served.
type listeners struct {
	mu     sync.Mutex
	open   map[net.Listener]struct{}
	closed bool
}

// add reports whether ln is to be served.
func (l *listeners) add(ln net.Listener) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	if l.open == nil {
		l.open = map[net.Listener]struct{}{}
	}
	l.open[ln] = struct{}{}
	return true
}

func (l *listeners) remove(ln net.Listener) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, ln)
}

// close closes all of them; none can be added any more.
func (l *listeners) close() (err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for ln := range l.open {
		if e := ln.Close(); !errors.Is(e, net.ErrClosed) {
			err = errors.Join(err, e)
		}
	}
	return err
}
