package upstream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// Probe checks an upstream: nil means that it is well.
type Probe func(ctx context.Context) error

// ConnectProbe is whether a connection is accepted.
func ConnectProbe(d Dialer) Probe {
	return func(ctx context.Context) error {
		c, err := d.Dial(ctx)
		if err != nil {
			return err
		}
		return c.Close()
	}
}

// HTTPCheck is a GET and what is expected of its response.
type HTTPCheck struct {
	Scheme, Address string // of the URL
	Target          string // "/health?deep=1"
	Host            string // of the field; empty: Address
	Statuses        []StatusRange
	Body            string // a part of the body; empty: any
}

// StatusRange are the statuses from First to Last.
type StatusRange struct{ First, Last int }

// probeBody bounds how much of a response's body is looked at; bytes.
const probeBody = 64 << 10

// Probe returns the check. Each has a connection of its own, so that it also finds out whether these are accepted. Of o only
// what is about the protocol counts.
func (c HTTPCheck) Probe(d Dialer, o HTTPOptions) (Probe, error) {
	target, err := url.ParseRequestURI(c.Target)
	if err != nil {
		return nil, err
	}
	t := newTransport(d, o)
	t.DisableKeepAlives = true
	target.Scheme, target.Host = c.Scheme, c.Address
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
		if err != nil {
			return err
		}
		if c.Host != "" {
			req.Host = c.Host
		}
		req.Header.Set("User-Agent", "standpipe-check")
		resp, err := t.RoundTrip(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		return c.judge(resp)
	}, nil
}

var errNoText = errors.New("the body does not have the expected text")

func (c HTTPCheck) judge(resp *http.Response) error {
	ok := false
	for _, r := range c.Statuses {
		ok = ok || r.First <= resp.StatusCode && resp.StatusCode <= r.Last
	}
	if !ok {
		return fmt.Errorf("the check got the status %d", resp.StatusCode)
	}
	if c.Body == "" {
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, probeBody))
	switch {
	case bytes.Contains(text, []byte(c.Body)):
		return nil
	case err != nil:
		return err
	}
	return errNoText
}
