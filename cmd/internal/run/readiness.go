package run

import (
	"time"

	"github.com/standpipe/standpipe/cmd/internal/logfile"
	"github.com/standpipe/standpipe/supervisor"
)

// readyStats is the state of a pool, and whether its app is ready for its load balancer.
type readyStats struct {
	supervisor.Stats
	ready bool
}

// readinessWatch tells when an app that was ready is not ready any more, and when it is
// again: meanwhile its load balancer has removed it.
type readinessWatch struct {
	log   *logfile.Log
	since map[string]time.Time // of the apps that are not ready
}

func (r *readinessWatch) look(list []readyStats, now time.Time) {
	present := map[string]time.Time{}
	for _, st := range list {
		began, told := r.since[st.App]
		switch {
		case !st.EverUp: // the records of the start tell
		case !st.ready && !told && st.Unserved > 0:
			present[st.App] = now.Add(-st.Unserved)
			r.log.Error("not_ready", "app", st.App, "gen", st.Generation, "for", st.Unserved.Round(time.Millisecond),
				"message", "no worker serves and none could be started: /readyz says 503 until one does; the records before this one say why")
		case st.ready && told:
			r.log.Info("ready_again", "app", st.App, "gen", st.Generation, "for", now.Sub(began).Round(time.Millisecond),
				"message", "a worker serves again: /readyz says 200 for this app")
		case told:
			present[st.App] = began
		}
	}
	r.since = present
}
