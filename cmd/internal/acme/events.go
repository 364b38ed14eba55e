package acme

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/caddyserver/certmagic"
)

// event gets certmagic's events. An error from the event before an issuance forbids it.
func (m *Manager) event(ctx context.Context, event string, data map[string]any) error {
	name, _ := data["identifier"].(string)
	renewal, _ := data["renewal"].(bool)
	switch event {
	case "cert_obtaining":
		if !renewal && m.o.Demand != nil && !m.covers(name) {
			return m.admit(ctx, name)
		}
	case "cert_obtained":
		issuer, _ := data["issuer"].(string)
		m.log.Info("certificate_obtained", "name", name, "issuer", issuer, "renewal", renewal)
		if err := m.states.clear(ctx, name); err != nil {
			m.log.Error("certificate_storage", "name", name, "error", err)
		}
	case "cert_failed":
		err, _ := data["error"].(error)
		if err == nil {
			err = errors.New("the reason is unknown")
		}
		if errors.Is(err, errRate) || errors.Is(err, errSoon) {
			return nil // no CA was asked, and clients choose the names: nothing of them is kept
		}
		if recorded, ok := ctx.Value(recordedKey{}).(*bool); ok {
			*recorded = true
		}
		if m.attended(name) && !renewal {
			return nil // manage records it, with the time of its next attempt
		}
		// certmagic tries again: a renewal at its next look, another one at the next handshake.
		failures := m.states.load(ctx, name).Failures + 1
		m.failed(ctx, name, err, failures, backoff(failures))
	}
	return nil
}

// admit forbids the issuance on demand that comes too soon after a failed one, or is one too many.
func (m *Manager) admit(ctx context.Context, name string) (err error) {
	if st := m.states.load(ctx, name); time.Now().Before(st.Next) {
		err = fmt.Errorf("%w, and the next one is made at %s: %s", errSoon, st.Next.UTC().Format(time.DateTime), st.Error)
	} else if !m.o.Demand.spend() {
		err = fmt.Errorf("%w: %d in %v", errRate, m.o.Demand.Rate, m.o.Demand.Per)
		if m.o.Demand.told.Allow("rate", time.Now()) {
			m.log.Warn("certificate_limit", "name", name, "error", err)
		}
	}
	if err != nil {
		return certmagic.ErrNoRetry{Err: err}
	}
	return nil
}

// attended reports whether a goroutine of ours obtains the name.
func (m *Manager) attended(name string) bool { _, ok := m.wake[name]; return ok }

// failed records a failed attempt, for people and for `standpipe certs`.
func (m *Manager) failed(ctx context.Context, name string, err error, failures int, wait time.Duration) {
	m.log.Error("certificate_failed", "name", name, "error", err, "repeated", failures, "retry_in", wait)
	now := time.Now()
	s := state{Error: err.Error(), At: now, Next: now.Add(wait), Failures: failures}
	if err := m.states.save(context.WithoutCancel(ctx), name, s); err != nil {
		m.log.Error("certificate_storage", "name", name, "error", err)
	}
}
