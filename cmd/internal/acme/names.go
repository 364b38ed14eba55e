package acme

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/certmagic"
)

// backoff is the time until the next attempt after n failures in a row. certmagic has the same times for renewals; Let's Encrypt
// allows five failures per name and hour, and after the first one its CA for tests is tried first.
func backoff(n int) time.Duration {
	steps := [...]time.Duration{1, 2, 2, 5, 10, 10, 10, 20, 20, 20, 20, 30, 30, 30, 30, 30, 30, 60, 60, 60, 120, 120, 180, 180, 360}
	return steps[max(0, min(n, len(steps))-1)] * time.Minute
}

func notExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// manage obtains the certificate of a name, once, and later renews it when Renew asks for it. The cache renews by time.
func (m *Manager) manage(name string, missing bool) {
	failures := 0
	for missing {
		ctx := context.WithValue(m.ctx, certmagic.AttemptsCtxKey, &failures)
		err := m.order(ctx, name)
		if err == nil {
			err = m.load(name)
		}
		if err == nil || m.ctx.Err() != nil {
			break
		}
		failures++
		wait := backoff(failures)
		m.failed(m.ctx, name, err, failures, wait)
		select {
		case <-m.ctx.Done():
		case <-m.wake[name]:
		case <-time.After(wait):
		}
	}
	if !missing && m.ctx.Err() == nil {
		m.refresh(name)
	}
}

// order asks the CAs for a first certificate.
func (m *Manager) order(ctx context.Context, name string) error {
	return explain(m.obtain.ObtainCertSync(ctx, name), m.o.Authorities[0].KeyID != "")
}

// refresh renews a stored certificate if its time has come while no process ran.
func (m *Manager) refresh(name string) {
	for _, c := range m.cache.AllMatchingCertificates(name) {
		if c.NeedsRenewal(m.config) {
			_ = m.renew(m.ctx, name, false) // it is recorded, and the cache tries again from its next look on
			return
		}
	}
}

// Renew obtains a new certificate for a name now, however long the present one is valid. It ends with ctx, and with Stop.
func (m *Manager) Renew(ctx context.Context, name string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(m.ctx, cancel)()
	name = strings.ToLower(name)
	wake, known := m.wake[name]
	switch present, err := m.present(ctx, name); {
	case err != nil:
		return err
	case present:
		return m.renew(ctx, name, true)
	case !known:
		return ErrUnknownName
	}
	// There is none yet: the goroutine that waits for its next attempt does not wait any longer.
	if err := m.order(ctx, name); err != nil {
		if ctx.Err() == nil {
			st := m.states.load(ctx, name)
			wait := time.Until(st.Next) // of that goroutine
			if wait <= 0 {
				wait = backoff(1)
			}
			m.failed(ctx, name, err, st.Failures+1, wait)
		}
		return err
	}
	select {
	case wake <- struct{}{}:
	default:
	}
	return m.load(name)
}

// present reports whether there is a certificate of exactly that name. One on demand may be in the storage alone.
func (m *Manager) present(ctx context.Context, name string) (bool, error) {
	for _, c := range m.cache.AllMatchingCertificates(name) {
		if slices.Contains(c.Names, name) {
			return true, nil
		}
	}
	if m.demand == nil || m.attended(name) {
		return false, nil
	}
	_, err := m.demand.CacheManagedCertificate(ctx, name)
	if notExist(err) {
		return false, nil
	}
	return err == nil, err
}

// recordedKey is the key in a context of a *bool: the failure of a renewal has been recorded.
type recordedKey struct{}

// renew replaces a certificate; handshakes get the old one until the new one is there.
func (m *Manager) renew(ctx context.Context, name string, force bool) error {
	old := m.cache.AllMatchingCertificates(name)
	recorded := false
	if err := m.obtain.RenewCertSync(context.WithValue(ctx, recordedKey{}, &recorded), name, force); err != nil {
		if !recorded && ctx.Err() == nil { // there is no event when the storage fails
			m.failed(ctx, name, err, m.states.load(ctx, name).Failures+1, backoff(1))
		}
		return err
	}
	fresh, err := m.config.CacheManagedCertificate(ctx, name)
	if err != nil {
		return err
	}
	m.brief.learn(fresh)
	var gone []string
	for _, c := range old {
		if c.Hash() != fresh.Hash() && len(c.Names) == 1 && c.Names[0] == name {
			gone = append(gone, c.Hash())
		}
	}
	m.cache.Remove(gone)
	return nil
}
