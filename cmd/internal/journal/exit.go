package journal

import (
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/logtext"
	"github.com/standpipe/standpipe/cmd/internal/errorlog"
	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/supervisor"
)

// exit writes how a worker ended, by whom, and the fate of its requests.
func (j *Journal) exit(e supervisor.WorkerExit) {
	pairs := append(append(about(e.Who), "cause", e.Exit.Cause()), sender(e.Exit, e.Ours)...)
	pairs = append(pairs, "reason", e.Reason.String(), "state", e.State.String(), "up", e.Up, "served", e.Served)
	if e.RSS > 0 {
		pairs = append(pairs, "rss", errorlog.Bytes(e.RSS))
	}
	if e.Exit.MaxRSS > 0 {
		pairs = append(pairs, "max_rss", errorlog.Bytes(e.Exit.MaxRSS))
	}
	if e.Limit > 0 && (e.Reason == supervisor.MaxRSS || e.Reason == supervisor.HardRSS) {
		pairs = append(pairs, "limit", errorlog.Bytes(e.Limit), "growth", errorlog.Bytes(e.Growth), "grew", grew(e.Grew))
	}
	if len(e.InFlight) > 0 {
		pairs = append(pairs, "in_flight", inFlight(e.InFlight, e.Fate))
	}
	if e.Err != nil {
		pairs = append(pairs, "error", e.Err.Error())
	}
	if e.Stacks != "" {
		at := Stuck(e.Stacks)
		if strings.HasPrefix(e.Stacks, crashed) {
			at = crashedAt(e.Stacks)
		}
		pairs = append(pairs, "at", at, "stacks", strings.TrimRight(e.Stacks, "\n"))
	}
	j.left(e.Who, e.Exit)
	level := exitLevel(e)
	if e.Reason == supervisor.MaxRSS && level == hclog.Warn && !e.Late() {
		pairs = append(pairs, "message", "the worker was larger than max_rss and was replaced")
	}
	j.log.Log(level, "worker_exit", pairs...)
}

// ExitIsBad reports whether an exit is one that a person should look at.
func ExitIsBad(e supervisor.WorkerExit) bool { return exitLevel(e) >= hclog.Warn }

// exitLevel is an error unless the worker was asked to end and ended in good order.
func exitLevel(e supervisor.WorkerExit) hclog.Level {
	idle := len(e.InFlight) == 0
	// A worker that is not wanted any more while it boots ends by standpipe's SIGTERM.
	asked := idle && (e.Exit.Signal == 0 && e.Exit.Code == 0 || e.Ours && e.Exit.SignalName == "SIGTERM")
	if idle && e.Late() {
		return hclog.Warn
	}
	switch e.Reason {
	case supervisor.Shutdown, supervisor.Upgrade:
		if idle {
			return hclog.Debug
		}
	case supervisor.ScaleDown, supervisor.Reload:
		if asked {
			return hclog.Debug
		}
	case supervisor.MaxRSS:
		if asked {
			return hclog.Warn
		}
	case supervisor.MaxRequests, supervisor.MaxLifetime, supervisor.Restart:
		if asked {
			return hclog.Info
		}
	case supervisor.BootFailed: // app_failed has the cause
		return hclog.Info
	case supervisor.ClientGone: // asked for by on_disconnect
		if e.Exit.Code == 0 {
			return hclog.Info
		}
	}
	return hclog.Error
}

// grew lists the requests that made a worker large.
func grew(list []supervisor.Grown) string {
	var b strings.Builder
	for i, g := range list {
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "%s +%v in %d", g.Request, errorlog.Bytes(g.Bytes), g.Count)
	}
	return b.String()
}

// inFlight lists the requests that died with their worker, and the fate of each one.
func inFlight(list []shim.InFlight, fate shim.Fate) string {
	var b strings.Builder
	for i, f := range list {
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "id=%s %s %s", f.Label.ID, logtext.Cut(f.Label.Method, logtext.Word), logtext.Cut(f.Label.Target, briefTarget))
		if !f.Sent.IsZero() {
			fmt.Fprintf(&b, " %.1fs", time.Since(f.Sent).Seconds())
		}
		again, why := f.Retry(fate)
		switch {
		case f.Sent.IsZero():
			b.WriteString(" not started -> goes to another worker")
		case again:
			b.WriteString(" -> run again")
		case f.Answered:
			b.WriteString(" -> answered; what was to come after the answer (standpipe.after_response) was cut off")
		case f.Left:
			b.WriteString(" -> its client had disconnected")
		case f.Head:
			b.WriteString(" -> cut off: " + why)
		case f.Expired:
			b.WriteString(" -> 504")
		default:
			b.WriteString(" -> 502, not retried: " + why)
		}
	}
	return b.String()
}
