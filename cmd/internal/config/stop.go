package config

import (
	"time"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// Stop is the time from the first signal to the exit.
type Stop struct {
	Timeout   time.Duration `key:"stop_timeout"`     // everything
	Graceful  time.Duration `key:"graceful_timeout"` // running requests may finish
	Delay     time.Duration `key:"shutdown_delay"`   // keep serving, so that load balancers can notice; first part of the budget
	TermGrace time.Duration `key:"term_grace"`       // between a worker's SIGTERM and its SIGKILL
}

// Settings are those of [stop].
func (*Stop) Settings() schema.Group {
	return schema.Group{Key: "stop", Settings: []schema.Setting{
		{Key: "stop_timeout", Kind: schema.Duration, Default: "25s", Reload: true,
			Derived: "when graceful_timeout is set and needs more: shutdown_delay + graceful_timeout + term_grace"},
		{Key: "graceful_timeout", Kind: schema.Duration, Reload: true, Derived: "what is left of stop_timeout after shutdown_delay and term_grace"},
		{Key: "shutdown_delay", Kind: schema.Duration, Default: "0", Reload: true, Derived: "5s when KUBERNETES_SERVICE_HOST is set"},
		{Key: "term_grace", Kind: schema.Duration, Default: "2s", Reload: true},
	}}
}

// derive divides the budget: shutdown_delay, then graceful_timeout, then term_grace. kubernetes: its balancers need a
// delay. derived is called for each value that was not set.
func (s *Stop) derive(r *schema.Row, kubernetes bool, derived func(key, why string)) {
	if kubernetes && !r.Given("shutdown_delay") {
		s.Delay = 5 * time.Second
		derived("shutdown_delay", "KUBERNETES_SERVICE_HOST is set")
	}
	around := s.Delay + s.TermGrace
	graceful, total := r.Given("graceful_timeout"), r.Given("stop_timeout")
	switch {
	case graceful && total:
	case graceful && s.Graceful == 0:
		s.Timeout = 0
		derived("stop_timeout", "graceful_timeout is 0, no limit")
	case graceful && s.Graceful+around > s.Timeout:
		s.Timeout = s.Graceful + around
		derived("stop_timeout", "shutdown_delay + graceful_timeout + term_grace")
	case graceful:
	case s.Timeout == 0:
		s.Graceful = 0
		derived("graceful_timeout", "stop_timeout is 0, no limit")
	default:
		s.Graceful = max(s.Timeout-around, 0)
		derived("graceful_timeout", "stop_timeout - shutdown_delay - term_grace")
	}
}

// Check finds a budget that its parts do not fit into.
func (s *Stop) Check(r *schema.Row) {
	text := schema.FormatDuration
	graceful, total := r.Given("graceful_timeout"), r.Given("stop_timeout")
	switch {
	case s.Timeout == 0 || r.Unsure("stop_timeout", "graceful_timeout", "shutdown_delay", "term_grace"):
	case !graceful && s.Timeout <= s.Delay+s.TermGrace:
		r.Bad("stop_timeout", "stop_timeout %s leaves nothing for running requests after shutdown_delay %s and term_grace %s; raise it, or lower those",
			text(s.Timeout), text(s.Delay), text(s.TermGrace))
	case graceful && total && (s.Graceful == 0 || s.Graceful+s.Delay+s.TermGrace > s.Timeout):
		r.Bad("graceful_timeout", "shutdown_delay %s + graceful_timeout %s + term_grace %s do not fit into stop_timeout %s; leave out stop_timeout or graceful_timeout, and it is derived",
			text(s.Delay), text(s.Graceful), text(s.TermGrace), text(s.Timeout))
	}
}
