package run

import (
	"fmt"
	"io"

	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/journal"
	"github.com/standpipe/standpipe/cmd/internal/terminal"
	"github.com/standpipe/standpipe/supervisor"
)

// records passes the events of workers to the log, but for those that concern only apps
// with several workers: a worker does not know how many others there are.
type records struct {
	journal *journal.Journal
	begin   *beginning // nil: programs read the log
	config  func() *config.Config
	people  io.Writer // in development, where people read the log: gets why changed code does not start; nil: that is logged
	paint   terminal.Paint
}

// Event is a subscriber of supervisor events.
func (r *records) Event(e supervisor.Event) {
	if concernsLog(r.config(), e) && !r.begin.Event(e) && !r.told(e) {
		r.journal.Event(e)
	}
}

// told tells people why changed code does not start, as the start does, instead of a record. The exit of a worker that
// has said why it does not boot tells them nothing more.
func (r *records) told(e supervisor.Event) bool {
	if r.people == nil {
		return false
	}
	switch e := e.(type) {
	case supervisor.ReloadFailed:
		text := r.paint.Red("standpipe:") + " " + r.paint.Bold(fmt.Sprintf("app %q did not start", e.App)) + ": as before\n"
		if r.journal.Shown(&e.BootFailure) == 1 {
			text = journal.People(&e.BootFailure, r.paint)
		}
		_, _ = io.WriteString(r.people, text)
		return true
	case supervisor.BootFailure: // a worker in place of another one
		if r.journal.Shown(&e) == 1 {
			_, _ = io.WriteString(r.people, journal.People(&e, r.paint))
		}
		return true
	case supervisor.WorkerExit:
		return e.Reason == supervisor.BootFailed
	}
	return false
}

// problem tells people why a configuration cannot be put in force, as the start does, instead of a record.
func (r *records) problem(err error) bool {
	if r.people == nil {
		return false
	}
	_, _ = io.WriteString(r.people, r.paint.Red("standpipe:")+" "+err.Error()+"\n")
	return true
}

func concernsLog(cfg *config.Config, e supervisor.Event) bool {
	said, ok := e.(supervisor.ShimLog)
	if !ok || said.Record.Event != "one_worker_needed" {
		return true
	}
	for i := range cfg.Apps {
		if cfg.Apps[i].Name == said.App {
			return cfg.Apps[i].Workers.Max > 1
		}
	}
	return true
}
