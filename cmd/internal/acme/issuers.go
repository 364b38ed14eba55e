package acme

import (
	"context"
	"crypto/x509"

	"github.com/caddyserver/certmagic"
	acmeclient "github.com/mholt/acmez/v3/acme"
	"go.uber.org/zap"
)

// Authority is one CA, and the account there.
type Authority struct {
	// URL is the CA's directory, or "staging": Let's Encrypt's CA for tests. Empty: Let's Encrypt.
	URL string
	// KeyID and MACKey bind the account to one that the CA already has (EAB); empty: it needs none.
	KeyID, MACKey string
	// Roots verify the CA's own server; nil: the system's.
	Roots *x509.CertPool
}

// Directory returns the URL for a value of the setting acme_ca.
func Directory(ca string) string {
	switch ca {
	case "":
		return certmagic.LetsEncryptProductionCA
	case "staging":
		return certmagic.LetsEncryptStagingCA
	}
	return ca
}

// issuers makes one for each CA.
func issuers(c *certmagic.Config, o Options, logger *zap.Logger) []*certmagic.ACMEIssuer {
	list := make([]*certmagic.ACMEIssuer, 0, len(o.Authorities))
	for _, a := range o.Authorities {
		template := certmagic.ACMEIssuer{
			CA: Directory(a.URL), Email: o.Email, Agreed: true, Profile: o.Profile, TrustedRoots: a.Roots, Logger: logger,
			DisableHTTPChallenge: o.HTTPPort == 0, DisableTLSALPNChallenge: o.TLSPort == 0,
			AltHTTPPort: o.HTTPPort, AltTLSALPNPort: o.TLSPort, ListenHost: o.ListenHost,
		}
		if o.Email == "" {
			// While another goroutine or process makes the account, certmagic takes its folder, "default", for an address, and
			// keeps that for all CAs. A CA refuses it.
			template.NewAccountFunc = func(_ context.Context, _ *certmagic.ACMEIssuer, account acmeclient.Account) (acmeclient.Account, error) {
				account.Contact = nil
				return account, nil
			}
		}
		if template.CA == certmagic.LetsEncryptProductionCA {
			// A name that has failed is tried with this one first: its rate limits are wider.
			template.TestCA = certmagic.LetsEncryptStagingCA
		}
		if a.KeyID != "" {
			template.ExternalAccount = &acmeclient.EAB{KeyID: a.KeyID, MACKey: a.MACKey}
		}
		if o.DNS != nil {
			template.DNS01Solver = o.DNS.solver(logger)
		}
		list = append(list, certmagic.NewACMEIssuer(c, template))
	}
	return list
}

// unattended is an issuer that asks for no address at a terminal.
type unattended struct{ *certmagic.ACMEIssuer }

// PreCheck is certmagic.PreChecker's.
func (u unattended) PreCheck(ctx context.Context, names []string, _ bool) error {
	return u.ACMEIssuer.PreCheck(ctx, names, false)
}
