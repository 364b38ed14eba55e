package localca

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/cmd/internal/certs"
)

const (
	// life is how long a server's certificate is valid; it is replaced when a third of that is left.
	life = 7 * 24 * time.Hour
	// maxBelow is how many names below wildcards have a certificate at a time. Clients choose them.
	maxBelow = 256
)

// Kind is the Source of a certs.Info.
const Kind = "local"

// always are names that each server's certificate has: people write them into the address line, whatever the settings name.
var always = []string{"localhost", "127.0.0.1", "::1"}

// Source has certificates of an Authority for some names. It is a certs.Source.
type Source struct {
	ca        *Authority
	log       hclog.Logger
	names     []string // of one certificate, which they share; always are among them
	wildcards []string // a name below them has a certificate of its own: browsers do not accept "*.localhost"

	mu    sync.Mutex
	own   *tls.Certificate            // for names
	below map[string]*tls.Certificate // for names below wildcards
}

// New returns a Source for names: each of them is Local. Wildcards may be among them.
func New(ca *Authority, names []string, log hclog.Logger) (*Source, error) {
	s := &Source{ca: ca, log: log, below: map[string]*tls.Certificate{}}
	for _, name := range slices.Concat(names, always) {
		name = strings.ToLower(name)
		if ip := net.ParseIP(name); ip != nil {
			name = ip.String()
		}
		list := &s.names
		if strings.HasPrefix(name, "*.") {
			list = &s.wildcards
		}
		if !slices.Contains(*list, name) {
			*list = append(*list, name)
		}
	}
	_, err := s.current(time.Now())
	return s, err
}

// Keep is Authority.Keep.
func (s *Source) Keep() ([]byte, error) { return s.ca.Keep() }

// Certificate is certs.Source's. A client that connects to a loopback address and sends no name gets the certificate too.
func (s *Source) Certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name := strings.TrimSuffix(strings.ToLower(hello.ServerName), ".")
	switch {
	case name == "" && loopback(hello.Conn), slices.Contains(s.names, name):
		return s.current(time.Now())
	case s.matches(name):
		return s.named(name, time.Now())
	}
	return nil, nil
}

// Default is the certificate for clients that ask for a name without one; they say what is wrong with it.
func (s *Source) Default() *tls.Certificate {
	c, err := s.current(time.Now())
	if err != nil {
		return nil
	}
	return c
}

func loopback(c net.Conn) bool {
	if c == nil {
		return false
	}
	at, err := netip.ParseAddrPort(c.LocalAddr().String()) // of TCP or UDP
	return err == nil && at.Addr().Unmap().IsLoopback()
}

// matches reports whether a name of a client is below one of the wildcards.
func (s *Source) matches(name string) bool {
	hostname := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.'
	}
	return len(name) <= 253 && !strings.ContainsFunc(name, func(r rune) bool { return !hostname(r) }) &&
		slices.ContainsFunc(s.wildcards, func(pattern string) bool { return certs.Match(pattern, name) })
}

// current is the certificate of names; a new one if the old one is old.
func (s *Source) current(now time.Time) (*tls.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.own != nil && (now.Before(renewal(s.own)) || now.After(s.ca.Cert.NotAfter)) {
		return s.own, nil // of an expired CA, no new one is better
	}
	return s.renew(now)
}

// renew makes a new certificate of names. mu is held.
func (s *Source) renew(now time.Time) (*tls.Certificate, error) {
	c, err := s.ca.issue(s.names, now)
	if err != nil {
		return s.own, err
	}
	if s.own != nil {
		s.log.Info("certificate_obtained", "name", s.names[0], "issuer", s.ca.Name(), "renewal", true)
	}
	s.own = c
	return c, nil
}

// named is the certificate of one name below a wildcard.
func (s *Source) named(name string, now time.Time) (*tls.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.below[name]; c != nil && now.Before(renewal(c)) {
		return c, nil
	}
	c, err := s.ca.issue([]string{name}, now)
	if err != nil {
		return nil, err
	}
	if len(s.below) >= maxBelow {
		clear(s.below)
	}
	s.below[name] = c
	return c, nil
}

// Renew makes a new certificate for a name now; false: the name is not one of this Source's.
func (s *Source) Renew(name string) (bool, error) {
	name = strings.ToLower(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case slices.Contains(s.names, name), slices.Contains(s.wildcards, name):
		clear(s.below)
		_, err := s.renew(time.Now())
		return true, err
	case s.matches(name):
		delete(s.below, name)
		return true, nil
	}
	return false, nil
}

// List is certs.Source's: the certificate of the names, and that of the CA.
func (s *Source) List() []certs.Info {
	ca := s.ca.Info()
	own := certs.Info{Names: slices.Concat(s.names, s.wildcards), Issuer: s.ca.Name(), Source: Kind}
	switch c, err := s.current(time.Now()); {
	case err != nil:
		own.Error = err.Error()
	default:
		own.NotAfter, own.Next = c.Leaf.NotAfter, renewal(c)
	}
	return []certs.Info{own, ca}
}

// Trusted reports whether this machine's own store has the CA.
func (s *Source) Trusted() bool {
	c := s.Default()
	if c == nil {
		return false
	}
	_, err := c.Leaf.Verify(x509.VerifyOptions{})
	return err == nil
}

// Info describes the CA itself.
func (a *Authority) Info() certs.Info {
	return certs.Info{Names: []string{a.Name()}, Issuer: a.Name(), NotAfter: a.Cert.NotAfter, Source: a.Path}
}

// renewal is from when on a certificate is old.
func renewal(c *tls.Certificate) time.Time {
	return c.Leaf.NotAfter.Add(-c.Leaf.NotAfter.Sub(c.Leaf.NotBefore) / 3)
}

// issue makes a certificate for names.
func (a *Authority) issue(names []string, now time.Time) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{Organization: []string{"standpipe local certificate"}},
		NotBefore: now.Add(-time.Minute), NotAfter: now.Add(life),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	if a.Cert.NotAfter.Before(template.NotAfter) {
		template.NotAfter = a.Cert.NotAfter
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.Cert, &key.PublicKey, a.key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}
