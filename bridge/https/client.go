package https

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"time"
)

// errClientCertificate: a client has no certificate that verifies, and has to have one.
var errClientCertificate = errors.New("the client's certificate does not verify")

// askClients has clients asked for certificates. Settings.ClientAuth decides about those that do
// not verify; the check is made when a session is resumed too.
func (p *policy) askClients() {
	p.config.ClientCAs = p.ClientCAs
	p.config.ClientAuth = tls.RequestClientCert
	if p.ClientAuth == RequireClientAuth {
		p.config.ClientAuth = tls.RequireAnyClientCert
		p.config.VerifyConnection = func(state tls.ConnectionState) error {
			if err := p.verify(&state); err != nil {
				return errors.Join(errClientCertificate, err)
			}
			return nil
		}
	}
}

// errNone: the client has no certificate.
var errNone = errors.New("no certificate")

// verify checks the client's certificate.
func (p *policy) verify(state *tls.ConnectionState) error {
	if len(state.PeerCertificates) == 0 {
		return errNone
	}
	between := x509.NewCertPool()
	for _, c := range state.PeerCertificates[1:] {
		between.AddCert(c)
	}
	_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{
		Roots: p.ClientCAs, Intermediates: between, CurrentTime: time.Now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	return err
}
