package upstream

import (
	"net"
	"time"
)

type socketIO struct{}

func newSocket(nc net.Conn, send time.Duration) (*socket, error) {
	return &socket{Conn: nc, send: send}, nil
}

func (s *socket) Read(p []byte) (int, error) {
	for {
		s.wait()
		n, err := s.Conn.Read(p)
		if n > 0 || err == nil {
			s.awake()
			return n, err
		}
		if !s.again(err) {
			return n, err
		}
	}
}

func (s *socket) Write(p []byte) (int, error) {
	if s.send > 0 {
		s.writeBy(time.Now().Add(s.send))
	}
	return s.Conn.Write(p)
}

// alive cannot tell.
func (s *socket) alive() bool { return true }
