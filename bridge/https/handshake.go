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
	if h := c.inner.Header; h != nil && h.Take() != nil {
		_ = c.inner.Close()
		s.end(c)
		return
	}
	c.below.begin()
	err := c.Conn.Handshake()
	if err == nil && c.policy.ClientAuth != NoClientAuth {
		c.below.busy() // a certificate is verified
	}
	if s.closing.Load() {
		_ = c.inner.SetReadDeadline(time.Time{}) // Shutdown may have set it
	}
	if err != nil {
		c.below.end()
		s.fail(c, err)
		s.end(c)
		return
	}
	state := c.Conn.ConnectionState()
	c.state = &state
	c.vars = append(c.policy.variablesOf(&state), ofProxy(c.inner.Header)...)
	if s.o.Done != nil {
		s.o.Done(&state)
	}
	c.below.end()
	p := s.protocol(state.NegotiatedProtocol)
	s.end(c)
	if p == nil {
		_ = c.Close()
		return
	}
	p.ServeConn(c)
}

// certificate chooses one. The handshake computes before and after it.
func (s *Server) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if t, ok := hello.Conn.(*transport); ok {
		t.idle()
		defer t.busy()
	}
	return s.o.Certificate(hello)
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
	s.countFailure(c.inner.RemoteAddr().String(), why, err)
	switch header := (tls.RecordHeaderError{}); {
	case why == plainHTTP:
		s.answerPlain(c.inner)
	case errors.As(err, &header), why == clientLeft, why == timedOut:
		_ = c.inner.Close()
	default:
		_ = c.inner.LingeringClose() // so that an alert arrives
	}
}

// countFailure counts a handshake that has failed, and writes a record, at most once a minute for
// each reason.
func (s *Server) countFailure(peer string, why reason, err error) {
	if s.o.Failed != nil {
		s.o.Failed(string(why))
	}
	if s.failures.Allow(string(why), time.Now()) {
		s.o.Log.Info("handshake_failed", "peer", peer, "reason", string(why), "error", err,
			"message", why.sentence()+" (logged once a minute)")
	}
}
