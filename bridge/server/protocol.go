package server

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"sync"
)

// Protocol is another way in than net/http: it answers requests that come on ln by
// h. Serve returns nil after Shutdown or Close; these are as Server's own.
type Protocol interface {
	Serve(ln net.Listener, h http.Handler) error
	Shutdown(ctx context.Context) error
	Close() error
}

// ServeProtocol is Serve for a listener that speaks p. Its connections count with
// those of all others, and what ends the server ends p.
func (s *Server) ServeProtocol(ln net.Listener, p Protocol) error {
	door := s.door(ln)
	s.mu.Lock()
	if !slices.Contains(s.others, p) {
		s.others = append(s.others, p)
	}
	s.mu.Unlock()
	err := p.Serve(counted{door, s}, s.http.Handler)
	if s.leaving.Load() {
		return nil
	}
	return err
}

// door puts the limits in front of a listener.
func (s *Server) door(ln net.Listener) *patient {
	d := &patient{Listener: ln, slots: s.slots, refused: s.refused, log: s.log, done: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.doors = append(s.doors, d)
	return d
}

func (s *Server) protocols() []Protocol {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.others)
}

// shutdownOthers ends the other protocols, all at a time.
func (s *Server) shutdownOthers(ctx context.Context) error {
	list := s.protocols()
	errs := make([]error, len(list))
	var wg sync.WaitGroup
	for i, p := range list {
		wg.Go(func() { errs[i] = p.Shutdown(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// counted counts connections that net/http does not see.
type counted struct {
	*patient
	srv *Server
}

func (l counted) Accept() (net.Conn, error) {
	nc, err := l.patient.Accept()
	if err != nil {
		return nil, err
	}
	c := nc.(*conn)
	c.unseen.Store(false) // an answer is not looked for: the protocol tells by itself whom it refused
	c.begun = true        // its first bytes are its own
	l.srv.open.Add(1)
	return &countedConn{conn: c, srv: l.srv}, nil
}

type countedConn struct {
	*conn
	srv  *Server
	once sync.Once
}

func (c *countedConn) Close() error {
	err := c.conn.Close()
	c.once.Do(func() {
		c.srv.open.Add(-1)
		if c.srv.slots != nil {
			c.srv.slots.free()
		}
	})
	return err
}

// SetLinger is net.TCPConn's; a unix socket has no such thing.
func (c *countedConn) SetLinger(sec int) error {
	if l, ok := c.Conn.(interface{ SetLinger(int) error }); ok {
		return l.SetLinger(sec)
	}
	return errors.ErrUnsupported
}
