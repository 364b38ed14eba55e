package compose

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/https"
	"github.com/standpipe/standpipe/cmd/internal/certs"
	"github.com/standpipe/standpipe/cmd/internal/config"
)

// authority is the content of a client_ca.
type authority struct {
	pool *x509.CertPool
	sum  string // of its bytes
}

// tlsPlan is what the TLS of a configuration needs, read and checked.
type tlsPlan struct {
	cfg   *config.Config
	all   []config.Listen       // the addresses
	files func()                // puts the certificates in force; nil: they are
	cas   map[string]*authority // by path
}

// plan reads what the TLS of cfg and the addresses needs; apply puts it in force. An error changes nothing. nil: no
// address speaks HTTPS, or cfg has no certificate for those that do.
func (s *Certificates) plan(cfg *config.Config, all []config.Listen) (p *tlsPlan, err error) {
	if s == nil || !cfg.SpeaksTLS() {
		return nil, nil
	}
	p = &tlsPlan{cfg: cfg, all: all}
	if p.files, err = s.files.Plan(pairsOf(cfg), time.Now()); err != nil {
		return nil, err
	}
	p.cas, err = readAuthorities(all, s.cas)
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
	s.cas = p.cas
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

// readAuthorities reads each client_ca. old are those in force: a file that this process may not
// read any more stays as it was.
func readAuthorities(list []config.Listen, old map[string]*authority) (map[string]*authority, error) {
	all := map[string]*authority{}
	for _, at := range list {
		path := at.ClientCA
		if path == "" || all[path] != nil {
			continue
		}
		text, err := os.ReadFile(path)
		if before := old[path]; before != nil && errors.Is(err, fs.ErrPermission) {
			all[path] = before
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("client_ca: %w", err)
		}
		pool, err := parsePool("client_ca", path, text)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(text)
		all[path] = &authority{pool, hex.EncodeToString(sum[:])}
	}
	return all, nil
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
	ca := s.cas[at.ClientCA]
	o.ClientCAs, o.Scope = ca.pool, at.ClientAuth+" "+ca.sum
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
