package run

import (
	"slices"
	"sync"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/cmd/internal/errorlog"
	"github.com/standpipe/standpipe/cmd/internal/logfile"
	"github.com/standpipe/standpipe/supervisor"
)

// beginning keeps what is logged while the server starts and people read the log: warnings about the server, which the banner shows
// together, and the failures of workers, of which each app shows one. end lets records through again. nil keeps nothing.
type beginning struct {
	log *logfile.Log

	mu       sync.Mutex
	over     bool
	warnings []errorlog.Taken
	failures []supervisor.BootFailure // the first of each app
}

// told are the events of a start that the banner tells itself, or that people need not know.
var told = map[string]bool{"local_ca": true, "spool_swept": true}

// warningsMost bounds the warnings that are kept; more are written as records.
const warningsMost = 32

// keepBeginning begins to keep; nil: programs read the log, too.
func keepBeginning(log *logfile.Log) *beginning {
	if !log.ForPeople() {
		return nil
	}
	b := &beginning{log: log}
	log.Take(b.take)
	return b
}

// take keeps a warning about the server. Records about workers are written at once: they say why a start takes long.
func (b *beginning) take(r errorlog.Taken) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over || r.Level == hclog.Info && told[r.Event] {
		return !b.over
	}
	if r.Level != hclog.Warn || r.Worker || r.Event == errorlog.Output || len(b.warnings) >= warningsMost {
		return false
	}
	b.warnings = append(b.warnings, r)
	return true
}

// Event keeps the failure of a worker, and what follows from it; false: it is to be logged.
func (b *beginning) Event(e supervisor.Event) (kept bool) {
	if b == nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over {
		return false
	}
	switch e := e.(type) {
	case supervisor.BootFailure:
		if !slices.ContainsFunc(b.failures, func(f supervisor.BootFailure) bool { return f.App == e.App }) {
			b.failures = append(b.failures, e)
		}
		return true
	case supervisor.WorkerExit:
		return e.Reason == supervisor.BootFailed && len(e.InFlight) == 0
	case supervisor.TemplateExit:
		return e.Reason == supervisor.BootFailed
	}
	return false
}

// end returns what was kept, and keeps nothing any more.
func (b *beginning) end() (warnings []errorlog.Taken, failures []supervisor.BootFailure) {
	if b == nil {
		return nil, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.over {
		b.over = true
		b.log.Take(nil)
	}
	warnings, failures = b.warnings, b.failures
	b.warnings, b.failures = nil, nil
	return warnings, failures
}
