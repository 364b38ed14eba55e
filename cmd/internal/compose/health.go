package compose

import (
	"net/http"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/bridge/chain"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/supervisor"
)

// health is the stage that answers the health checks among the apps' requests; nil: it is off.
func (s *Server) health(cfg *config.Config) func(http.Handler) http.Handler {
	if cfg.Responses.HealthPath == "off" {
		return nil
	}
	return chain.Health(chain.HealthOptions{Ready: s, Path: strings.TrimSuffix(cfg.Responses.HealthPath, "/")})
}

// Health answers the health checks at an address of its own.
func (s *Server) Health() http.Handler { return chain.HealthHandler(chain.HealthOptions{Ready: s}) }

// HiddenHealth are the health paths that the app has routes for, and that are answered before it is asked.
func (s *Server) HiddenHealth(app string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hidden[app]
}

// healthHears is told of workers: the first one of an app tells which health paths it has routes for, and each one that
// tells something else.
func (s *Server) healthHears(e supervisor.Event) {
	ready, ok := e.(supervisor.WorkerReady)
	if !ok {
		return
	}
	r := ready.Ready
	s.mu.Lock()
	before, known := s.hidden[ready.App]
	s.hidden[ready.App] = r.Answers
	s.mu.Unlock()
	if r.AnswersUnknown != "" && !known {
		s.log.Debug("health_unknown", "app", ready.App, "error", r.AnswersUnknown)
	}
	if len(r.Answers) == 0 || slices.Equal(before, r.Answers) || !known && s.log.Text { // people read the banner
		return
	}
	s.log.Warn("health_hidden", "app", ready.App, "paths", strings.Join(r.Answers, ", "),
		"hint", "the app has routes of its own there, and standpipe answers before it is asked: --health-path /-/health moves standpipe's, --health-path off switches them off")
}
