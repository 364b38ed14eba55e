package main

import "github.com/standpipe/standpipe/supervisor"

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
			return cfg.Apps[i].MaxWorkers > 1
		}
	}
	return true
}
