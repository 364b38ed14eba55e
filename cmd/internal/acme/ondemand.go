package acme

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// ErrNotAllowed: the name is not one of those that this server may have a certificate for.
var ErrNotAllowed = errors.New("no certificate is issued for this name")

var (
	errRate = errors.New("the limit of certificates on demand (acme_on_demand_rate) is reached")
	errSoon = errors.New("the last attempt for this name failed")
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

	denied denials
	// For tests: how long a name is denied without another question, 0: denyFor.
	remember time.Duration

	asking chan struct{} // a place for each name that Ask is asked about; nil: no limit
	told   httpx.LogLimiter
	log    hclog.Logger
}

const (
	maxAsking     = 8
	denyFor       = time.Minute     // a name that Ask has denied
	unansweredFor = 5 * time.Second // a name that it has not answered for
)

// begin prepares d for handshakes.
func (d *Demand) begin(log hclog.Logger) {
	d.asking, d.log, d.told.Every = make(chan struct{}, maxAsking), log, time.Minute
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
		return fmt.Errorf("%w: %s is not one of the hosts", ErrNotAllowed, name)
	}
	if len(name) > maxName {
		return fmt.Errorf("%w: it has %d bytes", ErrNotAllowed, len(name))
	}
	if err := d.denied.get(name, time.Now()); err != nil {
		return err
	}
	err := d.ask(ctx, name)
	switch {
	case errors.Is(err, ErrNotAllowed):
		d.denied.put(name, err, time.Now().Add(cmp.Or(d.remember, denyFor)))
	case err != nil && ctx.Err() == nil:
		d.denied.put(name, err, time.Now().Add(unansweredFor))
		if d.log != nil && d.told.Allow("ask", time.Now()) {
			d.log.Warn("certificate_ask", "name", name, "error", err)
		}
	}
	return err
}

// maxName is the length of a host name (RFC 1035 2.3.4).
const maxName = 253

// ask asks the URL. No more than maxAsking names wait for its answer at a time.
func (d *Demand) ask(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, asker.Timeout)
	defer cancel()
	if d.asking != nil {
		select {
		case d.asking <- struct{}{}:
			defer func() { <-d.asking }()
		case <-ctx.Done():
			return fmt.Errorf("acme_ask: %d names wait for its answers: %w", maxAsking, ctx.Err())
		}
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
	switch {
	case answer.StatusCode == http.StatusOK:
		return nil
	case answer.StatusCode >= 500:
		return fmt.Errorf("acme_ask: %s answers %s", u.Host, answer.Status)
	}
	return fmt.Errorf("%w: acme_ask answers %d for %s", ErrNotAllowed, answer.StatusCode, name)
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
