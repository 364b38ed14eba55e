package server

import (
	"errors"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// slots are the connections that may be open. One is taken before Accept and
// given back when the connection is closed.
type slots struct{ c chan struct{} }

func newSlots(n int) *slots { return &slots{make(chan struct{}, n)} }

func (s *slots) free() { <-s.c }

func (s *slots) full() bool { return len(s.c) == cap(s.c) }

// patient is a listener that pauses: while all slots are taken, and while the
// process has no file descriptor left.
type patient struct {
	net.Listener
	srv   *Server
	slots *slots // nil: no limit
	log   hclog.Logger

	done chan struct{} // closed by Close
	once sync.Once

	saidFull, saidFiles time.Time // only Accept's goroutine
}

// quiet is how long a pause is not mentioned again.
const quiet = time.Minute

func (p *patient) Accept() (net.Conn, error) {
	if err := p.slot(); err != nil {
		return nil, err
	}
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		c, err := p.Listener.Accept()
		if err == nil {
			return p.srv.newConn(c), nil
		}
		if !noDescriptors(err) {
			if p.slots != nil {
				p.slots.free()
			}
			return nil, err
		}
		if time.Since(p.saidFiles) > quiet {
			p.saidFiles = time.Now()
			p.log.Warn("accept_paused", "address", p.Addr().String(), "error", err, "hint", "no file descriptor is free: raise the limit (ulimit -n), or lower max_connections")
		}
		select {
		case <-time.After(wait):
		case <-p.done:
			if p.slots != nil {
				p.slots.free()
			}
			return nil, net.ErrClosed
		}
	}
}

// slot waits for one.
func (p *patient) slot() error {
	if p.slots == nil {
		return nil
	}
	select {
	case p.slots.c <- struct{}{}:
		return nil
	default:
	}
	if time.Since(p.saidFull) > quiet {
		p.saidFull = time.Now()
		p.log.Warn("accept_paused", "address", p.Addr().String(), "max_connections", cap(p.slots.c), "hint", "all connections are taken: new ones wait in the kernel's backlog")
	}
	select {
	case p.slots.c <- struct{}{}:
		return nil
	case <-p.done:
		return net.ErrClosed
	}
}

func (p *patient) Close() error {
	err := errors.New("closed already")
	p.once.Do(func() {
		close(p.done)
		err = p.Listener.Close()
	})
	return err
}
