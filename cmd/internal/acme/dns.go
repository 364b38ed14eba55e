package acme

import (
	"context"
	"errors"
	"fmt"
	"strings"
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
	// Resolvers find the zone, as host:port, and must have the record; none: the system's find it, and the zone's own servers must.
	Resolvers []string
	// Wait is how long the record may take to be seen; 0: it is not looked for.
	Wait time.Duration
}

func (z Zones) solver(logger *zap.Logger) acmez.Solver {
	wait := z.Wait
	if wait <= 0 {
		wait = -1
	}
	return &zoneSolver{&certmagic.DNS01Solver{DNSManager: certmagic.DNSManager{
		DNSProvider: z.Provider, Resolvers: z.Resolvers, PropagationTimeout: wait, TTL: time.Minute, Logger: logger,
	}}, z, logger}
}

// zoneSolver is certmagic's with errors that name the zone and the servers that were asked.
type zoneSolver struct {
	*certmagic.DNS01Solver
	zones  Zones
	logger *zap.Logger
}

// zone is the zone of a record, and the servers that were asked for it.
func (s *zoneSolver) zone(ctx context.Context, c acme.Challenge) (zone, asked string, err error) {
	servers := certmagic.RecursiveNameservers(s.zones.Resolvers)
	asked = strings.Join(servers, ", ")
	zone, err = certmagic.FindZoneByFQDN(ctx, s.logger, c.DNS01TXTRecordName(), servers)
	return zone, asked, err
}

// Present is acmez.Solver's.
func (s *zoneSolver) Present(ctx context.Context, c acme.Challenge) error {
	if _, asked, err := s.zone(ctx, c); err != nil {
		return fmt.Errorf("the zone of %s, asked of %s: %w", c.DNS01TXTRecordName(), asked, err)
	}
	return s.DNS01Solver.Present(ctx, c)
}

// Wait is acmez.Waiter's.
func (s *zoneSolver) Wait(ctx context.Context, c acme.Challenge) error {
	begun := time.Now()
	err := s.DNS01Solver.Wait(ctx, c)
	if err == nil || ctx.Err() != nil {
		return err
	}
	zone, asked, zoneErr := s.zone(ctx, c)
	if zoneErr != nil {
		return err
	}
	if len(s.zones.Resolvers) == 0 {
		asked = "the zone's own servers"
	}
	if waited := time.Since(begun); waited >= s.zones.Wait {
		return fmt.Errorf("%w: %s of the zone %s, at %s, within %v (acme_dns_wait)", errUnseen, c.DNS01TXTRecordName(), zone, asked, s.zones.Wait)
	}
	return fmt.Errorf("looking for %s of the zone %s at %s: %w", c.DNS01TXTRecordName(), zone, asked, err)
}

var errUnseen = errors.New("the TXT record was set and is not seen")

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
