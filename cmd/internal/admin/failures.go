package admin

import (
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/journal"
	"github.com/standpipe/standpipe/supervisor"
)

// configFailed is the name under which problems of the configuration are kept; no app has it.
const configFailed = ""

// Failures remembers the last reload that failed, for each app and for the
// configuration, until one succeeds. The zero value is ready.
type Failures struct {
	mu  sync.Mutex
	all map[string]Failure
}

// Event notes failed and successful reloads. It is a subscriber of supervisor events.
func (f *Failures) Event(e supervisor.Event) {
	switch e := e.(type) {
	case supervisor.ReloadFailed:
		f.put(e.App, reloadFailure(&e))
	case supervisor.Reloaded:
		f.forget(e.App)
	}
}

// Config notes the result of reading the configuration; nil: it has no problem.
func (f *Failures) Config(err error) {
	if err == nil {
		f.forget(configFailed)
		return
	}
	f.put(configFailed, Failure{Sentence: err.Error()})
}

func (f *Failures) put(app string, failure Failure) {
	failure.At = time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.all == nil {
		f.all = map[string]Failure{}
	}
	f.all[app] = failure
}

func (f *Failures) forget(app string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.all, app)
}

// of returns the failure of an app; nil: there is none.
func (f *Failures) of(app string) *Failure {
	f.mu.Lock()
	defer f.mu.Unlock()
	if failure, ok := f.all[app]; ok {
		return &failure
	}
	return nil
}

func reloadFailure(e *supervisor.ReloadFailed) Failure {
	failure := bootFailure(&e.BootFailure)
	failure.Sentence = journal.ReloadSentence(e)
	return failure
}

func bootFailure(e *supervisor.BootFailure) Failure {
	f := Failure{App: e.App, Sentence: journal.Advised(e)}
	if e.Failed != nil {
		f.Traceback = strings.TrimRight(e.Failed.Traceback, "\n")
		return f
	}
	f.Traceback, f.Output = strings.TrimRight(e.Stacks, "\n"), e.Output
	return f
}

// failuresOf finds the failures of apps in an error, which may be several joined ones. rest are
// the others.
func failuresOf(err error) (list []Failure, rest []error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			l, r := failuresOf(e)
			list, rest = append(list, l...), append(rest, r...)
		}
		return list, rest
	}
	if f, ok := errors.AsType[*supervisor.ReloadFailed](err); ok {
		return []Failure{reloadFailure(f)}, nil
	}
	if f, ok := errors.AsType[*supervisor.BootFailure](err); ok {
		return []Failure{bootFailure(f)}, nil
	}
	return nil, []error{err}
}
