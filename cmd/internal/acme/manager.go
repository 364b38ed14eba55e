package acme

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/hashicorp/go-hclog"
	"go.uber.org/zap"
)

// Options are what a Manager is made from.
type Options struct {
	// Names are the hosts to have certificates for from the start on: names, wildcards (which need DNS), addresses.
	Names []string
	// Authorities are tried in this order.
	Authorities []Authority
	// Email is the contact of the account; empty: none.
	Email string
	// Profile is the name of one of the CA's profiles ("shortlived"); empty: the CA's default.
	Profile string
	// DNS solves DNS-01; nil: HTTP-01 and TLS-ALPN-01 do.
	DNS DNS
	// HTTPPort and TLSPort are the ports of the listeners that answer HTTP-01 and TLS-ALPN-01; 0: there is none.
	HTTPPort, TLSPort int
	// ListenHost is the host of these listeners; empty: all.
	ListenHost string
	// Demand says for which other hosts a client's handshake may cause an issuance; nil: for none.
	Demand *Demand
	// Storage has the certificates, the accounts and the locks.
	Storage certmagic.Storage
	Log     hclog.Logger

	// For tests: the time between two looks at which certificates need renewal, 0: ten minutes; the part of a certificate's life
	// that is left when it is renewed, 0: a third. The CA's own advice (ARI) comes first.
	checkEvery time.Duration
	renewAt    float64
}

// Manager obtains certificates, renews them, and has them for handshakes. It is a certs.Source.
type Manager struct {
	o       Options
	log     hclog.Logger
	states  *states
	cache   *certmagic.Cache
	brief   *brief
	config  *certmagic.Config // of Options.Names
	obtain  *certmagic.Config // the same for obtaining: it does not ask at a terminal
	demand  *certmagic.Config // of all other names; nil: there are none
	issuers []*certmagic.ACMEIssuer

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	wake   map[string]chan struct{}
}

// ErrUnknownName: there is no such certificate here.
var ErrUnknownName = errors.New("no automatic certificate has that name")

// ErrNone: there is no Manager.
var ErrNone = errors.New("this server has no automatic certificates (--https): there is nothing to renew")

// New returns a Manager that does nothing yet: it neither reads the storage nor asks a CA.
func New(o Options) (*Manager, error) {
	if len(o.Authorities) == 0 {
		return nil, errors.New("no certificate authority")
	}
	m := &Manager{o: o, log: o.Log, wake: map[string]chan struct{}{}}
	m.states = &states{storage: o.Storage}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	names := make([]string, 0, len(o.Names))
	for _, name := range o.Names {
		name = strings.ToLower(name)
		if !certmagic.SubjectQualifiesForCert(name) {
			return nil, fmt.Errorf("%q is no name that a certificate can have", name)
		}
		if strings.HasPrefix(name, "*.") && o.DNS == nil {
			return nil, fmt.Errorf("%q: a certificate for a wildcard needs DNS-01", name)
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
			m.wake[name] = make(chan struct{}, 1)
		}
	}
	m.o.Names = names
	logger := zap.New(newZapCore(o.Log))
	options := certmagic.CacheOptions{
		GetConfigForCert: func(c certmagic.Certificate) (*certmagic.Config, error) {
			if m.demand != nil && (len(c.Names) == 0 || !slices.Contains(m.o.Names, c.Names[0])) {
				return m.demand, nil
			}
			return m.config, nil
		},
		RenewCheckInterval: o.checkEvery,
		Logger:             logger,
	}
	m.cache = certmagic.NewCache(options)
	m.brief = newBrief(m.cache, options)
	make1 := func(demand *certmagic.OnDemandConfig, quiet bool) (*certmagic.Config, []*certmagic.ACMEIssuer) {
		c := certmagic.New(m.cache, certmagic.Config{
			Storage: o.Storage, Logger: logger, OnEvent: m.event, OnDemand: demand, RenewalWindowRatio: o.renewAt,
			Issuers: []certmagic.Issuer{nil}, // set below: an issuer needs its config
		})
		acme := issuers(c, o, logger)
		c.Issuers = nil
		for _, i := range acme {
			if quiet {
				c.Issuers = append(c.Issuers, unattended{i})
			} else {
				c.Issuers = append(c.Issuers, i)
			}
		}
		return c, acme
	}
	m.config, m.issuers = make1(nil, false)
	m.obtain, _ = make1(nil, true)
	if o.Demand != nil {
		o.Demand.begin(o.Log)
		m.demand, _ = make1(&certmagic.OnDemandConfig{DecisionFunc: o.Demand.allow}, false)
	}
	return m, nil
}

// Start begins to obtain and to renew. Certificates in the storage are there when it returns; it waits for no CA. The error is
// the storage's.
func (m *Manager) Start(ctx context.Context) error {
	var missing []string
	for _, name := range m.o.Names {
		c, err := m.config.CacheManagedCertificate(ctx, name)
		m.brief.learn(c)
		if err != nil {
			if !notExist(err) {
				return fmt.Errorf("the stored certificate of %s: %w", name, err)
			}
			missing = append(missing, name)
		}
	}
	for _, name := range m.o.Names {
		m.wg.Go(func() { m.manage(name, slices.Contains(missing, name)) })
	}
	m.wg.Go(m.attend)
	return nil
}

// Stop ends what runs, and frees the locks that other processes wait for.
func (m *Manager) Stop() {
	m.cancel()
	m.wg.Wait()
	m.cache.Stop()
}

// Certificate returns the certificate for a client's hello; nil, nil: the name is not one of this Manager's. The hello of a CA
// that validates by TLS-ALPN-01 gets the certificate of the challenge. For a name on demand it waits until the CA has answered; an error is that of an attempt.
func (m *Manager) Certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if IsChallenge(hello) {
		return m.config.GetCertificate(hello)
	}
	if m.covers(strings.ToLower(hello.ServerName)) || hello.ServerName == "" {
		c, err := m.config.GetCertificate(hello)
		if err != nil {
			return nil, nil // there is none yet; another source may have one
		}
		return c, nil
	}
	if m.demand == nil {
		return nil, nil
	}
	c, err := m.demand.GetCertificate(hello)
	if errors.Is(err, ErrNotAllowed) {
		return nil, nil
	}
	return c, err
}

// IsChallenge reports whether the hello is that of a CA that validates by TLS-ALPN-01.
func IsChallenge(hello *tls.ClientHelloInfo) bool {
	return len(hello.SupportedProtos) == 1 && hello.SupportedProtos[0] == ChallengeProtocol
}

// ChallengeProtocol is the ALPN protocol of TLS-ALPN-01 (RFC 8737).
const ChallengeProtocol = "acme-tls/1"

// covers reports whether a name is one of Options.Names, or is below one of their wildcards.
func (m *Manager) covers(name string) bool {
	if slices.Contains(m.o.Names, name) {
		return true
	}
	_, domain, ok := strings.Cut(name, ".")
	return ok && slices.Contains(m.o.Names, "*."+domain)
}

// ServeChallenge answers a request of HTTP-01 for any process that shares the storage. False: it is no such request, and nothing
// was written.
func (m *Manager) ServeChallenge(w http.ResponseWriter, r *http.Request) bool {
	return m.issuers[0].HandleHTTPChallenge(w, r)
}
