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
	err := p.Serve(other{door}, s.http.Handler)
	if s.leaving.Load() {
		return nil
	}
	return err
}

// door puts the limits in front of a listener.
func (s *Server) door(ln net.Listener) *patient {
	d := &patient{Listener: ln, srv: s, slots: s.slots, log: s.log, done: make(chan struct{})}
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

// other accepts connections that another protocol than net/http's serves.
type other struct{ *patient }

func (l other) Accept() (net.Conn, error) {
	nc, err := l.patient.Accept()
	if err == nil {
		c := nc.(*conn)
		c.speaks = false
		c.begun = true        // its first bytes are its own
		c.unseen.Store(false) // an answer is not looked for: the protocol tells by itself whom it refused
	}
	return nc, err
}
