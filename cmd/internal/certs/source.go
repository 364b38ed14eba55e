package certs

import (
	"crypto/tls"
	"strings"
	"time"
)

// Source has certificates. Its methods are called from any goroutine.
type Source interface {
	// Certificate returns the certificate for the client's hello: for hello.ServerName, or
	// without a name for the address; nil, nil: it has none for that. It may wait for one that is
	// being made, as long as hello.Context allows.
	Certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error)
	// List describes its certificates, those that are missing too.
	List() []Info
}

// Info describes a certificate for people.
type Info struct {
	// Names are the host names, wildcards and addresses that it is for.
	Names []string `json:"names"`
	// Issuer is the name of the CA.
	Issuer string `json:"issuer,omitempty"`
	// NotAfter is when it expires; zero: there is none yet.
	NotAfter time.Time `json:"not_after,omitzero"`
	// Source is where it comes from: the path of its file, or "acme".
	Source string `json:"source"`
	// Error is why the last attempt to renew or to reload it has failed; empty: it has not.
	Error string `json:"error,omitempty"`
	// Next is when the next attempt is made; zero: when the file changes.
	Next time.Time `json:"next,omitzero"`
}

// Name is what the certificate is called in logs and metrics: its first name.
func (i *Info) Name() string {
	if len(i.Names) == 0 {
		return i.Source
	}
	return i.Names[0]
}

// DaysLeft is how many days it is still valid; below 0: it has expired.
func (i *Info) DaysLeft(now time.Time) float64 { return i.NotAfter.Sub(now).Hours() / 24 }

// Set is several sources.
type Set struct {
	sources []Source
	absent  error // of a hello that no source has one for
	first   func() *tls.Certificate
}

// NewSet returns a Set that asks sources in their order. fallback returns the certificate for
// clients that no source has one for; nil, or returning nil: they get the error absent.
func NewSet(absent error, fallback func() *tls.Certificate, sources ...Source) *Set {
	return &Set{sources: sources, absent: absent, first: fallback}
}

// Certificate is for tls.Config.GetCertificate.
func (s *Set) Certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	var failed error
	for _, source := range s.sources {
		c, err := source.Certificate(hello)
		if c != nil && err == nil {
			return c, nil
		}
		if err != nil {
			failed = err
		}
	}
	if failed != nil {
		return nil, failed
	}
	if s.first != nil {
		if c := s.first(); c != nil {
			return c, nil
		}
	}
	return nil, s.absent
}

// List is Source's.
func (s *Set) List() []Info {
	var list []Info
	for _, source := range s.sources {
		list = append(list, source.List()...)
	}
	return list
}

// Match reports whether a certificate for pattern, a name or "*.example.org", is for name. Both
// are in lower case; a wildcard stands for one label (RFC 6125 6.4.3).
func Match(pattern, name string) bool {
	if pattern == name {
		return true
	}
	rest, ok := strings.CutPrefix(pattern, "*")
	if !ok || !strings.HasPrefix(rest, ".") {
		return false
	}
	_, domain, ok := strings.Cut(name, ".")
	return ok && domain != "" && "."+domain == rest && !strings.HasPrefix(name, ".")
}
