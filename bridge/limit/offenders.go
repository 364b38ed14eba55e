package limit

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Denier keeps a list of networks that are denied for a time.
type Denier interface {
	Deny(network netip.Prefix, until time.Time, cause string) error
}

// BanOptions say when a client whose requests are refused is denied altogether.
type BanOptions struct {
	// Offenders counts.
	Offenders *Offenders
	// After so many refused requests Within that time, the client is denied For that time.
	After       int
	Within, For time.Duration
	// Denier denies it.
	Denier Denier
	// Spared reports whether a network is never denied.
	Spared func(netip.Prefix) bool
	// Cause names what the client did, for the list.
	Cause string
	// Log gets offender_denied; nil: no records are written.
	Log hclog.Logger
}

// Offenders counts refused requests of clients. It outlives reloads.
type Offenders struct {
	secret secret
	base   time.Time
	table  *table // a number is the end of a window, its last countBits bits the count in it
}

// countBits of the end of a window, in nanoseconds, are its count.
const (
	countBits   = 16
	mostCounted = 1<<countBits - 1
)

// mostOffenders are counted at the same time.
const mostOffenders = 100_000

// NewOffenders makes an Offenders that has counted nothing.
func NewOffenders() *Offenders {
	return &Offenders{secret: newSecret(), base: time.Now(), table: newTable(mostOffenders)}
}

// count counts one refused request, and reports whether it is the last one that is needed.
func (o *Offenders) count(client netip.Prefix, after int, within time.Duration) bool {
	now := int64(time.Since(o.base))
	hash := clientHash(o.secret, client)
	s := o.table.of(hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.find(hash, now)
	if *at <= now {
		*at = (now + int64(within)) &^ mostCounted
	}
	*at++
	if *at&mostCounted < int64(after) {
		return false
	}
	*at = now // and from the beginning
	return true
}

// ban counts a refused request, and denies its client after the last one that is needed. A request
// that a browser sends because of another site's page is not counted: that site could have its
// visitors denied. name is that of the limit, or empty.
func (b *BanOptions) ban(s *subject, name string) {
	if b == nil || s.elsewhere() {
		return
	}
	client := s.client()
	if !client.IsValid() || b.Spared != nil && b.Spared(client) || !b.Offenders.count(client, b.After, b.Within) {
		return
	}
	pairs := []any{"client", s.info.RemoteAddr, "network", client.String(), "id", s.info.ID, "for", b.For, "refused", b.After}
	if name != "" {
		pairs = append(pairs, "limit_name", name)
	}
	err := b.Denier.Deny(client, time.Now().Add(b.For), b.Cause)
	if err != nil {
		pairs = append(pairs, "error", err)
	}
	if b.Log != nil {
		b.Log.Warn("offender_denied", append(pairs, "message", fmt.Sprintf("%s is denied for %v: %d refused requests within %v (%s)", client, b.For, b.After, b.Within, b.Cause))...)
	}
}

// elsewhere reports whether a browser says that another site's page caused the request.
func (s *subject) elsewhere() bool {
	v := s.r.Header["Sec-Fetch-Site"]
	return len(v) == 1 && v[0] == "cross-site"
}
