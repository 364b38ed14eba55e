package acme

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

var (
	errNotAllowed = errors.New("no certificate is issued for this name")
	errRate       = errors.New("the limit of certificates on demand is reached")
)

// Demand decides for which names a handshake may cause an issuance.
type Demand struct {
	// Hosts are names and wildcards that are allowed.
	Hosts []string
	// Ask is a URL that answers GET Ask?domain=NAME with 200 for a name that is allowed; empty: Hosts decide alone.
	Ask string
	// Rate is how many certificates are issued in an interval of Per at most; 0: no limit.
	Rate int
	Per  time.Duration

	mu     sync.Mutex
	issued []time.Time // the last Rate issuances
}

// asker asks Ask. A redirect is no answer.
var asker = &http.Client{
	Timeout:       10 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// allow is nil for a name that may have a certificate.
func (d *Demand) allow(ctx context.Context, name string) error {
	_, domain, _ := strings.Cut(name, ".")
	for _, h := range d.Hosts {
		if h = strings.ToLower(h); h == name || domain != "" && h == "*."+domain {
			return nil
		}
	}
	if d.Ask == "" {
		return fmt.Errorf("%w: %s is not one of the hosts", errNotAllowed, name)
	}
	u, err := url.Parse(d.Ask)
	if err != nil {
		return fmt.Errorf("acme_ask: %w", err)
	}
	q := u.Query()
	q.Set("domain", name)
	u.RawQuery = q.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return fmt.Errorf("acme_ask: %w", err)
	}
	answer, err := asker.Do(r)
	if err != nil {
		return fmt.Errorf("acme_ask: %w", err)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10)) // so that the connection can be used again
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%w: acme_ask answers %d for %s", errNotAllowed, answer.StatusCode, name)
	}
	return nil
}

// spend reports whether one more certificate may be issued now, and counts it.
func (d *Demand) spend() bool {
	if d.Rate <= 0 {
		return true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	if len(d.issued) >= d.Rate {
		if now.Sub(d.issued[0]) < d.Per {
			return false
		}
		d.issued = d.issued[1:]
	}
	d.issued = append(d.issued, now)
	return true
}
