package compose

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/logfile"
	"github.com/standpipe/standpipe/supervisor"
)

// health knows whether apps are ready, and which health paths an app has routes for.
type health struct {
	log   *logfile.Log
	pools func() []*supervisor.Pool
	stop  *stop

	mu     sync.Mutex
	hidden map[string][]string // health paths that an app has routes for, by app
}

func newHealth(log *logfile.Log, pools func() []*supervisor.Pool, stop *stop) *health {
	return &health{log: log, pools: pools, stop: stop, hidden: map[string][]string{}}
}

// unservedLimit is how long an app may have no serving worker while its boots fail before
// the readiness checks say no.
const unservedLimit = 5 * time.Second

// Ready answers the readiness checks: an app has been ready once, it has not been without a
// serving worker for more than unservedLimit while its boots fail, and the server is not
// stopping. A full queue does not count. The empty name means all apps, if there are any.
func (h *health) Ready(app string) (ready, known bool) {
	ready, known = !h.stop.hasBegun(), app == ""
	for _, p := range h.pools() {
		if app == "" || app == p.App() {
			known = true
			st := p.Stats()
			ready = ready && st.EverUp && st.Unserved <= unservedLimit
		}
	}
	return ready && known, known
}

func (h *health) hiddenOf(app string) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.hidden[app]
}

// event takes from a ready worker for which health paths its app has routes. A record says
// so for the first worker of an app, and for each one that says something else.
func (h *health) event(e supervisor.Event) {
	ready, ok := e.(supervisor.WorkerReady)
	if !ok {
		return
	}
	r := ready.Ready
	h.mu.Lock()
	before, known := h.hidden[ready.App]
	h.hidden[ready.App] = r.Answers
	h.mu.Unlock()
	if r.AnswersUnknown != "" && !known {
		h.log.Debug("health_unknown", "app", ready.App, "error", r.AnswersUnknown)
	}
	if len(r.Answers) == 0 || slices.Equal(before, r.Answers) || !known && h.log.Text { // people read the banner
		return
	}
	h.log.Warn("health_hidden", "app", ready.App, "paths", strings.Join(r.Answers, ", "),
		"message", "the app has routes there, and standpipe answers before it is asked: --health-path /-/health moves standpipe's, --health-path off switches them off")
}
