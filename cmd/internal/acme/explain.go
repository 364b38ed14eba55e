package acme

import (
	"errors"
	"fmt"
	"strings"

	acmeclient "github.com/mholt/acmez/v3/acme"
)

// explain adds to a CA's answer which setting it is about. bound: the account is bound to one that the CA has (EAB).
func explain(err error, bound bool) error {
	var p acmeclient.Problem
	if !errors.As(err, &p) {
		return err
	}
	switch {
	case p.Type == acmeclient.ProblemTypeExternalAccountRequired:
		return fmt.Errorf("%w: this CA issues for accounts that it has made itself: set acme_eab_id and acme_eab_key to what it gives you", err)
	case bound && strings.Contains(err.Error(), "registering account"):
		return fmt.Errorf("%w: compare acme_eab_id and acme_eab_key with what the CA gives you", err)
	}
	return err
}
