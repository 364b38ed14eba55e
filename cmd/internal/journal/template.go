package journal

import (
	"github.com/standpipe/standpipe/supervisor"
	"github.com/standpipe/standpipe/supervisor/process"
)

// templateExit reports the end of a template. Its workers live on; the next one that is started needs another import.
func (j *Journal) templateExit(e supervisor.TemplateExit) {
	pairs := append(append(about(e.Who), "cause", e.Exit.Cause()), sender(e.Exit, e.Ours)...)
	pairs = append(pairs, "reason", e.Reason.String(), "up", e.Up, "forks", e.Forks)
	if e.Err != nil {
		pairs = append(pairs, "error", e.Err.Error())
	}
	j.left(e.Who, e.Exit)
	switch {
	case e.Ours && (e.Reason == supervisor.Shutdown || e.Reason == supervisor.Reload):
		j.log.Warn("template_exit", pairs...)
	case e.Reason == supervisor.Shutdown, e.Reason == supervisor.Reload:
		j.log.Debug("template_exit", pairs...)
	case e.Reason == supervisor.BootFailed: // app_failed says why
		j.log.Info("template_exit", pairs...)
	default:
		j.log.Error("template_exit", pairs...)
	}
}

// left names the processes that have been ended with the one that had started them.
func (j *Journal) left(w supervisor.Who, e process.Exit) {
	if e.Loose != "" {
		j.log.Warn("worker_not_grouped", append(about(w), "error", e.Loose, "message",
			"this worker had no control group of its own: what it had started in another session may live on")...)
	}
	if e.Left != "" {
		j.log.Warn("children_ended", append(about(w), "children", e.Left, "message",
			"processes that the app had started were ended with their worker; one that is to outlive it needs a service manager or a task queue")...)
	}
}

// sender names the sender of the signal that ended a process; empty: no signal did.
func sender(e process.Exit, ours bool) []any {
	if e.Signal == 0 {
		return nil
	}
	return []any{"signal", e.SignalName, "sender", Sender(e, ours)}
}

// Sender is whose signal has ended a process, as far as that can be known; ours: standpipe has sent it.
func Sender(e process.Exit, ours bool) string {
	switch {
	case ours:
		return "standpipe"
	case e.SignalName != "SIGKILL" && e.SignalName != "SIGTERM":
		return "itself or outside"
	}
	return "outside (not standpipe)"
}
