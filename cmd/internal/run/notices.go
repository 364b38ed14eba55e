package main

import (
	"github.com/standpipe/standpipe/cmd/internal/journal"
	"github.com/standpipe/standpipe/supervisor"
)

// tell gives an event to the log, if it is one for it.
func (s *serving) tell(records *journal.Journal, e supervisor.Event) {
	if s.concerns(e) {
		records.Event(e)
	}
}

// concerns says whether an event is one for the log: a worker does not know how many of its kind there are.
func (s *serving) concerns(e supervisor.Event) bool {
	said, ok := e.(supervisor.ShimLog)
	if !ok || said.Record.Event != "one_worker_needed" {
		return true
	}
	cfg := s.cfg
	if s.srv != nil {
		cfg = s.srv.Config()
	}
	for i := range cfg.Apps {
		if cfg.Apps[i].Name == said.App {
			return cfg.Apps[i].Workers.Max > 1
		}
	}
	return true
}
