package compose

import (
	"crypto/tls"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/https"
	"github.com/standpipe/standpipe/cmd/internal/certs"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/privileges"
)

// tlsPlan is what the TLS of a configuration needs, read and checked.
type tlsPlan struct {
	cfg   *config.Config
	all   []config.Listen // the addresses
	files func()          // puts the certificates in force; nil: they are
	cas   certs.Authorities
}

// plan reads what the TLS of cfg and the addresses needs; apply puts it in force. An error changes nothing. nil: no
// address speaks HTTPS, or cfg has no certificate for those that do.
func (s *Certificates) plan(cfg *config.Config, all []config.Listen) (p *tlsPlan, err error) {
	if s == nil || !cfg.SpeaksTLS() {
		return nil, nil
	}
	if err := privileges.KeysApart(cfg); err != nil {
		return nil, err
	}
	p = &tlsPlan{cfg: cfg, all: all}
	if p.files, err = s.files.Plan(pairsOf(cfg), time.Now()); err != nil {
		return nil, err
	}
	p.cas, err = certs.ReadAuthorities(config.ClientCAs(all), *s.cas.Load())
	return p, err
}

// apply puts p in force: handshakes that begin now go by it. p may be nil.
func (s *Certificates) apply(p *tlsPlan) {
	if p == nil {
		return
	}
	if p.files != nil {
		p.files()
	}
	s.cas.Store(&p.cas)
	for i, server := range s.servers {
		server.Set(s.settings(p.cfg, &p.all[i]))
	}
	s.warnNames(p.cfg)
}

// pairsOf are the files of all certificates, the default first.
func pairsOf(cfg *config.Config) (pairs []certs.Pair) {
	for _, c := range cfg.AllCertificates() {
		pairs = append(pairs, certs.Pair(c))
	}
	return pairs
}

// settings are those of the way in of one address.
func (s *Certificates) settings(cfg *config.Config, at *config.Listen) https.Settings {
	o := https.Settings{MinVersion: tls.VersionTLS12}
	if cfg.TLS.Min == "1.3" {
		o.MinVersion = tls.VersionTLS13
	}
	switch at.ClientAuth {
	case "request":
		o.ClientAuth = https.RequestClientAuth
	case "require":
		o.ClientAuth = https.RequireClientAuth
	default:
		return o
	}
	ca := (*s.cas.Load())[at.ClientCA]
	o.ClientCAs, o.Scope = ca.Pool, at.ClientAuth+" "+ca.Sum
	return o
}

// warnNames writes a record of hosts that no certificate is for.
func (s *Certificates) warnNames(cfg *config.Config) {
	list := s.files.List()
	if s.local != nil {
		list = append(list, s.local.List()[0])
	}
	for _, name := range cfg.AutomaticNames().Public {
		list = append(list, certs.Info{Names: []string{name}})
	}
	missing := certs.Missing(list, cfg.TLSHosts())
	if len(missing) == 0 || cfg.ACME.OnDemand {
		return
	}
	var names []string
	for _, i := range list {
		names = append(names, i.Names...)
	}
	s.log.Warn("certificate_names", "hosts", strings.Join(missing, ", "), "names", strings.Join(names, ", "), "message", certs.Uncovered(missing, names))
}
