package compose

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/https"
	"github.com/standpipe/standpipe/cmd/internal/certs"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/logfile"
)

// Names of what one process passes to the next in an upgrade.
const (
	keptTickets      = "tickets"
	keptCertificates = "certificates"
)

// secure is what the addresses of HTTPS have in common.
type secure struct {
	files   *certs.Files
	set     *certs.Set
	tickets *certs.Tickets
	clients *x509.CertPool // of client_ca; nil: there is none
}

// newSecure reads the certificates. nil: no address speaks HTTPS. kept returns what the process
// before this one has passed on.
func newSecure(cfg *config.Config, log *logfile.Log, kept func(name string) []byte) (*secure, error) {
	if !cfg.SpeaksTLS() {
		return nil, nil
	}
	var pairs []certs.Pair
	for _, c := range cfg.AllCertificates() {
		pairs = append(pairs, certs.Pair(c))
	}
	files, err := certs.OpenFiles(pairs, kept(keptCertificates), log)
	if err != nil {
		return nil, err
	}
	s := &secure{files: files, set: certs.NewSet(https.ErrNoCertificate, files.First, files)}
	if cfg.TLS.ClientCA != "" {
		if s.clients, err = readPool(cfg.TLS.ClientCA); err != nil {
			return nil, err
		}
	}
	if missing := certs.Missing(s.set.List(), cfg.TLSHosts()); len(missing) > 0 {
		var names []string
		for _, i := range s.set.List() {
			names = append(names, i.Names...)
		}
		log.Warn("certificate_names", "hosts", strings.Join(missing, ", "), "names", strings.Join(names, ", "),
			"message", "no certificate is for the host "+strings.Join(missing, ", ")+"; there are some for "+strings.Join(names, ", "))
	}
	return s, nil
}

func readPool(name string) (*x509.CertPool, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("client_ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("client_ca: %s has no certificate in PEM (-----BEGIN CERTIFICATE-----)", name)
	}
	return pool, nil
}

// server makes the way in, with the protocols behind it.
func (s *secure) server(cfg *config.Config, protocols []https.Named, refused func(string, int), counters Counters, log *logfile.Log, kept func(string) []byte) (*https.Server, error) {
	o := https.Options{
		Certificate: s.set.Certificate, Protocols: protocols, MinVersion: tls.VersionTLS12, ClientCAs: s.clients, HandshakeTimeout: cfg.Limits.HeaderTimeout,
		Done:   func(state *tls.ConnectionState) { counters.Handshake(tls.VersionName(state.Version), state.DidResume) },
		Failed: counters.HandshakeFailed, Refused: refused, Log: log,
	}
	if cfg.TLS.Min == "1.3" {
		o.MinVersion = tls.VersionTLS13
	}
	switch cfg.TLS.ClientAuth {
	case "request":
		o.ClientAuth = https.RequestClientAuth
	case "require":
		o.ClientAuth = https.RequireClientAuth
	}
	server := https.New(o)
	var err error
	s.tickets, err = certs.NewTickets(kept(keptTickets), time.Now(), server.SetTicketKeys)
	return server, err
}

// Certificates describes the certificates.
func (s *Server) Certificates() []certs.Info {
	if s.parts.secure == nil {
		return nil
	}
	return s.parts.secure.set.List()
}

// LookAtCertificates reads certificates that have changed, and replaces old ticket keys. It is
// called about twice a second, by one goroutine.
func (s *Server) LookAtCertificates(now time.Time) {
	if t := s.parts.secure; t != nil {
		t.files.Look(now)
		t.tickets.Look(now)
	}
}

// Keep returns what the process of an upgrade needs and cannot read: keys.
func (s *Server) Keep() (map[string][]byte, error) {
	t := s.parts.secure
	if t == nil {
		return nil, nil
	}
	files, err := t.files.Keep()
	return map[string][]byte{keptTickets: t.tickets.Keep(), keptCertificates: files}, err
}

// portOfHTTPS is the port of the first address that speaks it; empty: the usual one.
func portOfHTTPS(cfg *config.Config) string {
	for _, l := range cfg.Listen {
		if l.Protocol == "https" && l.Network == "tcp" {
			if _, port, err := net.SplitHostPort(l.Address); err == nil && port != "0" {
				return port
			}
		}
	}
	return ""
}

// redirects reports whether an address redirects to HTTPS.
func redirects(cfg *config.Config) bool {
	for _, l := range cfg.Listen {
		if l.Redirect {
			return true
		}
	}
	return false
}
