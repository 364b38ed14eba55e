package run

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/logfile"
	"github.com/standpipe/standpipe/cmd/internal/systemd"
	"github.com/standpipe/standpipe/supervisor"
)

// service tells the service manager how this service is doing.
type service struct {
	pools func() []*supervisor.Pool
	log   *logfile.Log

	manager *systemd.Notifier // nil: no service manager listens
	group   *group            // nil: not open
}

// open connects to the service manager, if there is one, and starts the loop that speaks
// to it until close.
func (s *service) open(ctx context.Context) {
	s.manager = systemd.Open(os.Getenv, os.Getpid(), func(err error) {
		s.log.Warn("notify_failed", "error", err, "message", "the service manager cannot be notified (NOTIFY_SOCKET)")
	})
	if s.manager == nil {
		return
	}
	s.group = newGroup(context.WithoutCancel(ctx))
	s.group.start(func(ctx context.Context) {
		s.manager.Loop(ctx, systemd.Watch{
			Status: s.status, Healthy: s.healthy,
			Sick: func(err error) {
				s.log.Error("watchdog_held", "error", err, "message", "this process is stuck; the watchdog gets no more keep-alives, so that the service manager ends the process")
			},
		})
	})
}

func (s *service) close() {
	if s.group != nil {
		s.group.close()
	}
}

// status is the state of the service in one line.
func (s *service) status() string {
	var apps []string
	for _, p := range s.pools() {
		apps = append(apps, p.App()+": "+statusOf(p.Stats()))
	}
	if len(apps) == 0 {
		return "no app: routes and folders answer"
	}
	return strings.Join(apps, "; ")
}

func statusOf(st supervisor.Stats) string {
	text := fmt.Sprintf("%d/%d workers ready, %d requests served", st.Ready, st.Workers, st.Counts.Served)
	if st.Asleep {
		text = fmt.Sprintf("asleep, %d requests served", st.Counts.Served)
	}
	if st.Waiting > 0 {
		text += fmt.Sprintf(", %d waiting", st.Waiting)
	}
	if st.Reloading {
		text += ", reloading"
	}
	return text
}

// healthy reports an error if the dispatcher of a pool does not respond.
func (s *service) healthy(ctx context.Context) error {
	for _, p := range s.pools() {
		if err := p.Alive(ctx); err != nil {
			return fmt.Errorf("app %q: its dispatcher does not respond: %w", p.App(), err)
		}
	}
	return nil
}
