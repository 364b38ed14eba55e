package compose

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/standpipe/standpipe/bridge/https"
	"github.com/standpipe/standpipe/cmd/internal/acme"
	"github.com/standpipe/standpipe/cmd/internal/certs"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/localca"
	"github.com/standpipe/standpipe/cmd/internal/logfile"
	"github.com/standpipe/standpipe/cmd/internal/privileges"
)

// Names of what one process passes to the next in an upgrade.
const (
	keptTickets      = "tickets"
	keptCertificates = "certificates"
	keptAuthorities  = "authorities"
	keptLocal        = "local-ca"
)

// Certificates are what the addresses of HTTPS have in common. The methods of nil do nothing: no
// address speaks HTTPS.
type Certificates struct {
	files     *certs.Files
	automatic *automatic      // nil: there are none
	local     *localca.Source // nil: https has no name of this machine alone
	set       *certs.Set
	tickets   *certs.Tickets
	log       *logfile.Log

	servers map[int]*https.Server             // by the index of the address
	cas     atomic.Pointer[certs.Authorities] // of client_ca
}

// newCertificates reads the certificates. nil: no address speaks HTTPS. kept returns what the process
// before this one has passed on.
func newCertificates(cfg *config.Config, log *logfile.Log, kept func(name string) []byte) (*Certificates, error) {
	if !cfg.SpeaksTLS() {
		return nil, nil
	}
	files, err := certs.OpenFiles(pairsOf(cfg), kept(keptCertificates), log)
	if err != nil {
		return nil, err
	}
	s := &Certificates{files: files, log: log, servers: map[int]*https.Server{}}
	sources := []certs.Source{files}
	if s.local, err = newLocal(cfg, log, kept(keptLocal)); err != nil {
		return nil, err
	}
	if s.local != nil {
		sources = append(sources, s.local)
	}
	if s.automatic, err = newAutomatic(cfg, log); err != nil {
		return nil, err
	}
	if s.automatic != nil {
		sources = append(sources, s.automatic)
	}
	if err := privileges.KeysApart(cfg); err != nil {
		return nil, err
	}
	s.set = certs.NewSet(https.ErrNoCertificate, s.first, sources...)
	old, err := certs.KeptAuthorities(kept(keptAuthorities))
	if err != nil {
		return nil, err
	}
	cas, err := certs.ReadAuthorities(config.ClientCAs(cfg.Listen), old)
	if err != nil {
		return nil, err
	}
	s.cas.Store(&cas)
	s.warnNames(cfg)
	return s, nil
}

// first is the certificate for clients that no source has one for; nil: they get none.
func (s *Certificates) first() *tls.Certificate {
	c := s.files.First()
	if c == nil && s.local != nil && s.automatic == nil {
		return s.local.Default() // a browser says whose it is, and for which names
	}
	return c
}

// server makes the way in of an address, by its index, with the protocols behind it.
func (s *Certificates) server(cfg *config.Config, i int, protocols []https.Named, alternative *atomic.Pointer[string], refused func(string, int), counters Counters) *https.Server {
	server := https.New(https.Options{
		Certificate: s.certificate, Protocols: protocols, Alternative: alternative, Settings: s.settings(cfg, &cfg.Listen[i]), HandshakeTimeout: cfg.Limits.HeaderTimeout,
		Done:   func(state *tls.ConnectionState) { counters.Handshake(tls.VersionName(state.Version), state.DidResume) },
		Failed: counters.HandshakeFailed, Refused: refused, Log: s.log,
	})
	s.servers[i] = server
	return server
}

// shareTickets has all servers of one Scope take the session tickets of each other, and those of the process before this one.
func (s *Certificates) shareTickets(kept func(string) []byte) (err error) {
	if s == nil {
		return nil
	}
	s.tickets, err = certs.NewTickets(kept(keptTickets), time.Now(), func(keys [][32]byte) {
		for _, server := range s.servers {
			server.SetTicketKeys(keys)
		}
	})
	return err
}

// certificate is for handshakes. Files are for a name before automatic certificates are, and never for a CA that validates one.
func (s *Certificates) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if s.automatic != nil && acme.IsChallenge(hello) {
		c, err := s.automatic.Certificate(hello)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", https.ErrNoCertificate, err)
		}
		return c, nil
	}
	c, err := s.set.Certificate(hello)
	if err != nil && !errors.Is(err, https.ErrNoCertificate) {
		return nil, fmt.Errorf("%w: %w", https.ErrNotIssued, err)
	}
	return c, err
}

// warnKeys tells which keys this process cannot read again, and which apps can read one: it is called when privileges are dropped.
func (s *Certificates) warnKeys(cfg *config.Config, p *privileges.Privileges) {
	if s == nil {
		return
	}
	for _, path := range p.UnreadableKeys(cfg) {
		s.log.Warn("key_unreadable", "path", path, "message", cfg.Account.Identity.String()+" cannot read "+path+": when it changes, the old certificate stays until a restart; let a group of that user read it, to which no app belongs (chgrp, mode 0640)")
	}
	if apps, path := p.SharedKeys(cfg); len(apps) > 0 {
		s.log.Warn("keys_shared", "apps", strings.Join(apps, " "), "path", path,
			"message", "these apps run as the user of the server, so their code can read its private keys ("+path+"): give them a `user` of their own")
	}
}

// List describes them.
func (s *Certificates) List() []certs.Info {
	if s == nil {
		return nil
	}
	return s.set.List()
}

// Renew obtains a new certificate for a name now. The errors include acme.ErrNone and acme.ErrUnknownName.
func (s *Certificates) Renew(ctx context.Context, name string) error {
	if s == nil || s.automatic == nil && s.local == nil {
		return acme.ErrNone
	}
	if s.local != nil {
		if known, err := s.local.Renew(name); known {
			return err
		}
	}
	if s.automatic == nil {
		return acme.ErrUnknownName
	}
	return s.automatic.Renew(ctx, name)
}

// Look reads files that have changed, and replaces old ticket keys. It is called about twice a
// second, by one goroutine.
func (s *Certificates) Look(now time.Time) {
	if s != nil {
		s.files.Look(now)
		s.tickets.Look(now)
	}
}

// keep is for Server.Keep.
func (s *Certificates) keep() (map[string][]byte, error) {
	if s == nil {
		return nil, nil
	}
	files, err := s.files.Keep()
	list := map[string][]byte{keptTickets: s.tickets.Keep(), keptCertificates: files}
	cas, failed := s.cas.Load().Keep()
	list[keptAuthorities], err = cas, errors.Join(err, failed)
	if s.local != nil {
		ca, failed := s.local.Keep()
		list[keptLocal], err = ca, errors.Join(err, failed)
	}
	return list, err
}

// portOfHTTPS is the port of the first address that speaks it; empty: the usual one.
func portOfHTTPS(list []config.Listen) string {
	for _, l := range list {
		if l.Protocol == "https" && l.Network == "tcp" {
			if _, port, err := net.SplitHostPort(l.Address); err == nil && port != "0" {
				return port
			}
		}
	}
	return ""
}
