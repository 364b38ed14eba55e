package https

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
)

// Settings are those that may change while the Server runs (Set). Handshakes that have begun, and
// open connections, keep those that they began with.
type Settings struct {
	// MinVersion is tls.VersionTLS12 or tls.VersionTLS13; 0: 1.2.
	MinVersion uint16
	// ClientAuth and ClientCAs are for certificates of clients.
	ClientAuth ClientAuth
	ClientCAs  *x509.CertPool
	// Scope names how clients are authenticated. A session ticket is good where it was made and
	// at servers of the same Scope: a session does not get around a check that it has not passed.
	Scope string
}

// policy is what handshakes go by. It does not change.
type policy struct {
	Settings
	config *tls.Config
	quic   *tls.Config // for HTTP/3
}

// Set puts settings in force.
func (s *Server) Set(o Settings) {
	if o.MinVersion == 0 {
		o.MinVersion = tls.VersionTLS12
	}
	p := &policy{Settings: o, config: &tls.Config{
		MinVersion: o.MinVersion, GetCertificate: s.certificate,
		DynamicRecordSizingDisabled: true, // a record is a write to the socket
	}}
	for _, named := range s.o.Protocols {
		p.config.NextProtos = append(p.config.NextProtos, named.Name)
	}
	if o.ClientAuth != NoClientAuth {
		p.askClients()
	}
	p.quic = s.forQUIC(p.config)
	s.mu.Lock()
	defer s.mu.Unlock()
	p.setTicketKeys(s.tickets)
	s.policy.Store(p)
}

// SetTicketKeys sets the keys of session tickets: the first one makes tickets, all of them read
// them. It may be called at any time. Without it no key outlives the process, or a Set.
func (s *Server) SetTicketKeys(keys [][32]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tickets = keys
	s.policy.Load().setTicketKeys(keys)
}

func (p *policy) setTicketKeys(keys [][32]byte) {
	if len(keys) == 0 {
		return
	}
	own := keys
	if p.Scope != "" {
		own = make([][32]byte, len(keys))
		for i, k := range keys {
			mac := hmac.New(sha256.New, k[:])
			mac.Write([]byte(p.Scope))
			mac.Sum(own[i][:0])
		}
	}
	p.config.SetSessionTicketKeys(own)
	p.quic.SetSessionTicketKeys(own)
}
