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
		if !renewal && m.o.Demand != nil && !m.covers(name) && !m.o.Demand.spend() {
			return certmagic.ErrNoRetry{Err: fmt.Errorf("%w: %s", errRate, name)}
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
		if m.attended(name) && !renewal {
			return nil // manage records it, with the time of its next attempt
		}
		// certmagic tries again: a renewal at its next look, another one at the next handshake.
		failures := m.states.load(ctx, name).Failures + 1
		m.failed(ctx, name, err, failures, backoff(failures))
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
