package compose

import (
	"context"
	"os"
	"time"

	"github.com/standpipe/standpipe/bridge/listen"
)

// linger is how long a process that hands over waits for idle connections to be
// used once more, or to be closed by their clients.
const linger = 5 * time.Second

// Inherit has Listen take over sockets instead of opening them: take returns the
// one for an address of the configuration, or nil. It is called before Listen.
func (s *Server) Inherit(take func(address string) *os.File) { s.take = take }

// Handed is a listener of ours for another process.
type Handed struct {
	Address string // as the configuration has it
	File    *os.File
}

// Files returns a copy of each listener's descriptor, to be closed by the caller.
func (s *Server) Files() ([]Handed, error) {
	var list []Handed
	for i, ln := range s.listeners {
		f, err := listen.File(ln)
		if err != nil {
			for _, h := range list {
				h.File.Close()
			}
			return nil, err
		}
		list = append(list, Handed{s.bound[i].String(), f})
	}
	return list, nil
}

// OwnSockets says whether the files of unix sockets are removed at the end, or are
// another process's.
func (s *Server) OwnSockets(yes bool) {
	for _, ln := range s.listeners {
		listen.RemoveOnClose(ln, yes)
	}
}

// HandOver takes no further connections, because another process does, and returns
// when all requests are answered and all connections closed, or with ctx's error.
// Readiness goes on saying yes. Stop is still to be called.
func (s *Server) HandOver(ctx context.Context) error {
	s.upgraded.Store(true)
	idle, cancel := context.WithTimeout(ctx, linger)
	defer cancel()
	s.group.Leave(idle)
	return s.group.Shutdown(ctx)
}
