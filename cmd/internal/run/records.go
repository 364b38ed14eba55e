package run

import (
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/journal"
	"github.com/standpipe/standpipe/supervisor"
)

// records passes the events of workers to the log, but for those that concern only apps
// with several workers: a worker does not know how many others there are.
type records struct {
	journal *journal.Journal
	begin   *beginning // nil: programs read the log
	config  func() *config.Config
}

// Event is a subscriber of supervisor events.
func (r *records) Event(e supervisor.Event) {
	if concernsLog(r.config(), e) && !r.begin.Event(e) {
		r.journal.Event(e)
	}
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
