package acme

import (
	"context"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3"
	"github.com/mholt/acmez/v3/acme"
	"go.uber.org/zap"
)

// DNS is a way to solve DNS-01.
type DNS interface {
	solver(*zap.Logger) acmez.Solver
}

// Zones is a DNS server or service that changes the records of zones. The record is looked for at the zone's servers until all
// of them have it.
type Zones struct {
	Provider certmagic.DNSProvider
	// Resolvers find the zone and see the record, as host:port; none: the system's.
	Resolvers []string
	// Wait is how long the record may take to be seen everywhere; 0: two minutes.
	Wait time.Duration
}

func (z Zones) solver(logger *zap.Logger) acmez.Solver {
	return &certmagic.DNS01Solver{DNSManager: certmagic.DNSManager{
		DNSProvider: z.Provider, Resolvers: z.Resolvers, PropagationTimeout: z.Wait, TTL: time.Minute, Logger: logger,
	}}
}

// Setter sets and removes one TXT record by its full name, and returns when the CA can see it.
type Setter interface {
	Present(ctx context.Context, name, value string) error
	CleanUp(ctx context.Context, name, value string) error
}

// Records is a Setter: a program of the user's.
type Records struct{ Setter Setter }

func (r Records) solver(*zap.Logger) acmez.Solver { return recordSolver(r) }

type recordSolver struct{ Setter Setter }

// Present is acmez.Solver's.
func (s recordSolver) Present(ctx context.Context, c acme.Challenge) error {
	return s.Setter.Present(ctx, c.DNS01TXTRecordName(), c.DNS01KeyAuthorization())
}

// CleanUp is acmez.Solver's. It is called when ctx is done, too.
func (s recordSolver) CleanUp(ctx context.Context, c acme.Challenge) error {
	return s.Setter.CleanUp(context.WithoutCancel(ctx), c.DNS01TXTRecordName(), c.DNS01KeyAuthorization())
}
