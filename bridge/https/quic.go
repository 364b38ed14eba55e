package https

import (
	"crypto"
	"crypto/tls"
	"io"

	"github.com/standpipe/standpipe/bridge/cpu"
	"github.com/standpipe/standpipe/shim/wire"
)

// QUIC is what connections over QUIC have in common with those of a Server: certificates, session
// tickets, certificates of clients, and what is counted. It is for package h3.
type QUIC struct{ s *Server }

// QUIC returns that of s.
func (s *Server) QUIC() QUIC { return QUIC{s} }

// forQUIC is the configuration of a policy for ALPN h3. QUIC has no TLS 1.2 (RFC 9001 4.2).
func (s *Server) forQUIC(config *tls.Config) *tls.Config {
	c := config.Clone()
	c.MinVersion, c.NextProtos = tls.VersionTLS13, []string{"h3"}
	c.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		made, err := s.o.Certificate(hello)
		if made == nil || err != nil {
			return nil, err
		}
		signer, ok := made.PrivateKey.(crypto.Signer)
		if !ok {
			return made, nil
		}
		own := *made
		own.PrivateKey = slotted{signer}
		return &own, nil
	}
	return c
}

// slotted signs with one of package cpu's slots. With RSA that is most of what a handshake computes.
type slotted struct{ crypto.Signer }

func (k slotted) Sign(random io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	done := cpu.Slot()
	defer done()
	return k.Signer.Sign(random, digest, o)
}

// QUICConfig is the configuration of all connections: each goes by the Settings that are in force
// when it begins.
func (q QUIC) QUICConfig() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return q.s.policy.Load().quic, nil
	}}
}

// VariablesOf are the CGI variables of a connection.
func (q QUIC) VariablesOf(state *tls.ConnectionState) []wire.Var {
	return q.s.policy.Load().variablesOf(state)
}

// Shaken counts a handshake that is complete.
func (q QUIC) Shaken(state *tls.ConnectionState) {
	if q.s.o.Done != nil {
		q.s.o.Done(state)
	}
}

// NotShaken counts a handshake that has failed.
func (q QUIC) NotShaken(peer string, err error) { q.s.countFailure(peer, reasonOf(err), err) }
