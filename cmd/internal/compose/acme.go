package compose

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/caddyserver/certmagic"

	"github.com/standpipe/standpipe/bridge/https"
	"github.com/standpipe/standpipe/cmd/internal/acme"
	"github.com/standpipe/standpipe/cmd/internal/acme/dnsprovider"
	"github.com/standpipe/standpipe/cmd/internal/acme/redisstore"
	"github.com/standpipe/standpipe/cmd/internal/certs"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/logfile"
)

// automatic are certificates from a CA.
type automatic struct {
	*acme.Manager
	store *redisstore.Store // nil: the storage is a folder
}

// newAutomatic makes them; nil: there are none. Nothing runs yet.
func newAutomatic(cfg *config.Config, log *logfile.Log) (a *automatic, err error) {
	names := cfg.AutomaticNames()
	if !cfg.ACME.FromCA(names) {
		return nil, nil
	}
	a = &automatic{}
	o := acme.Options{Names: names.Public, Email: cfg.ACME.Email, Profile: cfg.ACME.Profile, DNS: dnsOf(&cfg.ACME), Log: log}
	if o.Storage, a.store, err = openStorage(cfg, log); err != nil {
		return nil, err
	}
	var roots *x509.CertPool
	if cfg.ACME.Roots != "" {
		read, err := certs.ReadAuthority("acme_ca_roots", cfg.ACME.Roots)
		if err != nil {
			return nil, err
		}
		roots = read.Pool
	}
	cas := cfg.ACME.CA
	if len(cas) == 0 {
		cas = []string{""}
	}
	for _, ca := range cas {
		o.Authorities = append(o.Authorities, acme.Authority{URL: ca, Roots: roots})
	}
	o.Authorities[0].KeyID, o.Authorities[0].MACKey = cfg.ACME.EABID, cfg.ACME.MACKey()
	o.ListenHost, o.HTTPPort, o.TLSPort = cfg.ChallengePorts()
	if cfg.ACME.OnDemand {
		o.Demand = &acme.Demand{Hosts: cfg.TLSHosts(), Ask: cfg.ACME.Ask, Rate: cfg.ACME.Rate, Per: time.Hour}
	}
	a.Manager, err = acme.New(o)
	return a, err
}

// redisPrefix begins the keys of certificates in the server that redis names.
const redisPrefix = "standpipe:certificates:"

// openStorage opens the storage of automatic certificates. The caller closes a *redisstore.Store.
func openStorage(cfg *config.Config, log *logfile.Log) (certmagic.Storage, *redisstore.Store, error) {
	if cfg.ACME.Storage == "redis" {
		store, err := redisstore.Open(cfg.Servers.Redis, redisPrefix, log)
		return store, store, err
	}
	storage, err := acme.OpenFolder(cfg.ACME.Storage)
	if id := cfg.Account.Identity; err == nil && id != nil && os.Geteuid() == 0 {
		// Root has made the folder, or an earlier root has: this process becomes another user.
		err = filepath.WalkDir(cfg.ACME.Storage, func(path string, _ fs.DirEntry, err error) error {
			return errors.Join(err, os.Lchown(path, int(id.UID), int(id.GID)))
		})
	}
	return storage, nil, err
}

// dnsOf is the way to solve DNS-01; nil: there is none.
func dnsOf(a *config.ACME) acme.DNS {
	switch a.DNS {
	case "program":
		return acme.Records{Setter: &dnsprovider.Program{Path: a.DNSProgram}}
	case "rfc2136":
		p := &dnsprovider.RFC2136{Server: a.DNSServer, KeyName: a.DNSKeyName, Key: a.DNSKey, Algorithm: a.DNSAlgorithm}
		return acme.Zones{Provider: p, Resolvers: a.DNSResolvers, Wait: a.DNSWait}
	case "cloudflare":
		return acme.Zones{Provider: &dnsprovider.Cloudflare{Token: a.DNSToken}, Resolvers: a.DNSResolvers, Wait: a.DNSWait}
	}
	return nil
}

// stop ends issuances and frees locks. a may be nil.
func (a *automatic) stop() {
	if a == nil {
		return
	}
	a.Stop()
	if a.store != nil {
		a.store.Close()
	}
}

// challenges answers HTTP-01 before next does. s may be nil.
func (s *Certificates) challenges(next http.Handler) http.Handler {
	if s == nil || s.automatic == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/.well-known/acme-challenge/") && s.automatic.ServeChallenge(w, r) {
			return
		}
		next.ServeHTTP(w, r)
	})
}

// validation is the protocol of TLS-ALPN-01: the handshake is the answer.
type validation struct{}

func (validation) ServeConn(nc net.Conn)          { nc.Close() }
func (validation) Leave()                         {}
func (validation) Shutdown(context.Context) error { return nil }
func (validation) Close() error                   { return nil }

// protocols is for the addresses of HTTPS.
func (a *automatic) protocols(list []https.Named) []https.Named {
	if a == nil {
		return list
	}
	return append(list, https.Named{Name: acme.ChallengeProtocol, Protocol: validation{}})
}

// startAutomatic begins to obtain certificates, as the user that the process has become.
func (s *Server) startAutomatic() error {
	if s.Certificates == nil || s.Certificates.automatic == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := s.Certificates.automatic.Start(ctx); err != nil {
		return fmt.Errorf("acme_storage: %w", err)
	}
	return nil
}
