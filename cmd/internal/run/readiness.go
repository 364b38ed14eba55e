package main

import (
	"context"
	"time"
)

// readyTick is how often the readiness of the apps is looked at for the log.
const readyTick = 500 * time.Millisecond

// watchReady tells when an app that has been ready is so no more, and when it is again,
// until ctx ends: its balancer has taken it away meanwhile.
func (s *serving) watchReady(ctx context.Context) {
	tick := time.NewTicker(readyTick)
	defer tick.Stop()
	since := map[string]time.Time{} // of the apps that are not ready
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		there := map[string]bool{}
		for _, p := range s.srv.Pools() {
			app := p.App()
			there[app] = true
			st := p.Stats()
			if !st.EverUp || s.srv.IsStopping() { // the records of the start and of the stop tell
				continue
			}
			ready, _ := s.srv.Ready(app)
			began, told := since[app]
			switch {
			case !ready && !told && st.Unserved > 0:
				since[app] = time.Now().Add(-st.Unserved)
				s.log.Error("not_ready", "app", app, "gen", st.Generation, "for", st.Unserved.Round(time.Millisecond),
					"message", "no worker serves and none could be started: /readyz says 503 until one does; the records before this one say why")
			case ready && told:
				delete(since, app)
				s.log.Info("ready_again", "app", app, "gen", st.Generation, "for", time.Since(began).Round(time.Millisecond),
					"message", "a worker serves again: /readyz says 200 for this app")
			}
		}
		for app := range since {
			if !there[app] {
				delete(since, app)
			}
		}
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
