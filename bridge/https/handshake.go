package https

import (
	"crypto/tls"
	"errors"
	"time"
)

// serve does the handshake of c, and gives it to its protocol.
func (s *Server) serve(c *Conn) {
	if s.o.HandshakeTimeout > 0 {
		c.inner.ReadBy(time.Now().Add(s.o.HandshakeTimeout))
	}
	c.below.begin()
	err := c.Conn.Handshake()
	c.below.end()
	if s.closing.Load() {
		_ = c.inner.SetReadDeadline(time.Time{}) // Shutdown may have set it
	}
	if err != nil {
		s.fail(c, err)
		s.end(c)
		return
	}
	state := c.Conn.ConnectionState()
	c.state = &state
	c.vars = s.variablesOf(&state)
	if s.o.Done != nil {
		s.o.Done(&state)
	}
	p := s.protocol(state.NegotiatedProtocol)
	s.end(c)
	if p == nil {
		_ = c.Close()
		return
	}
	p.ServeConn(c)
}

// protocol returns the one of that name; nil: there is none.
func (s *Server) protocol(name string) Protocol {
	for _, p := range s.o.Protocols {
		if p.Name == name {
			return p.Protocol
		}
	}
	return s.fallback
}

// fail ends a connection whose handshake has failed.
func (s *Server) fail(c *Conn, err error) {
	why := reasonOf(err)
	if s.o.Failed != nil {
		s.o.Failed(string(why))
	}
	if s.failures.Allow(string(why), time.Now()) {
		s.o.Log.Info("handshake_failed", "peer", c.inner.RemoteAddr().String(), "reason", string(why), "error", err,
			"message", why.sentence()+" (logged once a minute)")
	}
	switch header := (tls.RecordHeaderError{}); {
	case why == plainHTTP:
		s.answerPlain(c.inner)
	case errors.As(err, &header), why == clientLeft, why == timedOut:
		_ = c.inner.Close()
	default:
		_ = c.inner.LingeringClose() // so that an alert arrives
	}
}
